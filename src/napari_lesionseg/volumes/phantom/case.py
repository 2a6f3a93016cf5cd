"""One generated patient: a scan in Hounsfield units with the truth about its lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.phantom.anatomy import Chest
from napari_lesionseg.volumes.phantom.fields import Plane
from napari_lesionseg.volumes.phantom.lesion_plan import empty_quantile
from napari_lesionseg.volumes.phantom.lesions import Lesions
from napari_lesionseg.volumes.phantom.scanner import Scanner
from napari_lesionseg.volumes.phantom.tissue import Tissue
from napari_lesionseg.volumes.volume import Mask, Volume

_PADDING_HU = -1024
_TABLE_SHIFT_MM = 12.0


@dataclass(frozen=True, eq=False)
class PhantomCase:
    """A generated scan (int16 HU) with its lesion truth, its lung mask and the scanner, all on one grid."""

    scan: Volume
    truth: Mask
    lungs: Mask
    scanner: Scanner


def make_case(
    seed: int,
    shape: tuple[int, int, int] = (64, 256, 256),
    *,
    scanner: Scanner | None = None,
    lesions: bool = True,
) -> PhantomCase:
    """Generate one patient.

    Parameters
    ----------
    seed
        Same seed, shape and arguments: same bytes.
    shape
        Slices, rows and columns (z, y, x), at least (8, 32, 32).
    scanner
        Spacing, kernel and noise; drawn from the seed by default so that the slices cover a chest.
    lesions
        False gives the same chest in health, with an empty truth.

    Raises
    ------
    LesionsegError
        If the shape is too small to hold a chest.

    Notes
    -----
    The truth is where at least half of a voxel is lesion and at least half of it is lung.
    How lesions are drawn and how many slices they fill is said in ``lesion_plan``.
    """
    if min(shape) < 8 or min(shape[1:]) < 32:
        raise LesionsegError(f"A phantom of shape {shape} is too small for a chest; use at least (8, 32, 32).")
    streams = [np.random.default_rng([seed, part]) for part in range(5)]
    scanner = scanner or Scanner.draw(streams[0], shape[0])
    plane = Plane(shape[1:], scanner.pixel_mm * 512 / shape[2], (0.0, _TABLE_SHIFT_MM))
    field_mm = plane.pixel_mm * min(shape[1] * 1.35, shape[2])
    length = shape[0] * scanner.slice_mm
    chest = Chest(streams[1], field_mm, -250, 450)
    heights = _heights(streams[1], chest.build.height, length, shape[0])
    found = Lesions(streams[2], chest, heights, plane, empty_quantile(seed)) if lesions else None
    tissue = Tissue(streams[3], chest, plane.pixel_mm * max(shape[1:]), (float(heights[0]), float(heights[-1])))
    hu, truth, lungs = _render(tissue, found, heights, plane, scanner, streams[4])
    geometry = Geometry.from_spacing(shape, (scanner.slice_mm, plane.pixel_mm, plane.pixel_mm))
    return PhantomCase(Volume(hu, geometry, "HU"), Mask(truth, geometry), Mask(lungs, geometry), scanner)


def _heights(rng: np.random.Generator, chest_mm: float, length: float, slices: int) -> npt.NDArray[np.float64]:
    """Heights of the slices: the chest in the middle, give or take, or a random part of it where they are too few."""
    spare = length - chest_mm
    first = -spare * rng.uniform(0.35, 0.65) if spare > 0 else -spare * rng.uniform(0.15, 0.7)
    return first + (np.arange(slices) + 0.5) * length / slices


def _render(
    tissue: Tissue,
    lesions: Lesions | None,
    heights: npt.NDArray[np.float64],
    plane: Plane,
    scanner: Scanner,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw, blur and add noise slice by slice, so that memory stays near that of the scan."""
    shape = (len(heights), *plane.shape)
    hu, truth, lungs = np.empty(shape, np.int16), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    radius = plane.x**2 + (plane.y - plane.centre_mm[1]) ** 2
    outside = radius > (plane.pixel_mm * max(plane.shape) / 2) ** 2
    louder = (1.15 - 0.6 * radius / radius.max()).astype(np.float32)
    for index, z in enumerate(heights):
        lesion = lesions.at(index, plane) if lesions else None
        clean, lung = tissue.slice(float(z), scanner.slice_mm, plane, lesion)
        noisy = scanner.blur(clean, plane.pixel_mm) + scanner.noise(rng, plane.shape, plane.pixel_mm) * louder
        hu[index] = np.clip(np.rint(noisy), _PADDING_HU, 3071)
        lungs[index] = lung >= 0.5
        if lesion is not None:
            truth[index] = (lesion.fraction >= 0.5) & (lung >= 0.5)
        if scanner.padded:
            hu[index][outside] = _PADDING_HU
    return hu, truth, lungs
