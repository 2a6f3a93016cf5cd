"""Shapes of lesions: cut out of masks, or grown from smooth noise where no masks are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.volumes.volume import Mask

_PIXEL_MM = 1.4
_GROWN_MM = (2.0, 1.5, 1.5)
_SAMPLE = 250
_MARGIN_MM = 10.0


@dataclass(frozen=True, eq=False)
class LesionShape:
    """One lesion's outline.

    Parameters
    ----------
    voxels
        Flags (z, y, x), cut to the lesion.
    spacing
        Their size in mm.
    """

    voxels: npt.NDArray[np.bool_]
    spacing: tuple[float, float, float]

    @property
    def ml(self) -> float:
        """Volume in ml."""
        return float(np.count_nonzero(self.voxels) * np.prod(self.spacing) / 1000)

    @cached_property
    def points(self) -> npt.NDArray[np.float64]:
        """Up to 250 of its voxels as (n, 3) offsets (z, y, x) in mm from its middle."""
        found = np.argwhere(self.voxels)
        found = found[np.linspace(0, len(found) - 1, min(_SAMPLE, len(found))).astype(int)]
        return np.asarray((found - self.middle) * np.array(self.spacing), np.float64)

    @property
    def middle(self) -> npt.NDArray[np.float64]:
        """Middle of the array, in voxels."""
        return (np.array(self.voxels.shape) - 1) / 2

    @property
    def margin(self) -> npt.NDArray[np.int64]:
        """Voxels (z, y, x) that ``depth`` adds on each side, at least 10 mm."""
        return np.ceil(_MARGIN_MM / np.array(self.spacing)).astype(np.int64) + 1

    def depth(self) -> npt.NDArray[np.float32]:
        """Signed distance to the border in mm, positive inside, with ``margin`` voxels on all sides.

        Between the slices of a coarse mask the distance is interpolated, and with it the shape (Raya and Udupa,
        IEEE Trans Med Imaging 1990;9:32).
        """
        padded = np.pad(self.voxels, [(n, n) for n in self.margin])
        inside = ndimage.distance_transform_edt(padded, sampling=self.spacing)
        outside = ndimage.distance_transform_edt(~padded, sampling=self.spacing)
        # The border lies between voxel centres: half a step nearer than the distances say.
        half = 0.5 * min(self.spacing)
        return np.asarray(np.where(padded, inside - half, half - outside), np.float32)


def cut_shapes(mask: Mask, least_ml: float = 0.1) -> Iterator[LesionShape]:
    """Cut each 26-connected lesion of at least ``least_ml`` out of ``mask``, at pixels of about 1.4 mm."""
    dz, dy, dx = mask.geometry.spacing
    step = max(1, round(_PIXEL_MM / dy)), max(1, round(_PIXEL_MM / dx))
    spacing = (dz, dy * step[0], dx * step[1])
    parts = cc3d.connected_components(np.ascontiguousarray(mask.array != 0), connectivity=26)
    for label, box in enumerate(ndimage.find_objects(parts), start=1):
        part = parts[box] == label
        if np.count_nonzero(part) * mask.geometry.voxel_ml >= least_ml:
            coarse = part[:, :: step[0], :: step[1]]
            if coarse.any():
                yield LesionShape(coarse.copy(), spacing)


def grow_shape(rng: np.random.Generator, ml: float) -> LesionShape:
    """Grow an irregular patch of about ``ml``: a flattened ball, roughened by smooth noise."""
    radius = 10 * (3 * ml / (4 * np.pi)) ** (1 / 3)
    half = [max(3, int(np.ceil(1.9 * radius / side))) for side in _GROWN_MM]
    z, y, x = np.ogrid[tuple(slice(-n, n + 1) for n in half)]
    flat = rng.lognormal(0.35, 0.25)
    away = np.sqrt((z * _GROWN_MM[0]) ** 2 + (y * _GROWN_MM[1] * flat) ** 2 + (x * _GROWN_MM[2] / flat) ** 2) / radius
    rough = ndimage.gaussian_filter(rng.standard_normal(away.shape), [max(0.4 * radius, 2) / mm for mm in _GROWN_MM])
    field = rng.uniform(0.2, 0.5) * rough / max(rough.std(), 1e-6) - away
    count = min(max(round(1000 * ml / float(np.prod(_GROWN_MM))), 3), field.size)
    kept = field >= np.partition(field.ravel(), -count)[-count]
    parts = cc3d.connected_components(kept, connectivity=26)
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return LesionShape(largest[ndimage.find_objects(largest.view(np.uint8))[0]], _GROWN_MM)
