"""Settling two readings: what of which is taken where, as edits of the session's mask."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.agreement import Agreement, measure_agreement
from napari_lesionseg.review.agreement_map import Take, agreement_map, taken
from napari_lesionseg.review.disagreements import Box, Disagreement, Voxel, find_disagreements, lesion_at
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes.volume import Mask

Where = Literal["slice", "lesion", "scan"]


class Adjudication:
    """Two readings of one scan, the pieces in which they differ, and which of these are decided.

    Making one takes a moment for a large scan, and may be done in a thread. A piece is decided in a slice once the mask
    has a voxel of it there, or once a take left it out there.

    Parameters
    ----------
    a, b
        The readings, on one grid, labels 0 to 255.

    Raises
    ------
    LesionsegError
        If they are not on one grid.
    """

    def __init__(self, a: Mask, b: Mask) -> None:
        self.agreement: Agreement = measure_agreement(a, b)
        self.a, self.b = (Mask(one.array.astype(np.uint8), one.geometry, one.source) for one in (a, b))
        self.map = agreement_map(a.array, b.array)
        self.pieces: list[Disagreement] = find_disagreements(self.map)
        self._left_out: set[tuple[int, int]] = set()  # Piece and slice.

    def begin(self, session: Session) -> None:
        """Let the session's mask hold what both readings have, as one edit; all else is to be decided."""
        self.take(session, "agreed", "scan")
        self._left_out.clear()  # Nobody has decided anything yet.

    def take(self, session: Session, take: Take, where: Where, voxel: Voxel | None = None) -> None:
        """Write what is taken into the session's mask, as one edit that can be undone.

        Parameters
        ----------
        take
            Of which reading.
        where
            In the slice looked at, in the lesion at ``voxel``, or in the whole scan.
        voxel
            A display voxel (z, y, x) of the lesion.

        Raises
        ------
        LesionsegError
            If the readings are not of the open scan, or there is no lesion at ``voxel``.
        """
        mask = self._check(session)
        box, inside = self._region(session, where, voxel)
        session.settle(range(box[0].start, box[0].stop))  # A stroke under way is a step of its own.
        new = taken(take, self.a.array[box], self.b.array[box])
        mask.array[box] = new if inside is None else np.where(inside, new, mask.array[box])
        session.mark_edited(range(box[0].start, box[0].stop), tool=f"take {take}")
        if not session.editable:
            return  # The mask has been put back, and the session has said so.
        self._note(mask, [number for number, piece in enumerate(self.pieces) if _holds(box, inside, piece)], box[0])

    def is_decided(self, number: int, mask: Mask) -> bool:
        """Whether piece ``number`` is decided in all its slices, as ``mask`` is now."""
        slices = self.pieces[number].box[0]
        return all(
            (number, z) in self._left_out or self._has(number, z, mask) for z in range(slices.start, slices.stop)
        )

    def undecided(self, mask: Mask) -> list[int]:
        """Numbers of the pieces that nobody has decided yet, largest first."""
        return [number for number in range(len(self.pieces)) if not self.is_decided(number, mask)]

    def step(self, number: int | None, by: int, mask: Mask) -> int | None:
        """The piece ``by`` (1 or -1) after piece ``number``; decided ones are passed over until all are.

        None if the readings agree in every voxel. After the last piece comes the first.
        """
        count = len(self.pieces)
        if not count:
            return None
        start = (-1 if by > 0 else 0) if number is None else number
        order = [(start + by * far) % count for far in range(1, count + 1)]
        return next((one for one in order if not self.is_decided(one, mask)), order[0])

    def _region(self, session: Session, where: Where, voxel: Voxel | None) -> tuple[Box, npt.NDArray[np.bool_] | None]:
        depth, height, width = self.map.shape
        if where == "lesion":
            found = None if voxel is None else lesion_at(self.map, voxel)
            if found is None:
                raise LesionsegError("Neither reading has a lesion there; point at one, or go to a disagreement.")
            return found
        z = session.slice_index
        first, last = (z, z + 1) if where == "slice" else (0, depth)
        return (slice(first, last), slice(0, height), slice(0, width)), None

    def _note(self, mask: Mask, numbers: list[int], slices: slice) -> None:
        """Remember which of the pieces were left out in these slices."""
        for number in numbers:
            own = self.pieces[number].box[0]
            for z in range(max(own.start, slices.start), min(own.stop, slices.stop)):
                if self._has(number, z, mask):
                    self._left_out.discard((number, z))
                else:
                    self._left_out.add((number, z))

    def _has(self, number: int, z: int, mask: Mask) -> bool:
        piece = self.pieces[number]
        depth, height, width = piece.box
        return bool(mask.array[z, height, width][piece.inside[z - depth.start]].any())

    def _check(self, session: Session) -> Mask:
        mask = session.mask
        if mask is None or not mask.geometry.same_grid(self.a.geometry):
            raise LesionsegError("The readings are not of the open scan; open their case again.")
        return mask


def _holds(box: Box, inside: npt.NDArray[np.bool_] | None, piece: Disagreement) -> bool:
    """Whether a lesion holds ``piece``; it holds all of it or nothing. Whole slices (None) may hold any piece."""
    if inside is None:
        return True
    if not all(one.start <= at < one.stop for at, one in zip(piece.place, box, strict=True)):
        return False
    return bool(inside[tuple(at - one.start for at, one in zip(piece.place, box, strict=True))])
