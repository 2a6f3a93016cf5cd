"""Train several networks with one budget and hold them against the truth of patients they have not seen."""

from __future__ import annotations

import json
import platform
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lesionseg_training.comparison import (
    Comparison,
    Contender,
    Trained,
    find_label,
    load_trained,
    read_json,
    save_trained,
)
from lesionseg_training.contenders import Job, Wish, plan_jobs
from lesionseg_training.evaluate import evaluate_model
from lesionseg_training.events import Event
from lesionseg_training.measured_fit import Measured, measured_fit
from lesionseg_training.run_folder import MACHINE, METRICS, MODEL, claimed
from lesionseg_training.slice_pictures import SlicePictures
from napari_lesionseg import __version__
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.device import choose_device, describe_device
from napari_lesionseg.inference.predict import Prediction
from napari_lesionseg.models.card import load_model
from napari_lesionseg.review.evaluate import lesions_covered
from napari_lesionseg.study.records import Case
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.volume import Mask, Volume

SETTINGS, RUNS, RESULT = "settings.json", "runs", "result.json"

Tell = Callable[[Job, int, int, Event | str], None]
"""Called with the run, its number from 1, how many there are, and what it says or what is done now."""


def compare(
    study: Study, folder: Path, wish: Wish, *, against: str | None = None, tell: Tell = lambda *_: None
) -> Comparison:
    """Train and evaluate every contender; what is finished in the folder already is not done again.

    Raises
    ------
    LesionsegError
        If the folder was begun with other settings, or a training fails; what was finished stands.
    """
    jobs = plan_jobs(study, wish)
    against = find_label(list(dict.fromkeys(f"{job.name}-{job.preset}" for job in jobs)), against)
    with claimed(folder):
        _open_folder(folder, study, wish, jobs)
        runs: dict[tuple[str, str], list[Trained]] = {}
        for number, job in enumerate(jobs, start=1):
            trained = _run(study, folder, job, partial(tell, job, number, len(jobs)))
            runs.setdefault((job.name, job.preset), []).append(trained)
    contenders = tuple(Contender(name, preset, tuple(those)) for (name, preset), those in runs.items())
    return Comparison(wish.split, wish.folds, against, contenders, _about(jobs[0].config.device))


def _run(study: Study, folder: Path, job: Job, tell: Callable[[Event | str], None]) -> Trained:
    """The result of one run, as far as it is not there yet."""
    run = folder / RUNS / job.run
    if (run / RESULT).is_file():
        return load_trained(run / RESULT)
    measured = measured_fit(study, run, job.config, tell)
    tell("evaluating")
    trained = _evaluated(study, run, job, measured)
    save_trained(run / RESULT, trained)
    return trained


def _evaluated(study: Study, run: Path, job: Job, measured: Measured) -> Trained:
    """A finished run, held against the truth; pictures of it are left in the run folder."""
    device = choose_device(job.config.device)
    model = load_model(run / MODEL, device)
    pictures = SlicePictures()
    seconds: list[float] = []
    patients: dict[str, str] = {}
    covered: dict[str, list[tuple[float, float]]] = {}

    def look(case: Case, scan: Volume, prediction: Prediction, truth: Mask) -> None:
        mask = prediction.mask()
        seconds.append(sum(prediction.seconds.values()))
        patients[case.id] = case.patient
        covered[case.id] = lesions_covered(mask, truth)
        pictures.add(case.id, scan, mask, truth)

    figures = evaluate_model(model, study, job.split, device=device, patients=set(job.patients), look=look)
    pictures.save(run)
    history = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
    return Trained(
        run=job.run,
        cases={case: result | {"true_lesions": covered[case]} for case, result in figures["cases"].items()},
        patients=patients,
        history=history,
        training_s=sum(one["seconds"] for one in history),
        infer_s=statistics.median(seconds),
        peak_mb=measured.peak_mb,
        gpu_mb=measured.gpu_mb,
        parameters=sum(weight.numel() for weight in model.network.parameters()),
        steps=measured.steps,
        pixels=job.pixels,
    )


def _open_folder(folder: Path, study: Study, wish: Wish, jobs: list[Job]) -> None:
    """Write the settings of a new comparison, or make sure that one begun before has the same.

    Raises
    ------
    LesionsegError
        If it has others.
    """
    settings: dict[str, Any] = {
        "study": str(study.folder.resolve()),
        "models": list(wish.models),
        "presets": list(wish.presets),
        "folds": wish.folds,
        "split": wish.split,
        "patients": {job.run: list(job.patients) for job in jobs},
    }
    settings |= {job.run: job.config.model_dump(mode="json", exclude=MACHINE) for job in jobs}
    path = folder / SETTINGS
    if not path.is_file():
        write_atomically(path, json.dumps(settings, indent=1).encode() + b"\n")
        return
    before = read_json(path)
    for key in settings | before:
        if before.get(key) != settings.get(key):
            raise LesionsegError(
                f"{folder} was begun with other settings ({_difference(key, before.get(key), settings.get(key))}); "
                "repeat the command it was begun with, or give another folder."
            )


def _difference(key: str, before: object, now: object) -> str:
    """Name what differs, one level down where both are objects."""
    if isinstance(before, dict) and isinstance(now, dict):
        inner = next(name for name in before | now if before.get(name) != now.get(name))
        return f"{key}: {inner}={before.get(inner)}, not {now.get(inner)}"
    return f"{key}={before}, not {now}"


def _about(device: str) -> dict[str, Any]:
    chosen = choose_device(device)
    return {
        "command": ["lesionseg-train", *sys.argv[1:]],
        "hardware": f"{platform.machine()}, {describe_device(chosen)}",
        "versions": {"napari-lesionseg": __version__, "torch": str(torch.__version__), "numpy": np.__version__},
    }
