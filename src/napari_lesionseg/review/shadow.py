"""A copy of the mask as it was last journaled: what the mask differs from it by is the next edit."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.changes import Change, Labels, change_between, decode_runs


class Shadow:
    """The labels a mask had when its last edit was taken.

    Viewers and plugins write into the mask in place and tell at best which slices they touched. Comparing
    these slices with the shadow finds the voxels, whoever changed them.

    Parameters
    ----------
    mask
        uint8 (z, y, x); it is shared, and never written to but by ``apply`` and ``revert``.
    twin
        A copy of ``mask`` to be kept and written to; it is made if there is none.
    """

    def __init__(self, mask: Labels, twin: Labels | None = None) -> None:
        self._mask = mask
        self._copy = mask.copy() if twin is None else twin

    def changed(self, slices: Iterable[int] | None = None) -> tuple[int, ...]:
        """Those of the display slices (z; None: of all) in which the mask differs from the shadow."""
        asked = range(len(self._mask)) if slices is None else slices
        mask, copy = _words(self._mask), _words(self._copy)
        return tuple(z for z in asked if not np.array_equal(mask[z], copy[z]))

    def take(self, slices: Iterable[int] | None = None) -> Change | None:
        """Find what changed in these slices (z; None: in all) since it was last asked for; None if nothing did."""
        changed = self.changed(slices)
        change = change_between(self._copy, self._mask, changed)
        for z in changed:
            self._copy[z] = self._mask[z]
        return change

    def slice(self, z: int) -> Labels:
        """Display slice ``z`` (y, x) of the shadow; not to be changed."""
        labels: Labels = self._copy[z]
        return labels

    def put_back(self, slices: Iterable[int]) -> None:
        """Write these slices (z) of the shadow over the mask."""
        for z in slices:
            self._mask[z] = self._copy[z]

    def sync(self) -> None:
        """Take the mask as it is, without asking what changed."""
        np.copyto(self._copy, self._mask)

    def apply(self, change: Change) -> None:
        """Make a change that was reverted, in mask and shadow.

        Raises
        ------
        LesionsegError
            If the shadow is not the mask the change was made on; nothing is written.
        """
        change.apply(self._copy)
        self._show(change)

    def revert(self, change: Change) -> None:
        """Take a change back, in mask and shadow.

        Raises
        ------
        LesionsegError
            If the shadow is not what the change led to; nothing is written.
        """
        change.revert(self._copy)
        self._show(change)

    def _show(self, change: Change) -> None:
        low_z, high_z, low_y, high_y, low_x, high_x = change.box
        self._mask[low_z:high_z, low_y:high_y, low_x:high_x] = self._copy[low_z:high_z, low_y:high_y, low_x:high_x]


def _words(labels: Labels) -> npt.NDArray[np.generic]:
    """The same memory as 8-byte words where rows allow it: compared in an eighth of the steps."""
    fits = labels.flags.c_contiguous and labels.shape[-1] % 8 == 0 and labels.ctypes.data % 8 == 0
    return labels.view(np.uint64) if fits else labels


def voxels_gained(change: Change | None) -> int:
    """Lesion voxels (labels other than 0) after a change less those before it."""
    if change is None:
        return 0
    low_z, high_z, low_y, high_y, low_x, high_x = change.box
    shape = (high_z - low_z, high_y - low_y, high_x - low_x)
    after, before = decode_runs(change.after, shape), decode_runs(change.before, shape)
    return int(np.count_nonzero(after)) - int(np.count_nonzero(before))
