"""The figures of a report: volumes, shares and sides of a mask, and what a reader must know of the scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.lesion_table import LesionRow, lesion_table
from napari_lesionseg.review.lung_sides import find_sides
from napari_lesionseg.volumes.volume import Mask, Volume

LOSSY_NOTE = "The scan went through lossy compression: its grey values, and figures taken from them, are approximate."
UNCHECKED_NOTE = "Nobody has checked the lungs: their share is not told, and the sides are those the program found."
GREY_NOTE = "The scan holds grey levels, not Hounsfield units: it has no densities, and its lungs cannot be told."


@dataclass(frozen=True, eq=False)
class ReportFigures:
    """What a report says of one mask.

    Parameters
    ----------
    rows
        Every lesion, the largest first.
    total_ml
        All labelled voxels.
    lung_ml, percent
        Volume of the lungs with the lesions in them, and the lesions' share; None where the lungs are unknown, or
        nobody has checked them.
    right_ml, left_ml
        Lesion in each lung; None where the sides are unknown.
    area_cm2
        Lesion of each display slice (z,), from inferior to superior.
    notes
        What a reader must know of the scan, one sentence each.
    """

    rows: list[LesionRow]
    total_ml: float
    lung_ml: float | None
    percent: float | None
    right_ml: float | None
    left_ml: float | None
    area_cm2: npt.NDArray[np.float64]
    notes: tuple[str, ...]

    @property
    def lesions(self) -> int:
        """Number of lesions of at least 0.1 ml."""
        return sum(row.counted for row in self.rows)


def report_figures(mask: Mask, scan: Volume, lungs: Mask | None, *, checked: bool = True) -> ReportFigures:
    """Compute the figures of a report.

    Parameters
    ----------
    lungs, checked
        The lungs, and whether a person takes them for right; without that no share of them is told.

    Raises
    ------
    LesionsegError
        If mask, scan and lungs do not lie on one grid.
    """
    rows = lesion_table(mask, scan, lungs)
    lung_ml = percent = None
    known = lungs is not None and lungs.array.any()
    if lungs is not None and known and checked:
        lung_ml = int(np.count_nonzero(lungs.array | mask.array)) * mask.geometry.voxel_ml
        percent = 100 * mask.volume_ml / lung_ml
    right_ml, left_ml = _sides_ml(mask, lungs)
    _, dy, dx = mask.geometry.spacing
    area = np.array([np.count_nonzero(one) for one in mask.array]) * (dy * dx / 100)
    reasons = {LOSSY_NOTE: scan.lossy, GREY_NOTE: scan.intensity == "grey", UNCHECKED_NOTE: known and not checked}
    notes = tuple(note for note, holds in reasons.items() if holds)
    return ReportFigures(rows, mask.volume_ml, lung_ml, percent, right_ml, left_ml, area, notes)


def chosen_slices(figures: ReportFigures, most: int = 6, least: int = 3) -> list[int]:
    """Choose the display slices (z, from 0) to show, so far apart that each shows something new where that is possible.

    The largest slice of each lesion, from the largest lesion on; below ``least``, others with much lesion. A mask
    without lesion shows slices spread over the scan.
    """
    depth = len(figures.area_cm2)
    if not figures.rows:
        return sorted({depth * part // (least + 1) for part in range(1, least + 1)})
    wanted = [row.largest_slice - 1 for row in figures.rows if row.counted]
    small = [row.largest_slice - 1 for row in figures.rows if not row.counted]
    others = [int(z) for z in np.argsort(-figures.area_cm2, kind="stable") if figures.area_cm2[z] > 0]
    chosen: list[int] = []
    enough = most
    for candidates, apart in ((wanted, depth // 20), (small, depth // 20), (others, depth // 20), (others, 1)):
        for z in candidates:
            if len(chosen) < enough and _is_apart(z, chosen, max(1, apart)):
                chosen.append(z)
        enough = most if len(chosen) > least else least  # Full rows of pictures, as far as there is lesion for them.
    return chosen


def _is_apart(z: int, chosen: list[int], slices: int) -> bool:
    return all(abs(z - other) >= slices for other in chosen)


def _sides_ml(mask: Mask, lungs: Mask | None) -> tuple[float | None, float | None]:
    sides = find_sides(lungs) if lungs is not None else None
    if sides is None:
        return None, None
    z, y, x = np.nonzero(mask.array)
    right = int(np.count_nonzero(sides.in_right(z, y, x)))
    return right * mask.geometry.voxel_ml, (len(z) - right) * mask.geometry.voxel_ml
