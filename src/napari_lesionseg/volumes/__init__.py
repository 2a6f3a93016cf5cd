"""Voxels: read, proved, windowed, generated and written."""

from typing import TYPE_CHECKING, Any

from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Intensity, Mask, Volume

if TYPE_CHECKING:
    from napari_lesionseg.volumes.read import read_mask, read_scan

__all__ = ["Geometry", "Intensity", "Mask", "Volume", "read_mask", "read_scan"]


def __getattr__(name: str) -> Any:
    """Load the readers when one is asked for: nibabel takes half a second, and brings pydicom with it."""
    if name in ("read_mask", "read_scan"):
        from napari_lesionseg.volumes import read

        return getattr(read, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
