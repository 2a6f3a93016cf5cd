"""The grid a scan was stored on, and the exact way to the order it is shown in and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.orientation import closest_axes, letters, transform

DISPLAY_CODES = ("S", "P", "L")  # z to superior, y to posterior, x to the patient's left
FARTHEST_MM = 1e6


@dataclass(frozen=True, eq=False)
class Geometry:
    """A stored voxel grid.

    Parameters
    ----------
    shape
        Stored shape (i, j, k), in voxels.
    affine
        4×4 matrix from stored voxel indices to RAS millimetres.

    Raises
    ------
    LesionsegError
        If the affine is singular, not finite or larger than a kilometre, since then no axis has a direction.
    """

    shape: tuple[int, int, int]
    affine: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not (np.abs(affine) <= FARTHEST_MM).all():  # Not so for NaN either.
            raise LesionsegError("The scan's affine is not a 4×4 matrix of millimetres; repair its header.")
        sides = np.linalg.norm(affine[:3, :3], axis=0)
        if sides.min() < 1e-6 or abs(np.linalg.det(affine[:3, :3])) < 1e-6 * sides.prod():
            raise LesionsegError("The scan's affine is singular; repair its header.")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @classmethod
    def from_spacing(cls, shape_zyx: tuple[int, int, int], spacing_zyx: tuple[float, ...]) -> Geometry:
        """Make an axial LPS-ordered grid for a generated (z, y, x) array, spacing in mm."""
        z, y, x = shape_zyx
        dz, dy, dx = spacing_zyx
        affine = np.diag([-dx, -dy, dz, 1.0])
        return cls((x, y, z), affine)

    @cached_property
    def _to_display(self) -> npt.NDArray[Any]:
        return transform(closest_axes(self.affine), "".join(DISPLAY_CODES))

    @property
    def axes(self) -> tuple[int, int, int]:
        """The stored axis behind each of z, y, x."""
        order = np.argsort(self._to_display[:, 0])
        return (int(order[0]), int(order[1]), int(order[2]))

    @property
    def flips(self) -> tuple[bool, bool, bool]:
        """Whether z, y, x run against their stored axis."""
        z, y, x = (bool(self._to_display[axis, 1] < 0) for axis in self.axes)
        return (z, y, x)

    @property
    def display_shape(self) -> tuple[int, int, int]:
        """Shape in display order (z, y, x)."""
        z, y, x = (self.shape[axis] for axis in self.axes)
        return (z, y, x)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along display z, y, x."""
        sides = np.linalg.norm(self.affine[:3, :3], axis=0)
        z, y, x = (float(sides[axis]) for axis in self.axes)
        return (z, y, x)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / 1000.0)

    @property
    def orientation(self) -> str:
        """Axis codes of the stored grid, for example ``"LPS"``."""
        return letters(closest_axes(self.affine))

    def to_display(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """View a stored (i, j, k) array in display order (z, y, x); nothing is copied."""
        return self._flip(stored.transpose(self.axes))

    def to_stored(self, shown: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """View a display (z, y, x) array in stored order (i, j, k); nothing is copied."""
        return self._flip(shown).transpose(tuple(np.argsort(self.axes)))

    def _flip(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]

    def same_grid(self, other: Geometry, tolerance_mm: float = 0.01) -> bool:
        """Whether both grids have one shape and corners within ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        return bool(np.abs(self.corners() - other.corners()).max() <= tolerance_mm)

    def corners(self) -> npt.NDArray[np.float64]:
        """RAS positions in mm of the eight corner voxels, shape (8, 3)."""
        ends = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1)
        return np.asarray((self.affine[:3, :3] @ ends + self.affine[:3, 3:]).T)
