"""Where the lungs are: enough to crop to them; ``whole_lungs`` holds in consolidation and tumour, too."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.volume import Mask, Volume

AIR_HU = -400
COARSE_MM = 2.5
CLOSE_MM = 12.0
MIN_LUNG_ML = 100.0


def segment_lungs(scan: Volume) -> Mask:
    """Mark the air-filled lungs, closed over vessels and small consolidations.

    Works at about 2.5 mm: air (below −400 HU) that is not joined to the outside within its axial slice, the largest
    parts of it, closed by 12 mm in plane. The trachea counts as lung.

    Raises
    ------
    LesionsegError
        If the scan is not in HU, or no lung of at least 100 ml is in it.
    """
    if scan.intensity != "HU":
        raise LesionsegError("The scan is not in Hounsfield units, so its lungs cannot be told by density.")
    steps = tuple(max(1, round(COARSE_MM / side)) for side in scan.geometry.spacing[1:])
    inside = air_inside(scan.array[:, :: steps[0], :: steps[1]], AIR_HU)
    voxel_ml = scan.geometry.voxel_ml * steps[0] * steps[1]
    parts = cc3d.connected_components(inside, connectivity=6)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    if sizes.size < 2 or sizes.max() * voxel_ml < MIN_LUNG_ML:
        raise LesionsegError("No lung was found in the scan; check that it is a chest CT in Hounsfield units.")
    lungs = np.isin(parts, np.flatnonzero(sizes >= max(0.1 * sizes.max(), MIN_LUNG_ML / 2 / voxel_ml)))
    closed = _close(lungs, CLOSE_MM / (scan.geometry.spacing[1] * steps[0]))
    full = closed.repeat(steps[0], axis=1).repeat(steps[1], axis=2)
    _, height, width = scan.array.shape
    return Mask(np.ascontiguousarray(full[:, :height, :width]).view(np.uint8), scan.geometry)


def lung_box(lungs: Mask, margin_mm: float) -> tuple[slice, slice, slice]:
    """The (z, y, x) box around the lungs, widened by ``margin_mm`` and clipped to the scan."""
    box = ndimage.find_objects((lungs.array != 0).view(np.uint8))[0]
    widened = []
    for side, spacing, length in zip(box, lungs.geometry.spacing, lungs.array.shape, strict=True):
        margin = int(np.ceil(margin_mm / spacing))
        widened.append(slice(max(0, side.start - margin), min(length, side.stop + margin)))
    return widened[0], widened[1], widened[2]


def air_inside(hu: npt.NDArray[Any], below_hu: float) -> npt.NDArray[np.bool_]:
    """Voxels (z, y, x) below ``below_hu`` that are not joined to the picture's border within their slice."""
    air = hu < below_hu
    return air & ~_outside(air)


def _outside(air: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Air joined to the picture's border within its own slice."""
    frame = np.zeros_like(air)
    frame[:, [0, -1], :] = frame[:, :, [0, -1]] = True
    in_plane = ndimage.generate_binary_structure(3, 1)
    in_plane[[0, 2]] = False
    return np.asarray(ndimage.binary_propagation(air & frame, structure=in_plane, mask=air))


def _close(lungs: npt.NDArray[np.bool_], radius: float) -> npt.NDArray[np.bool_]:
    """Close each slice by ``radius`` pixels, by two distance transforms."""
    closed = np.empty_like(lungs)
    border = int(np.ceil(radius)) + 1
    for z, lung in enumerate(lungs):
        padded = np.pad(lung, border)
        if not lung.any():
            closed[z] = False
            continue
        grown = ndimage.distance_transform_edt(~padded) <= radius
        closed[z] = (ndimage.distance_transform_edt(grown) > radius)[border:-border, border:-border] | lung
    return closed
