"""Surfaces made beside the window; what is asked for meanwhile is made next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_lesionseg.review.surface_mesh import SurfaceMesh
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.child_jobs import describe_grid
from napari_lesionseg.widgets.job_runner import JobRunner

CHILD = ("-m", "napari_lesionseg.widgets.surface_child")


class SurfaceWorker(QObject):
    """Makes surfaces of the masks of one scan, all at once."""

    done = Signal(dict)
    """A ``SurfaceMesh`` by the name of its mask."""
    failed = Signal(str)
    """One sentence."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = JobRunner(CHILD, self)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._next: dict[str, Mask] = {}
        self._count = 0
        self._stale = False

    def wrap(self, masks: dict[str, Mask]) -> None:
        """Make the surfaces of these masks, all on one grid, as they are now; ``"lungs"`` are smoothed."""
        if self._runner.running:
            self._next = {**self._next, **masks}
            return
        self._next, self._stale = {}, False
        self._count += 1
        grid = describe_grid(next(iter(masks.values())).geometry)
        out = str(self._runner.folder / f"surface-{self._count}")
        self._runner.submit({**grid, "out": out}, {name: mask.array.copy() for name, mask in masks.items()})

    def forget(self) -> None:
        """Tell nothing of what is being made: it belongs to what is no longer open."""
        self._next, self._stale = {}, True

    def close(self) -> None:
        """Stop, and end the child."""
        self.forget()
        self._runner.close()

    def _on_done(self, told: dict[str, Any]) -> None:
        paths = {name: Path(told[name]) for name in ("lungs", "lesions") if name in told}
        if not self._stale:
            self.done.emit({name: _load(path) for name, path in paths.items()})
        for path in paths.values():
            path.unlink(missing_ok=True)
        self._go_on()

    def _on_failed(self, sentence: str) -> None:
        if not self._stale:
            self.failed.emit(sentence)
        self._go_on()

    def _go_on(self) -> None:
        if self._next:
            self.wrap(self._next)


def _load(path: Path) -> SurfaceMesh:
    with np.load(path) as held:
        return SurfaceMesh(held["vertices"], held["faces"])
