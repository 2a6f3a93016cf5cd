"""Lesions painted into lesion-free lungs, real or generated: a scan in HU with the truth about what was painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.phantom.lesion_places import Lungs
from napari_lesionseg.volumes.phantom.lesion_plan import MOST_LESIONS, draw_volumes
from napari_lesionseg.volumes.phantom.lesion_shapes import LesionShape, grow_shape
from napari_lesionseg.volumes.phantom.lesion_textures import FILLED_HU, TEXTURES, Texture
from napari_lesionseg.volumes.phantom.local_noise import LocalNoise
from napari_lesionseg.volumes.phantom.painting import Painting
from napari_lesionseg.volumes.volume import Mask, Volume

_MOST_OF_LUNG, _MOST_OF_LUNG_EACH = 0.35, 0.15
_LEAST_LUNG_ML = 20.0


def paint_lesions(
    scan: Volume,
    lungs: Mask,
    shapes: Sequence[LesionShape],
    rng: np.random.Generator,
    *,
    textures: Sequence[Texture] = TEXTURES,
    most: int = MOST_LESIONS,
) -> tuple[Volume, Mask]:
    """Paint lesions into ``scan``.

    Parameters
    ----------
    scan
        A lesion-free chest CT in HU.
    lungs
        Its lungs, on its grid; as from ``segment_lungs``, the trachea may be in it.
    shapes
        Outlines to choose from, for example from ``cut_shapes``; none means shapes grown from noise.
    rng
        Decides everything; number and volumes follow ``lesion_plan``, textures and HU ``lesion_textures``.
    textures
        Which may appear.
    most
        Most lesions.

    Returns
    -------
    scan, truth
        The painted scan (int16 HU) and a mask that is 1 where a lesion weighs at least 0.5. Nothing has changed
        farther than 3 mm plus the blur from the lungs.

    Raises
    ------
    LesionsegError
        If the scan is not in HU, the mask lies on another grid, or there is no lung.
    """
    _check(scan, lungs)
    spacing = scan.geometry.spacing
    room = Lungs(rng, scan.array, lungs.array != 0, float(np.mean(spacing[1:])))
    painting = Painting(rng, room, spacing, textures)
    for ml in _volumes(rng, np.count_nonzero(room.room) * scan.geometry.voxel_ml)[:most]:
        painting.add(_choose(rng, shapes, ml), ml)
    hu = _render(scan.array, painting, LocalNoise.measure(scan.array), rng)
    truth = (painting.weight >= 0.5).view(np.uint8)
    return replace(scan, array=hu, source=None, dicom=None), Mask(truth, scan.geometry)


def _check(scan: Volume, lungs: Mask) -> None:
    if scan.intensity != "HU":
        raise LesionsegError("The scan is not in Hounsfield units, so no lesion can be painted into it.")
    if not scan.geometry.same_grid(lungs.geometry):
        raise LesionsegError("The lung mask lies on another grid than the scan; use a mask of this scan.")
    if lungs.volume_ml < _LEAST_LUNG_ML:
        raise LesionsegError(
            f"The lung mask holds {lungs.volume_ml:.0f} ml, too little to paint lesions into; "
            "check that the scan is a chest CT and the mask is of its lungs."
        )


def _volumes(rng: np.random.Generator, lung_ml: float) -> list[float]:
    """Volumes in ml, largest first, none above 15 % and all together no more than 35 % of the lungs."""
    volumes = np.minimum(draw_volumes(rng, float(rng.standard_normal())), _MOST_OF_LUNG_EACH * lung_ml)
    kept = np.cumsum(volumes) <= _MOST_OF_LUNG * lung_ml
    return [float(ml) for ml in volumes[kept]]


def _choose(rng: np.random.Generator, shapes: Sequence[LesionShape], ml: float) -> LesionShape:
    """One of the 12 shapes whose volume is nearest to ``ml``."""
    if not shapes:
        return grow_shape(rng, ml)
    away = np.abs(np.log([shape.ml / ml for shape in shapes]))
    return shapes[int(rng.choice(np.argsort(away, kind="stable")[:12]))]


def _render(
    scan: npt.NDArray[Any], painting: Painting, noise: LocalNoise, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Fill the air of each painted slice, with new noise for what was smoothed away."""
    hu: npt.NDArray[np.int16] = np.clip(np.rint(scan), -32768, 32767).astype(np.int16)
    for z in np.flatnonzero(painting.filled.any(axis=(1, 2))).tolist():
        old = scan[z].astype(np.float32)
        filled = painting.slice(z, old)
        # What is brighter than a filled voxel, such as a vessel with contrast medium, stays so.
        missing = np.maximum(np.float32(FILLED_HU) - old, np.float32(-2 * noise.hu))
        lost = np.sqrt(1 - (1 - filled) ** 2)
        new = old + filled * missing + lost * noise.make(rng, old.shape)
        touched = filled > 1e-3
        hu[z][touched] = np.clip(np.rint(new[touched]), -1024, 3071)
    return hu
