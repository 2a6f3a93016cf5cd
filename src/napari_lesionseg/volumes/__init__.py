"""Voxels: read, proved, windowed, generated and written."""

from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.read import read_mask, read_scan
from napari_lesionseg.volumes.volume import Intensity, Mask, Volume

__all__ = ["Geometry", "Intensity", "Mask", "Volume", "read_mask", "read_scan"]
