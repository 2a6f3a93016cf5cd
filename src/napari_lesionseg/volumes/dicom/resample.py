"""Slices that are no regular grid, interpolated to one, when a person asked for it; what was done is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.checks import drift
from napari_lesionseg.volumes.dicom.grouping import heights
from napari_lesionseg.volumes.dicom.headers import Slice
from napari_lesionseg.volumes.dicom.placing import affine_of

MOST_GROWTH = 3  # Times as wide or high as a slice; a tilt that needs more is no tilt of a gantry.
MOST_SLICES = 5000


@dataclass(frozen=True, eq=False)
class RegularGrid:
    """A regular grid, and where on it the slices lie.

    Parameters
    ----------
    shape
        Slices, rows, columns of the grid.
    affine
        RAS affine of its (column, row, slice) indices.
    places
        Position of each source slice on the grid, in grid slices from the first, increasing.
    shifts
        Where each source slice's first pixel lies on the grid, (row, column) in pixels.
    spacing_mm, largest_gap_mm
        Of the grid's slices, and the largest step between source slices.
    air
        Value of what no source slice covers; None for the smallest value there is.
    """

    shape: tuple[int, int, int]
    affine: npt.NDArray[np.float64]
    places: npt.NDArray[np.float64]
    shifts: npt.NDArray[np.float64]
    spacing_mm: float
    largest_gap_mm: float
    air: int | None

    def resample(self, slices: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Interpolate linearly: within each slice to its place in the plane, then between neighbouring slices.

        Parameters
        ----------
        slices
            Shape (slice, row, column), in order along the normal.
        """
        fill = self.air if self.air is not None else slices.min()
        out = np.empty(self.shape, slices.dtype)
        below = np.clip(np.searchsorted(self.places, np.arange(self.shape[0]) + 1e-6) - 1, 0, len(slices) - 2)
        placed: dict[int, npt.NDArray[np.float32]] = {}
        for target, k in enumerate(below):
            for source in (k, k + 1):
                if source not in placed:
                    placed[source] = self._in_plane(slices[source], self.shifts[source], float(fill))
            placed = {source: plane for source, plane in placed.items() if source >= k}
            share = np.float32((target - self.places[k]) / (self.places[k + 1] - self.places[k]))
            share = np.clip(share, 0, 1)
            values = placed[k] * (1 - share) + placed[k + 1] * share
            out[target] = np.rint(values) if slices.dtype.kind in "iu" else values
        return out

    def _in_plane(
        self, plane: npt.NDArray[Any], shift: npt.NDArray[np.float64], fill: float
    ) -> npt.NDArray[np.float32]:
        if self.shape[1:] == plane.shape and not shift.any():
            return plane.astype(np.float32)
        moved = ndimage.affine_transform(
            plane.astype(np.float32), np.ones(2), -shift, self.shape[1:], order=1, mode="constant", cval=fill
        )
        return np.asarray(moved, np.float32)

    @property
    def in_words(self) -> str:
        """What was done, in one sentence."""
        tilt = float(np.abs(self.shifts[-1] - self.shifts[0]).max())
        sideways = f", slices moved sideways by up to {tilt:.1f} pixels" if tilt else ""
        return (
            f"Resampled from {len(self.places)} slices to a regular grid of {self.shape[0]} slices "
            f"{self.spacing_mm:.4g} mm apart{sideways}; up to {self.largest_gap_mm:.4g} mm are interpolated."
        )

    def as_dict(self) -> dict[str, Any]:
        """The transform, for a file beside the scan: nothing of it names a patient."""
        return {
            "interpolation": "linear",
            "shape": list(self.shape),
            "affine": self.affine.tolist(),
            "slice_positions_on_grid": self.places.tolist(),
            "slice_shifts_in_pixels": self.shifts.tolist(),
            "spacing_mm": self.spacing_mm,
            "largest_gap_mm": self.largest_gap_mm,
        }


def regular_grid(slices: Sequence[Slice]) -> RegularGrid:
    """The grid that holds all ``slices``: their usual spacing, and as large in the plane as their shifts need.

    Parameters
    ----------
    slices
        In order along the normal, of one orientation and size, no two in one place.

    Raises
    ------
    LesionsegError
        If the grid would be far larger than the slices.
    """
    first = slices[0]
    row_spacing, column_spacing = first.spacing
    along = np.array(first.orientation).reshape(2, 3)
    steps = np.diff(places := heights(slices))
    spacing = float(np.median(steps))
    sideways = drift(list(slices)) @ along.T / np.array([column_spacing, row_spacing])  # In columns, rows.
    sideways = np.where(np.abs(sideways) < 1e-3, 0, sideways)
    low = np.floor(sideways.min(axis=0))
    columns, rows = (np.array([first.columns, first.rows]) + np.ceil(sideways.max(axis=0)) - low).astype(int)
    count = int(np.floor((places[-1] - places[0]) / spacing + 1e-6)) + 1
    if rows > MOST_GROWTH * first.rows or columns > MOST_GROWTH * first.columns or count > MOST_SLICES:
        raise LesionsegError(
            f"{first.name} and {slices[-1].name} lie too far apart for one grid; export the series again."
        )
    origin = np.array(first.position) + low @ (along * np.array([[column_spacing], [row_spacing]]))
    return RegularGrid(
        (count, int(rows), int(columns)),
        affine_of(first, spacing, tuple(origin)),
        (places - places[0]) / spacing,
        (sideways - low)[:, ::-1],
        spacing,
        float(steps.max()),
        -1024 if first.file.modality == "CT" else None,
    )
