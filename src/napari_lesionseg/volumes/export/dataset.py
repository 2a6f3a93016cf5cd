"""A training data set for other tools: scans and labels under neutral names, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.export.mask import refuse_other_grid
from napari_lesionseg.volumes.export.readers import is_sheared
from napari_lesionseg.volumes.names import is_safe_name
from napari_lesionseg.volumes.volume import Intensity, Mask, Volume

ENDING: Final = ".nii.gz"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class DatasetCase:
    """One scan of a data set, with what people say of it.

    Parameters
    ----------
    id
        Its name in the data set, 1 to 64 letters, digits, ``_`` or ``-``; it should say nothing of the patient.
    patient
        Cases of one patient stay on one side of every split. Never written.
    scan, mask
        The scan and its labels, or functions that read them when it is their turn. A test case may have no mask.
    reviewed
        Display z of the slices whose labels a person vouches for; None means every slice.
    split
        ``"train"`` (from which folds are made) or ``"test"``.
    """

    id: str
    patient: str
    scan: Volume | Callable[[], Volume]
    mask: Mask | Callable[[], Mask] | None
    reviewed: tuple[int, ...] | None = None
    split: Literal["train", "test"] = "train"

    def read_scan(self) -> Volume:
        """The scan."""
        return self.scan() if callable(self.scan) else self.scan

    def read_mask(self) -> Mask | None:
        """The labels; None for a test case without."""
        return self.mask() if callable(self.mask) else self.mask


@dataclass(frozen=True)
class Written:
    """What a data set holds.

    Parameters
    ----------
    patients
        The patient of each training case, by case.
    test
        The test cases.
    labels
        The highest label, and whether the one above it marks voxels that nobody reviewed.
    intensity
        What the scans' values are.
    lossy
        How many scans went through lossy compression.
    """

    patients: Mapping[str, str]
    test: tuple[str, ...]
    labels: tuple[int, bool]
    intensity: Intensity
    lossy: int

    def label_names(self, names: Mapping[int, str]) -> dict[int, str]:
        """A name for every label from background on, ``ignore`` for voxels that nobody reviewed."""
        highest, ignored = self.labels
        named = {0: "background"} | {n: names.get(n) or f"lesion-{n}" for n in range(1, highest + 1)}
        if ignored:
            named[highest + 1] = "ignore"
        if len(set(named.values())) != len(named):
            raise LesionsegError(f"Two labels have one name in {', '.join(named.values())}; name each differently.")
        return named


def write_cases(
    folder: Path, cases: Sequence[DatasetCase], channel: str, *, test_labels: bool, progress: Progress | None = None
) -> Written:
    """Write ``imagesTr``, ``labelsTr``, ``imagesTs`` and, on request, ``labelsTs`` with fresh headers; each is proved.

    Parameters
    ----------
    folder
        Where the four folders go.
    channel
        What follows the id in an image's name, for example ``"_0000"``.
    progress
        Called with (cases done, cases in all) after each, and before that at each mask that is looked at.

    Raises
    ------
    LesionsegError
        If an id is bad or taken, a training case has no mask, a mask lies on another grid, its axes are not at right
        angles, the scans' values differ in kind, or a file cannot be written or read back equal.
    """
    _check_ids(cases)
    report = progress or (lambda done, total: None)
    highest, ignored = labels = _find_labels(cases, report)
    for name in ("imagesTr", "labelsTr", "imagesTs", *(["labelsTs"] if test_labels else [])):
        (folder / name).mkdir()
    intensities: set[Intensity] = set()
    lossy = 0
    for done, case in enumerate(cases):
        report(done, len(cases))
        side = "Tr" if case.split == "train" else "Ts"
        scan = case.read_scan()
        intensities.add(scan.intensity)
        _check_scan(case, scan, intensities)
        nifti.write_scan(folder / f"images{side}" / f"{case.id}{channel}{ENDING}", scan)
        if (side == "Tr" or test_labels) and (mask := case.read_mask()) is not None:
            seen = _only_reviewed(case, mask, scan, highest + 1 if ignored else None)
            nifti.write_mask(folder / f"labels{side}" / f"{case.id}{ENDING}", seen, lossy=scan.lossy)
        lossy += scan.lossy
    report(len(cases), len(cases))
    patients = {case.id: case.patient for case in cases if case.split == "train"}
    test = tuple(case.id for case in cases if case.split == "test")
    return Written(patients, test, labels, intensities.pop(), lossy)


def _check_ids(cases: Sequence[DatasetCase]) -> None:
    taken: set[str] = set()
    for case in cases:
        if not is_safe_name(case.id):
            raise LesionsegError(f"{case.id!r} cannot name a case; use 1 to 64 letters, digits, '_' or '-'.")
        if case.id.lower() in taken:  # Some disks do not tell A from a.
            raise LesionsegError(f"Two cases are named {case.id}; give each a name of its own.")
        if case.split == "train" and case.mask is None:
            raise LesionsegError(f"The training case {case.id} has no mask; leave it out or draw one.")
        taken.add(case.id.lower())
    if not any(case.split == "train" for case in cases):
        raise LesionsegError("There is no training case with a mask, so there is nothing to export; correct one first.")


def _find_labels(cases: Sequence[DatasetCase], report: Progress) -> tuple[int, bool]:
    """The highest label of all cases, and whether any has a slice that nobody reviewed."""
    highest, ignored = 1, False
    for case in cases:
        report(0, len(cases))  # Where the work may be cancelled.
        mask = case.read_mask()
        if mask is None:
            continue
        highest = max(highest, int(mask.array.max()))
        ignored |= case.reviewed is not None and len(set(case.reviewed)) < len(mask.array)
    if highest + ignored > 255:
        raise LesionsegError(f"The masks have labels up to {highest}, too many for a data set; use labels up to 254.")
    return highest, ignored


def _check_scan(case: DatasetCase, scan: Volume, intensities: set[Intensity]) -> None:
    if len(intensities) > 1:
        raise LesionsegError(
            f"The scan of case {case.id} has {'grey levels' if scan.intensity == 'grey' else 'Hounsfield units'}, "
            "others do not; export them as two data sets, no tool can learn from both."
        )
    if is_sheared(scan.geometry):
        raise LesionsegError(
            f"The axes of the scan of case {case.id} are not at right angles, which other tools cannot read; "
            "resample it to a regular grid first."
        )


def _only_reviewed(case: DatasetCase, mask: Mask, scan: Volume, ignore: int | None) -> Mask:
    """The labels of a case on the very grid of its scan; ``ignore`` where nobody reviewed them."""
    refuse_other_grid(mask, scan)
    labels = mask.array.astype(np.uint8)
    if case.reviewed is not None and ignore is not None:
        unseen = np.ones(len(labels), bool)
        unseen[list(case.reviewed)] = False
        labels[unseen] = ignore
    return Mask(labels, scan.geometry)
