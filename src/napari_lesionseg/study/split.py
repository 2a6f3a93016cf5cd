"""Which split a new patient joins: the one furthest below its target share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from napari_lesionseg.errors import LesionsegError

Split = Literal["train", "calibration", "gate", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
TARGET_PERCENT: Final[dict[Split, int]] = {"train": 55, "calibration": 15, "gate": 15, "test": 15}


def choose_split(counts: Mapping[Split, int]) -> Split:
    """Choose the split for the next patient.

    Parameters
    ----------
    counts
        Patients already in each split; a split that is not named has none.

    Returns
    -------
    Split
        The split whose share of all patients is furthest below its target (train 55 %, the
        others 15 % each); of equals the first in the order of ``SPLITS``.
    """
    total = sum(counts.values())

    def shortfall(split: Split) -> int:  # Whole numbers, so that equal shares compare as equal.
        return TARGET_PERCENT[split] * max(total, 1) - 100 * counts.get(split, 0)

    return max(SPLITS, key=shortfall)  # max keeps the first of equals


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
