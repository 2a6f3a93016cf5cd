"""Make the study that ``covid-base`` was trained on: coronacases 001-008 to train, 009-010 to validate.

Usage: python examples/coronacases_study.py DATA STUDY

DATA holds coronacases_001 … coronacases_010, each with ct.nii.gz and infection.nii.gz (COVID-19-CT-Seg in 8 bit;
CC BY-NC-SA). Then: lesionseg-train fit STUDY -o RUN --config covid-base
"""

from __future__ import annotations

import sys
from pathlib import Path

from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask, read_scan

TRAINING = 8


def main(data: Path, folder: Path) -> None:
    """Add the ten cases, with their truth, in order."""
    study = Study.create(folder)
    for number in range(1, 11):
        case = f"coronacases_{number:03}"
        scan = data / case / "ct.nii.gz"
        truth = read_mask(data / case / "infection.nii.gz", like=read_scan(scan).geometry)
        study.add_case(case, case, scan, split="train" if number <= TRAINING else "calibration")
        study.add_revision(case, "truth", truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
