"""Make a study with lesions painted into lesion-free HU scans, healthy lungs, phantoms and the coronacases.

Usage: python examples/painted_study.py DATA STUDY [--per-scan N] [--seed S]

DATA may hold, each in its folder; what is missing is left out and said:
  covid_ma20_8bit/coronacases_001 … 010   ct.nii.gz and infection.nii.gz (COVID-19-CT-Seg in 8 bit; CC BY-NC-SA)
  lung_imlab4/id001 … id004               _ct.nii.gz and _lung.nii.gz: healthy chests in HU
  nsclc_ct/LUNG1-002/ct.nii.gz            a tumour patient in HU (CC BY-NC), whose slices far above the tumour are used
  masks_only/                             lesion masks (MosMedData; CC BY-NC-ND), whose outlines are painted;
                                          without them outlines are grown from noise

All versions of a scan, painted and not, are one patient:

  train        coronacases 001-008, imlab 002-003, phantoms
  calibration  coronacases 009-010, phantoms
  test         imlab 001 and 004, LUNG1-002: lesion-free (truth is empty) and painted

A case that ends in "free" has no lesion. Scans are written to STUDY/scans. Then: lesionseg-train fit STUDY -o RUN
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.lungs import segment_lungs
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.phantom import LesionShape, cut_shapes, make_case, paint_lesions
from napari_lesionseg.volumes.read import read_mask, read_scan

CORONACASES: Final = {number: "train" if number <= 8 else "calibration" for number in range(1, 11)}
IMLAB: Final = {1: "test", 2: "train", 3: "train", 4: "test"}
LUNG1_SLICES: Final = (76, 92)
"""The tumour ends at slice 53, but opacity above it goes on to slice 73; from 92 on the apices are scarred."""
PHANTOMS: Final = {"ill": 5, "healthy": 5}
SHAPE: Final = (64, 256, 256)


class PaintedStudy:
    """A study that is being filled, ``per_scan`` painted versions of each lesion-free scan."""

    def __init__(self, folder: Path, shapes: Sequence[LesionShape], per_scan: int, seed: int) -> None:
        self.study = Study.create(folder, seed=seed)
        self._scans = folder / "scans"
        self._scans.mkdir(exist_ok=True)
        self._shapes, self._per_scan, self._seed = shapes, per_scan, seed

    def add(self, case: str, patient: str, split: str, scan: Volume, truth: Mask) -> None:
        """Write a scan and add it with its truth."""
        path = self._scans / f"{case}.nii.gz"
        nifti.write_scan(path, scan)
        self.study.add_case(case, patient, path, split=split)
        self.study.add_revision(case, "truth", truth)

    def add_free(self, patient: str, split: str, scan: Volume, lungs: Mask) -> None:
        """Add a lesion-free scan as it is, and painted."""
        self.add(f"{patient}-free", patient, split, scan, Mask.empty(scan.geometry))
        for version in range(1, self._per_scan + 1):
            rng = np.random.default_rng([self._seed, version, *patient.encode()])
            painted, truth = paint_lesions(scan, lungs, self._shapes, rng)
            self.add(f"{patient}-painted-{version}", patient, split, painted, truth)

    def add_coronacases(self, data: Path) -> None:
        """Add the ten COVID patients, as ``coronacases_study.py`` does."""
        for number, split in CORONACASES.items():
            case = f"coronacases_{number:03}"
            scan = data / case / "ct.nii.gz"
            truth = read_mask(data / case / "infection.nii.gz", like=read_scan(scan).geometry)
            self.study.add_case(case, case, scan, split=split)
            self.study.add_revision(case, "truth", truth)

    def add_imlab(self, data: Path) -> None:
        """Add the four small healthy chests, painted into the lungs they come with."""
        for number, split in IMLAB.items():
            scan = read_scan(data / f"id{number:03}_ct.nii.gz")
            lungs = read_mask(data / f"id{number:03}_lung.nii.gz", like=scan.geometry)
            self.add_free(f"imlab-{number:03}", split, _bare(scan), lungs)

    def add_lung1(self, data: Path) -> None:
        """Add the upper lungs of the tumour patient."""
        whole = read_scan(data / "ct.nii.gz")
        first, after = LUNG1_SLICES
        array = np.ascontiguousarray(whole.array[first:after])
        scan = Volume(array, Geometry.from_spacing(array.shape, whole.geometry.spacing))
        self.add_free("LUNG1-002", "test", scan, segment_lungs(scan))

    def add_phantoms(self, shape: tuple[int, int, int]) -> None:
        """Add generated patients with their own lesions, and healthy ones plain and painted; a fifth validates."""
        for kind, count in PHANTOMS.items():
            for number in range(1, count + 1):
                seed = np.random.SeedSequence((self._seed, number, *kind.encode())).generate_state(1)
                case = make_case(int(seed[0]), shape, lesions=kind == "ill")
                patient, split = f"phantom-{kind}-{number}", "calibration" if number % 5 == 0 else "train"
                if kind == "ill":
                    self.add(patient, patient, split, case.scan, case.truth)
                else:
                    self.add_free(patient, split, case.scan, case.lungs)


def _bare(scan: Volume) -> Volume:
    """The scan without its warnings and its file."""
    return Volume(scan.array, scan.geometry)


def read_shapes(folder: Path) -> list[LesionShape]:
    """All lesions of the masks in ``folder`` and below."""
    return [shape for file in sorted(folder.rglob("*.nii.gz")) for shape in cut_shapes(read_mask(file))]


def main(data: Path, folder: Path, per_scan: int = 4, seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> Study:
    """Make the study of what ``data`` holds."""
    if per_scan < 0 or seed < 0:
        raise LesionsegError("--per-scan and --seed must be 0 or larger whole numbers.")
    shapes = read_shapes(data / "masks_only")
    print(f"{len(shapes)} outlines to paint" if shapes else "no masks in masks_only: outlines are grown from noise")
    made = PaintedStudy(folder, shapes, per_scan, seed)
    sources = {
        "covid_ma20_8bit": made.add_coronacases,
        "lung_imlab4": made.add_imlab,
        "nsclc_ct/LUNG1-002": made.add_lung1,
    }
    for name, add in sources.items():
        if (data / name).is_dir():
            add(data / name)
        else:
            print(f"left out, since it is not there: {data / name}")
    made.add_phantoms(shape)
    print(f"{len(made.study.cases())} cases in {folder}")
    return made.study


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("study", type=Path)
    parser.add_argument("--per-scan", type=int, default=4, help="painted versions of each lesion-free scan")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    main(given.data, given.study, given.per_scan, given.seed)
