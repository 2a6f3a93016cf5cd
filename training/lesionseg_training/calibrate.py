"""Fit a model's threshold and guard on the calibration patients of a study, and write them on its card."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from lesionseg_training.evaluate import cases_with_truth
from lesionseg_training.guard import Fitted, Marks, find_marks, fit_guard
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import LoadedModel, ModelCard, load_model, save_model
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask, read_scan

Progress = Callable[[int, int], None]


def calibrate(folder: Path, study: Study, *, device: str = "auto", progress: Progress | None = None) -> ModelCard:
    """Fit the model in ``folder`` on the ``calibration`` patients with truth; return its new card, which is written.

    Raises
    ------
    LesionsegError
        If there are fewer than two such patients, or the model or a scan cannot be read.
    """
    model = load_model(folder)
    fitted = fit_model(model, study, device=device, progress=progress)
    return save_model(folder, model.network, fitted_card(model.card, fitted), model.others)


def can_calibrate(study: Study) -> bool:
    """Whether there are two calibration patients with truth: of one, nothing can be told about another."""
    return len({case.patient for case, _ in cases_with_truth(study, "calibration")}) > 1


def fit_model(model: LoadedModel, study: Study, *, device: str = "auto", progress: Progress | None = None) -> Fitted:
    """Fit without writing; the model's own guard is left out of it. Raises as :func:`calibrate`."""
    plain = LoadedModel(model.network, model.card.model_copy(update={"guard": None}), model.folder, model.others)
    patients: dict[str, list[Callable[[float], Marks]]] = {}
    pairs = cases_with_truth(study, "calibration")
    if not can_calibrate(study):
        raise LesionsegError(f"{study.folder} has fewer than two calibration patients with truth; add some.")
    for done, (case, truth) in enumerate(pairs, start=1):
        study.check_scan(case)
        scan = read_scan(case.scan)
        _, dy, dx = scan.geometry.spacing
        probability = predict(scan, plain, device=device).probability
        lesion = (read_mask(truth.path, like=scan.geometry).array > 0).view("uint8")
        marks = partial(find_marks, probability, lesion, pixel_mm2=dy * dx)
        patients.setdefault(case.patient, []).append(marks)
        if progress is not None:
            progress(done, len(pairs))
    return fit_guard(list(patients.values()))


def fitted_card(card: ModelCard, fitted: Fitted) -> ModelCard:
    """The card with what was fitted, and what it was worth on patients it was not fitted on."""
    told = {"patients": fitted.patients, "score": fitted.score, "plain_score": fitted.plain_score}
    return card.model_copy(
        update={
            "threshold": fitted.threshold,
            "guard": fitted.guard,
            "training": card.training | {"calibrated": told},
        }
    )
