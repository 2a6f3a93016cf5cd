"""Growth measured beside the window; what is asked for meanwhile is measured next, and only the newest of it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal

from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.grown import Growth, GrowthRow
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.child_jobs import describe_grid
from napari_lesionseg.widgets.newest_job import NewestJob

CHILD = ("-m", "napari_lesionseg.widgets.growth_child")


class GrowthWorker(NewestJob[tuple[Mask, Mask, Shift]]):
    """Measures one pair of masks at a time."""

    done = Signal(object)
    """A ``Growth``."""

    def __init__(self) -> None:
        super().__init__(CHILD)

    def measure(self, mask: Mask, prior: Mask, shift: Shift) -> None:
        """Measure the growth from ``prior`` to ``mask`` as it is now."""
        self._ask((mask, prior, shift))

    def _submit(self, asked: tuple[Mask, Mask, Shift]) -> None:
        mask, prior, shift = asked
        grids = {"mask_grid": describe_grid(mask.geometry), "prior_grid": describe_grid(prior.geometry)}
        self._runner.submit({**grids, "shift": list(shift)}, {"mask": mask.array.copy(), "prior": prior.array})

    def _take(self, told: dict[str, Any], *, stale: bool) -> None:
        if not stale:
            rows = (GrowthRow(**{**row, **_tuples(row)}) for row in told["rows"])
            self.done.emit(Growth(tuple(rows), told["ml"], told["prior_ml"]))


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(row[name]) for name in ("numbers", "prior_numbers", "place")}
