"""The lesions of a mask one by one: how large, where, how dense, and how sure the model is of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.components import components_by_box
from napari_lesionseg.review.lesions import is_lesion, table_order
from napari_lesionseg.review.lung_sides import LungSides, Side, side_of
from napari_lesionseg.review.tools.boxes import Box, Voxel
from napari_lesionseg.volumes.volume import Mask, Volume

Match = Literal["matched", "false", "missed", ""]
GROUND_GLASS_HU: Final = (-750, -300)
CONSOLIDATION_HU: Final = (-300, 50)
"""−300 HU parts the two, of eight thresholds the one that told most: BMC Infect Dis 2021, 10.1186/s12879-021-06556-z.

The outer ends are chosen: below −750 HU lies aerated lung, above 50 HU are vessels with contrast and calcium.
"""


@dataclass(frozen=True)
class Listed:
    """One lesion of the mask, or one that the mask misses.

    Parameters
    ----------
    number
        From 1, in the order of the exported table; those that the mask misses come after all of the mask.
    label
        Of its voxels, in the mask or in the truth.
    voxels, volume_ml, counted
        Its size, and whether that is at least 0.1 ml.
    slices
        First and last display slice (z), from 0.
    place
        A voxel (z, y, x) of it, in its largest slice, as near to that slice's middle as there is one.
    side
        The lung it lies in; "" where the lungs are not known.
    mean_hu
        None for a scan that is not in HU.
    ground_glass, consolidation
        Share (0 to 1) of its voxels from −750 to −300 HU, and above −300 up to 50 HU.
    confidence
        Mean probability (0 to 1) of its voxels; None without a prediction.
    match
        A lesion of the mask is ``"matched"`` if the truth has any of its voxels and ``"false"`` otherwise; one of the
        truth is ``"missed"`` if the mask has none. "" without a truth.
    """

    number: int
    label: int
    voxels: int
    volume_ml: float
    counted: bool
    slices: tuple[int, int]
    place: Voxel
    side: Side = ""
    mean_hu: float | None = None
    ground_glass: float | None = None
    consolidation: float | None = None
    confidence: float | None = None
    match: Match = ""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a scan beside its mask; all on its grid."""

    scan: Volume
    truth: Mask | None = None
    lungs: Mask | None = None
    probability: npt.NDArray[np.uint8] | None = None


class Counted:
    """The components of a box, and where their voxels are."""

    def __init__(self, box: Box, labels: npt.NDArray[Any]) -> None:
        self.components, self.voxels, self._bounds = components_by_box(labels)
        self.box, self.labels = box, labels
        flat = np.flatnonzero(self.components)
        self.of = self.components.ravel()[flat].astype(np.intp) - 1  # The lesion of each voxel, from 0.
        self.total = len(flat)
        corner = [side.start for side in box]
        self.at = tuple(at + start for at, start in zip(np.unravel_index(flat, labels.shape), corner, strict=True))

    def mean(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """The mean of each lesion, of values for all voxels."""
        return np.bincount(self.of, values, len(self.voxels)) / self.voxels

    def in_right(self, sides: LungSides) -> npt.NDArray[np.bool_]:
        """Whether each voxel belongs to the right lung."""
        return sides.in_right(*self.at)

    def lesion_of(self, one: Listed) -> int:
        """Which of the lesions, from 0, a description is of."""
        at = tuple(place - side.start for place, side in zip(one.place, self.box, strict=True))
        return int(self.components[at]) - 1

    def right_voxels(self, sides: LungSides | None) -> int | None:
        """How many voxels belong to the right lung."""
        return None if sides is None else int(np.count_nonzero(self.in_right(sides)))

    def listed(self, known: Known, sides: LungSides | None, matches: list[Match]) -> list[Listed]:
        """Describe the lesions, the largest first."""
        columns = self._columns(known)
        right = None if sides is None else self.mean(self.in_right(sides))
        order = table_order(self.voxels, np.stack([self.mean(at) for at in self.at], axis=1))
        voxel_ml = known.scan.geometry.voxel_ml
        counted = is_lesion(self.voxels, voxel_ml)
        rows = []
        for number, i in enumerate(order, 1):
            slices, place = self._place(int(i))
            rows.append(
                Listed(
                    number=number,
                    label=int(self.labels[tuple(at - s.start for at, s in zip(place, self.box, strict=True))]),
                    voxels=int(self.voxels[i]),
                    volume_ml=float(self.voxels[i] * voxel_ml),
                    counted=bool(counted[i]),
                    slices=slices,
                    place=place,
                    side="" if right is None else side_of(float(right[i])),
                    match=matches[i],
                    **{name: None if values is None else float(values[i]) for name, values in columns.items()},
                )
            )
        return rows

    def _columns(self, known: Known) -> dict[str, Any]:
        """Density, shares and confidence of each lesion, by the names of ``Listed``."""
        names = ("mean_hu", "ground_glass", "consolidation", "confidence")
        columns: dict[str, Any] = dict.fromkeys(names)
        if known.scan.intensity == "HU":
            hu = known.scan.array[self.at]
            columns["mean_hu"] = self.mean(hu)
            columns["ground_glass"] = self.mean((hu >= GROUND_GLASS_HU[0]) & (hu <= GROUND_GLASS_HU[1]))
            columns["consolidation"] = self.mean((hu > CONSOLIDATION_HU[0]) & (hu <= CONSOLIDATION_HU[1]))
        if known.probability is not None:
            columns["confidence"] = self.mean(known.probability[self.at]) / 255
        return columns

    def _place(self, lesion: int) -> tuple[tuple[int, int], Voxel]:
        """First and last slice of a lesion, and the voxel to go to."""
        bounds = self._bounds[lesion]
        inside = self.components[bounds] == lesion + 1
        largest = int(np.count_nonzero(inside, axis=(1, 2)).argmax())
        y, x = np.nonzero(inside[largest])
        nearest = int(np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2))
        corner = [own.start + around.start for own, around in zip(bounds, self.box, strict=True)]
        place = (corner[0] + largest, corner[1] + int(y[nearest]), corner[2] + int(x[nearest]))
        return (corner[0], corner[0] + inside.shape[0] - 1), place
