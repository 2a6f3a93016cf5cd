"""Which split a new patient joins: drawn by a hash from those below their share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, get_args

from napari_lesionseg.errors import LesionsegError

Split = Literal["train", "calibration", "gate", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
TARGET_PERCENT: Final[dict[Split, int]] = {"train": 55, "calibration": 15, "gate": 15, "test": 15}
FIRST: Final[tuple[Split, ...]] = ("train", "calibration")  # Of a study's first patients.


def choose_split(counts: Mapping[Split, int], seed: int, patient: str) -> Split:
    """Choose the split for the next patient.

    Parameters
    ----------
    counts
        Patients already in each split; a split that is not named has none.
    seed
        The study's.
    patient
        The patient's id; ids that differ only in case are one patient.

    Returns
    -------
    Split
        Drawn by the SHA-256 of seed and patient from the splits that are below their share of all patients with this
        one (train 55 %, the others 15 % each), in proportion to what they lack. The first patient of a study is to
        train on and the second to calibrate with, so that the smallest study can be trained on and looked at.
    """
    total = sum(counts.values()) + 1
    if total <= len(FIRST) and not counts.get(FIRST[total - 1]):
        return FIRST[total - 1]
    lacking = {split: max(0, TARGET_PERCENT[split] * total - 100 * counts.get(split, 0)) for split in SPLITS}
    digest = hashlib.sha256(f"{seed}\n{patient.lower()}".encode()).digest()
    drawn = int.from_bytes(digest, "big") % sum(lacking.values())
    for split, lack in lacking.items():
        if drawn < lack:
            return split
        drawn -= lack
    raise AssertionError("the number drawn is below the sum of what is lacking")


def check_split(name: str) -> Split:
    """Return ``name`` as a split.

    Raises
    ------
    LesionsegError
        If there is no such split.
    """
    for split in SPLITS:
        if name == split:
            return split
    raise LesionsegError(f"There is no split {name!r}; choose one of {', '.join(SPLITS)}.")
