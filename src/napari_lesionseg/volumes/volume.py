"""A scan and a mask: voxels in display order together with the grid they came from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.fingerprint import fingerprint
from napari_lesionseg.volumes.geometry import Geometry

if TYPE_CHECKING:
    from napari_lesionseg.volumes.dicom.source import DicomSource

Intensity = Literal["HU", "grey"]
LOSSY_NOTE: Final = "From a scan that went through lossy compression"
"""What exports say of such a scan, in the free text field of their format."""
LOSSY_WARNING: Final = (
    "This scan went through lossy compression: fine structure and HU are not what the scanner measured."
)


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan.

    Parameters
    ----------
    array
        Voxels (z, y, x): z to superior, y to posterior, x to the patient's left.
    geometry
        The stored grid.
    intensity
        ``"HU"``, or ``"grey"`` where the values are not Hounsfield units.
    source
        The file the scan was read from.
    warnings
        What a user should know about this file, one sentence each.
    dicom
        The DICOM slices the scan was stacked from, None for other formats; what DICOM exports refer to.
    lossy
        Whether the voxels went through lossy compression; every export says so.
    """

    array: npt.NDArray[Any]
    geometry: Geometry
    intensity: Intensity = "HU"
    source: Path | None = None
    warnings: tuple[str, ...] = ()
    dicom: DicomSource | None = None
    lossy: bool = False

    def __post_init__(self) -> None:
        _check_shape(self.array, self.geometry)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of voxels, grid and intensity, whatever the file is called."""
        return fingerprint(self.array, self.geometry, self.intensity)


@dataclass(frozen=True, eq=False)
class Mask:
    """Integer labels (z, y, x) on a stored grid; 0 is background, 1 lesion."""

    array: npt.NDArray[Any]
    geometry: Geometry
    source: Path | None = None

    def __post_init__(self) -> None:
        _check_shape(self.array, self.geometry)
        if not np.issubdtype(self.array.dtype, np.integer):
            raise LesionsegError("A mask needs whole-numbered labels; convert it to integers.")

    @classmethod
    def empty(cls, geometry: Geometry) -> Mask:
        """Make a mask without a lesion on ``geometry``."""
        return cls(np.zeros(geometry.display_shape, np.uint8), geometry)

    @property
    def volume_ml(self) -> float:
        """Volume of all labelled voxels in ml."""
        return int(np.count_nonzero(self.array)) * self.geometry.voxel_ml


def _check_shape(array: npt.NDArray[Any], geometry: Geometry) -> None:
    if array.shape != geometry.display_shape:
        raise LesionsegError(
            f"Voxels of shape {array.shape} do not fit a grid of shape {geometry.display_shape}; "
            "use the scan's own grid."
        )
