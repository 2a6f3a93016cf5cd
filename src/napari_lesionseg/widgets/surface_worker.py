"""Surfaces made beside the window; what is asked for meanwhile is made next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Signal

from napari_lesionseg.review.surface_mesh import SurfaceMesh
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.child_jobs import describe_grid
from napari_lesionseg.widgets.newest_job import NewestJob

CHILD = ("-m", "napari_lesionseg.widgets.surface_child")


class SurfaceWorker(NewestJob[dict[str, Mask]]):
    """Makes surfaces of the masks of one scan, all at once."""

    done = Signal(dict)
    """A ``SurfaceMesh`` by the name of its mask."""

    def __init__(self) -> None:
        super().__init__(CHILD)
        self._count = 0

    def wrap(self, masks: dict[str, Mask]) -> None:
        """Make the surfaces of these masks, all on one grid, as they are now; ``"lungs"`` are smoothed."""
        self._ask(masks)

    def _both(self, waiting: dict[str, Mask], asked: dict[str, Mask]) -> dict[str, Mask]:
        return {**waiting, **asked}

    def _submit(self, asked: dict[str, Mask]) -> None:
        self._count += 1
        grid = describe_grid(next(iter(asked.values())).geometry)
        out = str(self._runner.folder / f"surface-{self._count}")
        self._runner.submit({**grid, "out": out}, {name: mask.array.copy() for name, mask in asked.items()})

    def _take(self, told: dict[str, Any], *, stale: bool) -> None:
        paths = {name: Path(told[name]) for name in ("lungs", "lesions") if name in told}
        if not stale:
            self.done.emit({name: _load(path) for name, path in paths.items()})
        for path in paths.values():
            path.unlink(missing_ok=True)


def _load(path: Path) -> SurfaceMesh:
    with np.load(path) as held:
        return SurfaceMesh(held["vertices"], held["faces"])
