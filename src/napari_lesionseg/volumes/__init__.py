"""Voxels: read, proved, windowed, generated and written."""

from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Intensity, Mask, Volume

__all__ = ["Geometry", "Intensity", "Mask", "Volume"]
