"""What a round of pseudo-labels would keep of a study's unlabelled scans, before anything is learned from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lesionseg_training.evaluate import cases_with_truth
from lesionseg_training.pseudo.bands import LESION, Bands
from lesionseg_training.pseudo.believe import Believed, Rules, believe
from lesionseg_training.pseudo.brake import Prevalence, reasons_to_stop
from lesionseg_training.pseudo.calibrated import calibrated_bands
from lesionseg_training.pseudo.members import predict_members
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.preprocess import plan_grid
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.study.records import Case
from napari_lesionseg.study.seal import learning_cases
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Mask, nifti
from napari_lesionseg.volumes.read import read_mask, read_scan

NEGATIVES = 2.0
"""Slices believed to be empty, for each that holds lesion, at most."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Wish:
    """How sure one wants to be.

    Parameters
    ----------
    precision, missed
        See :func:`lesionseg_training.pseudo.bands.fit_bands`.
    patients
        Share of the unlabelled patients that are kept, the most stable ones first.
    """

    precision: float = 0.90
    missed: float = 0.02
    patients: float = 0.5
    rules: Rules = Rules()


@dataclass(frozen=True)
class Kept:
    """What would be learned from one scan: its slices with lesion, those believed empty, and those left to a person.

    ``kept`` says whether its patient is among the stable ones; what is below is what the scan offers either way.
    """

    case: str
    patient: str
    kept: bool
    stability: float | None
    slices: int
    positive: int
    negative: int
    doubtful: int
    lesions: int
    dropped: int
    lesion_ml: float


@dataclass(frozen=True)
class Preview:
    """What a round would keep.

    Parameters
    ----------
    precision
        Of the lesion voxels believed on calibration patients, the share that is lesion.
    slices
        Of the kept patients, learned from (empty ones capped) and in all.
    reasons
        Why the round should not be learned from; empty if it may be.
    """

    bands: Bands
    precision: float
    scans: tuple[Kept, ...]
    slices: tuple[int, int]
    pseudo: Prevalence
    labelled: Prevalence
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The preview in one sentence."""
        patients = {one.patient for one in self.scans}
        kept = {one.patient for one in self.scans if one.kept}
        return (
            f"At {self.bands.high / 255:.2f} and {max(self.bands.low, 0) / 255:.2f}, {self.slices[0]} of "
            f"{self.slices[1]} slices and {len(kept)} of {len(patients)} patients would be kept; prevalence "
            f"{self.pseudo.of_slices:.2f} against {self.labelled.of_slices:.2f} labelled."
        )


def preview(
    model: LoadedModel,
    study: Study,
    wish: Wish = Wish(),
    *,
    device: str = "auto",
    output: Path | None = None,
    progress: Progress = lambda *_: None,
) -> Preview:
    """Fit the bands on the calibration patients, and see what they keep of the unlabelled scans in ``train``.

    Parameters
    ----------
    output
        Where to write each scan's pseudo-label (0, 1, and 255 for ignored), ``<case>.nii.gz``; nowhere by default.

    Raises
    ------
    LesionsegError
        If there is no calibration patient with lesions or no unlabelled scan, or no threshold is precise enough.
    """
    unlabelled = [case for case in learning_cases(study) if not _is_labelled(study, case)]
    if not unlabelled:
        raise LesionsegError(f"{study.folder} has no unlabelled scan in train; add one.")
    total = len(cases_with_truth(study, "calibration")) + len(unlabelled)
    seen = iter(range(total))

    def told(case: str) -> None:
        progress(next(seen), total, case)

    bands, precision = calibrated_bands(model, study, (wish.precision, wish.missed), wish.rules, device, told)
    offers = []
    for case in unlabelled:
        told(case.id)
        scan = read_scan(_checked(study, case))
        members, lungs = predict_members(scan, model, device)
        one = believe(members, bands, wish.rules, scan.geometry.voxel_ml, None if lungs is None else lungs.array)
        offers.append(_offer(case, one, scan.geometry.voxel_ml))
        if output is not None:
            nifti.write_mask(output / f"{case.id}.nii.gz", Mask(one.labels, scan.geometry))
    progress(total, total, "")
    stable = _stable_patients(offers, wish.patients)
    scans = tuple(replace(one, kept=one.patient in stable) for one in offers)
    labelled, pseudo = _labelled(study, model), _pseudo(scans)
    reasons = reasons_to_stop(pseudo, labelled, precision)
    return Preview(bands, precision, scans, _slices(scans), pseudo, labelled, tuple(reasons))


def _stable_patients(offers: Sequence[Kept], share: float) -> set[str]:
    """The most stable patients; those on whom no member marks anything are not ranked, and left out."""
    of_patient: dict[str, list[float]] = {}
    for one in offers:
        if one.stability is not None:
            of_patient.setdefault(one.patient, []).append(one.stability)
    order = sorted(of_patient, key=lambda patient: -float(np.mean(of_patient[patient])))
    return set(order[: round(share * len({one.patient for one in offers}))])


def _offer(case: Case, one: Believed, voxel_ml: float) -> Kept:
    return Kept(
        case.id,
        case.patient,
        False,
        one.stability,
        len(one.labels),
        int(one.positive.sum()),
        int(one.negative.sum()),
        int(one.doubtful.sum()),
        one.lesions,
        one.dropped,
        int((one.labels == LESION).sum()) * voxel_ml,
    )


def _slices(scans: Sequence[Kept]) -> tuple[int, int]:
    kept = [one for one in scans if one.kept]
    positive, negative = sum(one.positive for one in kept), sum(one.negative for one in kept)
    return positive + min(negative, round(NEGATIVES * positive)), sum(one.slices for one in scans)


def _pseudo(scans: Sequence[Kept]) -> Prevalence:
    kept = [one for one in scans if one.kept]
    slices = sum(one.positive + one.negative for one in kept)
    return Prevalence(sum(one.positive for one in kept), slices, sum(one.lesion_ml for one in kept), len(kept))


def _labelled(study: Study, model: LoadedModel) -> Prevalence:
    """Prevalence in the training scans with truth, over the slices of the box that the model looks at."""
    lesion = slices = scans = 0
    volume = 0.0
    for truth, depth in _truths(study, model):
        lesion += int(truth.array.any(axis=(1, 2)).sum())
        slices, scans, volume = slices + depth, scans + 1, volume + truth.volume_ml
    return Prevalence(lesion, slices, volume, scans)


def _truths(study: Study, model: LoadedModel) -> Iterator[tuple[Mask, int]]:
    for case, truth in cases_with_truth(study, "train"):
        scan = read_scan(_checked(study, case))
        yield read_mask(truth.path, like=scan.geometry), plan_grid(scan, model.card.preprocessing).depth


def _is_labelled(study: Study, case: Case) -> bool:
    return study.latest(case.id, "truth") is not None or study.latest(case.id, "correction") is not None


def _checked(study: Study, case: Case) -> Path:
    study.check_scan(case)
    return case.scan
