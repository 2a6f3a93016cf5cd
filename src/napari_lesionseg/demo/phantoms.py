"""The study that the scripted reviewer works through: generated scans, what the model predicts, and what is true."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from napari_lesionseg.study.phantom_study import write_phantom_study
from napari_lesionseg.volumes import read_mask, read_scan

MODEL: Final = "phantom-base"
SEED, SHAPE = 4, (24, 128, 128)
UNPREDICTED: Final = 2  # The reviewer draws this case from nothing, as where no model is at hand.


def write_study(folder: Path, truths: Path, patients: int) -> list[str]:
    """Make the study in ``folder``; return the ids of its cases.

    Parameters
    ----------
    truths
        Gets ``<case>.npy`` of each case (z, y, x): what the scripted reviewer knows of the scans.
    """
    from napari_lesionseg.inference.predict import predict
    from napari_lesionseg.inference.result_key import ResultKey
    from napari_lesionseg.models.card import load_model
    from napari_lesionseg.models.zoo import find_model

    study = write_phantom_study(folder, patients, shape=SHAPE, seed=SEED)
    model = load_model(find_model(MODEL))
    truths.mkdir(parents=True)
    cases = study.cases()
    for number, case in enumerate(cases):
        truth = study.latest(case.id, "truth")
        if truth is not None:
            np.save(truths / f"{case.id}.npy", read_mask(truth.path, case.geometry).array)
        if number != UNPREDICTED:
            scan = read_scan(case.scan)
            mask, key = predict(scan, model, device="cpu").mask(), ResultKey.of(scan, model.card)
            study.add_revision(case.id, "prediction", mask, model=model.card.name, result_key=str(key))
    return [case.id for case in cases]
