"""Bands and precision of a model, on the calibration patients of a study."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lesionseg_training.evaluate import cases_with_truth
from lesionseg_training.pseudo.bands import LESION, Bands, Levels, count_levels, fit_bands
from lesionseg_training.pseudo.believe import Rules, believe
from lesionseg_training.pseudo.members import predict_members
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.study.records import Case
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Geometry
from napari_lesionseg.volumes.read import read_mask, read_scan

Bytes = npt.NDArray[np.uint8]


def calibrated_bands(
    model: LoadedModel,
    study: Study,
    promise: tuple[float, float],
    rules: Rules,
    device: str,
    progress: Callable[[str], None],
) -> tuple[Bands, float]:
    """Fit the bands, and tell the share of what they and the rules believe to be lesion that is.

    Parameters
    ----------
    promise
        Precision and missed share, see :func:`lesionseg_training.pseudo.bands.fit_bands`.
    progress
        Called with each case before it is predicted.

    Raises
    ------
    LesionsegError
        If no calibration patient has a truth, none has lesion, or no threshold is precise enough.
    """
    judged = cases_with_truth(study, "calibration")
    if not judged:
        raise LesionsegError(f"{study.folder} has no calibration patient with truth; add one.")
    cases, truths = [case for case, _ in judged], {case.id: truth.path for case, truth in judged}
    with tempfile.TemporaryDirectory(prefix="lesionseg-") as place:
        shelf = _Shelf(Path(place), model, study, device)
        for case in cases:
            progress(case.id)
            shelf.put(case)
        bands = fit_bands((shelf.levels(case, truths[case.id]) for case in cases), *promise)
        return bands, _precision(shelf, cases, truths, bands, rules)


class _Shelf:
    """Members' predictions of the calibration scans, on disk: they are looked at twice, and do not fit in memory."""

    def __init__(self, place: Path, model: LoadedModel, study: Study, device: str) -> None:
        self._place, self._model, self._study, self._device = place, model, study, device
        self._geometry: dict[str, Geometry] = {}

    def put(self, case: Case) -> None:
        self._study.check_scan(case)
        scan = read_scan(case.scan)
        members, lungs = predict_members(scan, self._model, self._device)
        self._geometry[case.id] = scan.geometry
        np.save(self._place / f"{case.id}.npy", np.stack(members))
        if lungs is not None:
            np.save(self._place / f"{case.id}-lungs.npy", lungs.array)

    def get(self, case: Case) -> tuple[list[Bytes], Bytes | None, Geometry]:
        members = np.load(self._place / f"{case.id}.npy", mmap_mode="r")
        lungs = self._place / f"{case.id}-lungs.npy"
        return list(members), np.load(lungs) if lungs.exists() else None, self._geometry[case.id]

    def levels(self, case: Case, truth: Path) -> Levels:
        members, lungs, geometry = self.get(case)
        mean = np.rint(np.mean(members, axis=0)).astype(np.uint8)
        return count_levels(mean, read_mask(truth, like=geometry).array, lungs)


def _precision(shelf: _Shelf, cases: Sequence[Case], truths: dict[str, Path], bands: Bands, rules: Rules) -> float:
    """Of all voxels believed to be lesion on calibration patients, the share that is."""
    believed = right = 0
    for case in cases:
        members, lungs, geometry = shelf.get(case)
        marked = believe(members, bands, rules, geometry.voxel_ml, lungs).labels == LESION
        truth = read_mask(truths[case.id], like=geometry).array != 0
        believed += int(marked.sum())
        right += int((marked & truth).sum())
    return right / believed if believed else 0.0
