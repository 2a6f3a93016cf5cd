"""What a reviewer said of each lesion: accepted, rejected, or nothing yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from psygnal import Signal

Voxel = tuple[int, int, int]
State = Literal["accepted", "rejected", ""]


class LesionStates:
    """States of the lesions of one mask; each is tied to a voxel, so that it outlives edits that leave that voxel.

    A rejected lesion is one that was taken out of the mask: if undo brings it back, it is rejected no more, and
    redo rejects it again.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._accepted: dict[Voxel, int] = {}  # And the label it had.
        self._rejected: dict[Voxel, int] = {}

    def accept(self, place: Voxel, label: int) -> None:
        """Take the lesion at a voxel (z, y, x), of this label, for right."""
        self._accepted[place] = label
        self.changed.emit()

    def forget(self, inside: Callable[[Voxel], bool]) -> None:
        """Take back what was said of the lesions whose voxel is ``inside``."""
        kept = {place: label for place, label in self._accepted.items() if not inside(place)}
        if len(kept) != len(self._accepted):
            self._accepted = kept
            self.changed.emit()

    def reject(self, place: Voxel, label: int) -> None:
        """Remember that the lesion at a voxel (z, y, x), of this label, was taken out of the mask."""
        self._rejected[place] = label
        self.changed.emit()

    def accepted_in(self, mask: npt.NDArray[Any]) -> list[Voxel]:
        """Voxels of the accepted lesions that ``mask`` (z, y, x) still has."""
        return [place for place, label in self._accepted.items() if mask[place] == label]

    def rejected_in(self, mask: npt.NDArray[np.uint8]) -> list[Voxel]:
        """Voxels of the rejected lesions that ``mask`` (z, y, x) does not have."""
        return [place for place in self._rejected if mask[place] == 0]

    def clear(self) -> None:
        """Forget all: another scan was opened."""
        self._accepted, self._rejected = {}, {}
        self.changed.emit()
