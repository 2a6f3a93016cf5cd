"""What one view shows of a scan: grey values through a window, the mask, and the truth's outline."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.sections import LETTERS, Section, outline
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.windowing import Window, apply_window

Pixels = npt.NDArray[np.uint8]


class SlicePicture:
    """Pictures (row, column) of one section of a scan, made when they are asked for and kept until they are stale.

    ``made`` counts what was made, by name, for tests and benchmarks.
    """

    def __init__(self, section: Section, scan: Volume, mask: Mask | None, truth: Mask | None = None) -> None:
        self.section, self.letters = section, LETTERS[section.plane]
        self._scan, self._mask, self._truth = scan, mask, truth
        self.index = section.count // 2
        self._window: Window | None = None
        self._grey: Pixels | None = None
        self._labels: Pixels | None = None
        self._outline: Pixels | None = None
        self.made = {"grey": 0, "labels": 0, "rows": 0, "outline": 0}

    def go_to(self, index: int) -> bool:
        """Show another section; whether it is another one."""
        if index == self.index:
            return False
        self.index = index
        self._grey = self._labels = self._outline = None
        return True

    def set_window(self, window: Window) -> bool:
        """Look through another window; whether it is another one."""
        changed, self._window = window != self._window, window
        if changed:
            self._grey = None
        return changed

    def set_truth(self, truth: Mask | None) -> None:
        """Outline another truth."""
        self._truth, self._outline = truth, None

    def set_mask(self, mask: Mask | None) -> None:
        """Show another mask."""
        self._mask, self._labels = mask, None

    def touch(self, slices: Iterable[int] | None) -> bool:
        """Take note that these display slices (z) of the mask changed, None for all; whether any of it is in sight."""
        if self._labels is None or self._mask is None:
            return self._mask is not None
        touched = None if slices is None else list(slices)
        if self.section.through == 0:
            if touched is not None and self.index not in touched:
                return False
            self._labels = None
        elif touched is None or len(touched) > len(self._labels) // 4:
            self._labels = None
        else:
            self._read_rows(touched)
        return True

    def _read_rows(self, touched: list[int]) -> None:
        assert self._labels is not None
        assert self._mask is not None
        picture = self.section.cut(self._mask.array, self.index)
        rows = [self.section.size[0] - 1 - z for z in touched]
        self._labels[rows] = picture[rows]
        self.made["rows"] += len(rows)

    @property
    def grey(self) -> Pixels:
        """The scan through the window, black 0 to white 255."""
        if self._grey is None:
            self.made["grey"] += 1
            picture = self.section.cut(self._scan.array, self.index)
            window = self._window or Window(0, 1)
            self._grey = np.ascontiguousarray(apply_window(picture, window) * np.float32(255)).astype(np.uint8)
        return self._grey

    @property
    def labels(self) -> Pixels | None:
        """The labels of the mask, None without one."""
        if self._labels is None and self._mask is not None:
            self.made["labels"] += 1
            self._labels = np.array(self.section.cut(self._mask.array, self.index), np.uint8, order="C")
        return self._labels

    @property
    def outline(self) -> Pixels | None:
        """1 along the outline of the truth, None without one."""
        if self._outline is None and self._truth is not None:
            self.made["outline"] += 1
            self._outline = outline(self.section.cut(self._truth.array, self.index))
        return self._outline
