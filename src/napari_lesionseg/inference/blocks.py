"""Which slices a network sees for a row, and the rows of a network that marks whole blocks of slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.backends.backend import Backend, Bytes, Logits


def around(row: int, depth: int, count: int) -> npt.NDArray[np.intp]:
    """The ``count`` rows around ``row`` of a scan of ``depth`` slices; first and last slice are repeated outward.

    ``row`` is the middle one; of an even number, the first after the middle.
    """
    return np.clip(np.arange(row - count // 2, row - count // 2 + count), 0, depth - 1)


def stacks(slices: Bytes, rows: Sequence[int], count: int) -> Bytes:
    """The (len(rows), count, h, w) stacks of ``count`` slices around ``rows``, see :func:`around`."""
    return slices[np.stack([around(row, len(slices), count) for row in rows])]


class Blocks:
    """Rows out of overlapping blocks: each is in two, and the one in whose middle it lies counts more.

    The blocks lie at fixed places, so that a row is the same whichever others are asked for.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._found: dict[int, Logits] = {}

    def rows(self, slices: Bytes, rows: Sequence[int]) -> Logits:
        """Logits (len(rows), h, w) of rows of one scan (Z, h, w)."""
        return np.stack([self._row(slices, row) for row in rows])

    def _row(self, slices: Bytes, row: int) -> Logits:
        half = self._backend.marked // 2
        first = row // half * half
        share = np.float32((row - first + 0.5) / half)  # Of the second block, which begins at ``first``.
        before, after = self._block(slices, first), self._block(slices, first + half)
        mixed: Logits = before[row - first + half] * (1 - share) + after[row - first] * share
        return mixed

    def _block(self, slices: Bytes, middle: int) -> Logits:
        if middle not in self._found:
            stack = slices[around(middle, len(slices), self._backend.stack)][None]
            found = self._backend.logits(stack)[0]
            self._found = {m: one for m, one in self._found.items() if abs(m - middle) <= len(found)} | {middle: found}
        return self._found[middle]
