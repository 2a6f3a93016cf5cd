"""The separate lesions of a mask."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.surfaces import bounding_box
from napari_lesionseg.volumes.volume import Mask

SMALLEST_LESION_ML = 0.1


def label_lesions(mask: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Number the 26-connected components of a (z, y, x) mask from 1, and count the voxels of each."""
    inside = np.ascontiguousarray(mask != 0).view(np.uint8)  # cc3d fails on some thin bool arrays.
    components, count = cc3d.connected_components(inside, connectivity=26, return_N=True)
    return components, _voxels(components, count)


def label_by_label(mask: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """As ``label_lesions``, but voxels of different labels are never one lesion, even where they touch."""
    components, count = cc3d.connected_components(np.ascontiguousarray(mask), connectivity=26, return_N=True)
    return components, _voxels(components, count)


def _voxels(components: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    """Voxels of each component, counted where there are any: bincount makes eight bytes of each voxel it is given."""
    voxels = np.zeros(count + 1, np.int64)
    for one in components:
        here = one[one != 0]
        if len(here):
            voxels += np.bincount(here, minlength=count + 1)
    return voxels[1:]


def table_order(voxels: npt.NDArray[np.int64], centres: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """In which order lesions are numbered: the largest first, of equals the lowest, then by y and x of their centres.

    ``centres`` (n, 3) are display indices (z, y, x), from any corner.
    """
    return np.lexsort((centres[:, 2], centres[:, 1], centres[:, 0], -voxels))


def voxels_by_slice(mask: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Count the voxels (lesion, z) of each lesion of a mask (z, y, x) in each slice; lesions as in the lesion table."""
    components, voxels = label_by_label(mask)
    counts = np.array([np.bincount(one.ravel(), minlength=len(voxels) + 1)[1:] for one in components], np.int64).T
    return np.asarray(counts[table_order(voxels, cc3d.statistics(components)["centroids"][1:])])


def is_lesion(voxels: npt.NDArray[np.int64], voxel_ml: float) -> npt.NDArray[np.bool_]:
    """Which components are large enough to be called a lesion: at least 0.1 ml."""
    return voxels >= SMALLEST_LESION_ML / voxel_ml - 1e-6


def count_lesions(mask: Mask) -> int:
    """Number of 26-connected lesions of at least 0.1 ml."""
    if not mask.array.any():
        return 0
    _, voxels = label_lesions(mask.array[bounding_box(mask.array)])
    return int(is_lesion(voxels, mask.geometry.voxel_ml).sum())
