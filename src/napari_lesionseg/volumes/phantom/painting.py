"""A canvas of lesions over a scan's grid: their weights and how much of the air they fill."""

from __future__ import annotations

from collections.abc import Sequence

import cc3d
import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.volumes.phantom.fields import Plane, SmoothField
from napari_lesionseg.volumes.phantom.lesion_places import Lungs, Place
from napari_lesionseg.volumes.phantom.lesion_shapes import LesionShape
from napari_lesionseg.volumes.phantom.lesion_textures import COMMON, TEXTURES, Surroundings, Texture, fill

_BLUR_MM = 0.6
_SCALES = (0.6, 1.6)
_SOLID, _BRONCHOGRAMS, _BESIDE_MM = 0.7, 0.5, 3.2

Stack = npt.NDArray[np.float32]
Box = tuple[slice, slice, slice]


class Painting:
    """Weight and filled share of air of all lesions so far, (z, y, x)."""

    def __init__(
        self, rng: np.random.Generator, room: Lungs, spacing: tuple[float, float, float], textures: Sequence[Texture]
    ) -> None:
        self._rng, self._room, self._spacing, self._textures = rng, room, spacing, textures
        shape = room.room.shape
        self.weight: Stack = np.zeros(shape, np.float32)
        self.filled: Stack = np.zeros(shape, np.float32)
        span = (0.0, shape[0] * spacing[0], max(shape[1:]) * spacing[1] * 1.1)
        self._rough, self._fine = SmoothField(rng, 13.0, *span), SmoothField(rng, 4.5, *span)
        common = np.array([COMMON[TEXTURES.index(texture)] for texture in textures])
        self._common = rng.dirichlet(10 * common / common.sum())
        self._ground_hu = float(rng.uniform(-640, -460))
        self._soft_mm = float(rng.uniform(2.0, 5.0))
        angle, shows = rng.uniform(0, 2 * np.pi), rng.random() < _BRONCHOGRAMS
        beside = np.rint(_BESIDE_MM / spacing[1] * np.array([np.sin(angle), np.cos(angle)])).astype(int)
        self._bronchi = (int(beside[0]), int(beside[1])) if shows and spacing[1] < _BESIDE_MM / 2 else None

    def add(self, shape: LesionShape, ml: float) -> None:
        """Place a shape, scaled to about ``ml``, and lay its texture over the others."""
        scale = float(np.clip((ml / shape.ml) ** (1 / 3), *_SCALES))
        place = self._room.place(self._rng, shape, scale, self._spacing)
        box = self._box(shape, place)
        depth = self._depth(shape, place, box, scale)
        rough, fine = self._noise(box)
        depth += np.float32(min(1.6, 0.2 * float(depth.max()))) * (rough + np.float32(0.4) * fine)
        texture: Texture = self._textures[int(self._rng.choice(len(self._textures), p=self._common))]
        around = Surroundings(depth, rough, fine, self._spacing, self._room.median)
        filled = fill(self._rng, texture, self._ground_hu, around)
        soft = self._soft_mm * (0.6 if texture in ("consolidation", "reticular") else 1.0)
        soft = max(min(soft, 1.2 * float(depth.max())), self._spacing[1])  # A small lesion has a full middle, too.
        weight = np.clip(0.5 + depth / np.float32(soft), 0, 1) * self._room.room[box]
        weight *= _without_specks(weight >= 0.5)
        self.weight[box] = np.maximum(self.weight[box], weight)
        self.filled[box] = np.maximum(self.filled[box], weight * filled)

    def _box(self, shape: LesionShape, place: Place) -> Box:
        """The voxels that a placed shape can reach."""
        spacing = np.array(self._spacing)
        reach = np.abs(np.linalg.inv(place.turn)) @ ((np.array(shape.voxels.shape) / 2 + 1) * shape.spacing)
        margin = self._soft_mm + 3
        low = np.floor(place.middle - (reach + margin) / spacing).astype(int)
        high = np.ceil(place.middle + (reach + margin) / spacing).astype(int) + 1
        low = np.maximum(low, 0).tolist()
        high = np.minimum(high, self.weight.shape).tolist()
        return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])

    def _depth(self, shape: LesionShape, place: Place, box: Box, scale: float) -> Stack:
        """Depth below the placed shape's border in mm, sampled at the voxels of ``box``."""
        start = np.array([side.start for side in box])
        matrix = (place.turn * np.array(self._spacing)) / np.array(shape.spacing)[:, None]
        offset = shape.middle + shape.margin + matrix @ (start - place.middle)
        size = tuple(side.stop - side.start for side in box)
        depth = ndimage.affine_transform(shape.depth(), matrix, offset, size, order=1, mode="nearest")
        return np.asarray(depth * np.float32(scale), np.float32)

    def _noise(self, box: Box) -> tuple[Stack, Stack]:
        """Sample the patient's two smooth fields in ``box``."""
        z, y, x = box
        _, rows, columns = self.weight.shape
        middle = (x.start + x.stop - columns) / 2 * self._spacing[2], (y.start + y.stop - rows) / 2 * self._spacing[1]
        plane = Plane((y.stop - y.start, x.stop - x.start), self._spacing[1], middle)
        heights = [index * self._spacing[0] for index in range(z.start, z.stop)]
        rough, fine = (np.stack([field.at(mm, plane) for mm in heights]) for field in (self._rough, self._fine))
        return rough, fine

    def slice(self, z: int, old: Stack) -> Stack:
        """Share of the air that is filled in slice ``z``, blurred as by a scanner; the lumen of airways stays empty."""
        filled = self.filled[z]
        if self._bronchi is not None and (filled > _SOLID).any():
            air = _bronchogram(old, self._bronchi)
            filled = filled * (1 - air * np.clip((filled - _SOLID) / 0.2, 0, 1))
        sigma = float(np.hypot(_BLUR_MM / self._spacing[1], 0.25))
        blurred = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), sigma)
        return np.asarray(blurred * (1 - self._room.air[z] / np.float32(255)), np.float32)


def _bronchogram(old: Stack, beside: tuple[int, int]) -> Stack:
    """Airways that the scan does not resolve but consolidation would show, from 0 to 1: each beside its artery."""
    vessel = np.clip((cv2.GaussianBlur(old, (0, 0), 0.7) + 620) / 250, 0, 1)
    return np.asarray(0.75 * np.roll(vessel, beside, (0, 1)) * (1 - vessel), np.float32)


def _without_specks(lesion: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """False in the parts of a lesion below 5 % of its largest, which the lungs' border or the noise cut off."""
    parts = cc3d.connected_components(lesion, connectivity=26)
    sizes = np.bincount(parts.ravel())
    kept = sizes >= 0.05 * max(sizes[1:], default=0)
    kept[0] = True
    return np.asarray(kept[parts], bool)
