"""What a session begins with when the journal of its scan is read before the scan is shown."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lesionseg.review.changes import Entry, Labels
from napari_lesionseg.volumes import Mask


@dataclass(frozen=True, eq=False)
class Start:
    """A mask and the journal that led to it.

    Parameters
    ----------
    mask
        uint8, on the scan's grid; it becomes the session's own.
    log
        The journal's lines, oldest first; voxels need not be with them if the history has a source.
    corrected
        Display slices (z) that count as corrected.
    twin
        A copy of the labels of ``mask`` that becomes the session's own, too; it is made if there is none.
    slice
        The display slice (z) to look at first; the middle if it is None.
    """

    mask: Mask
    log: tuple[Entry, ...] = ()
    corrected: frozenset[int] = frozenset()
    twin: Labels | None = None
    slice: int | None = None
