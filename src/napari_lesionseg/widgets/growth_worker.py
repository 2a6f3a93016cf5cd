"""Growth measured beside the window; what is asked for meanwhile is measured next, and only the newest of it."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.grown import Growth, GrowthRow
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.child_jobs import describe_grid
from napari_lesionseg.widgets.job_runner import JobRunner

CHILD = ("-m", "napari_lesionseg.widgets.growth_child")


class GrowthWorker(QObject):
    """Measures one pair of masks at a time."""

    done = Signal(object)
    """A ``Growth``."""
    failed = Signal(str)
    """One sentence."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = JobRunner(CHILD, self)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._next: tuple[Mask, Mask, Shift] | None = None
        self._stale = False

    def measure(self, mask: Mask, prior: Mask, shift: Shift) -> None:
        """Measure the growth from ``prior`` to ``mask`` as it is now."""
        if self._runner.running:
            self._next = (mask, prior, shift)
            return
        self._next, self._stale = None, False
        request = {
            "mask_grid": describe_grid(mask.geometry),
            "prior_grid": describe_grid(prior.geometry),
            "shift": list(shift),
        }
        self._runner.submit(request, {"mask": mask.array.copy(), "prior": prior.array})

    def forget(self) -> None:
        """Tell nothing of what is being measured: it belongs to what is no longer open."""
        self._next, self._stale = None, True

    def close(self) -> None:
        """Stop, and end the child."""
        self.forget()
        self._runner.close()

    def _on_done(self, told: dict[str, Any]) -> None:
        if not self._stale:
            rows = (GrowthRow(**{**row, **_tuples(row)}) for row in told["rows"])
            self.done.emit(Growth(tuple(rows), told["ml"], told["prior_ml"]))
        self._go_on()

    def _on_failed(self, sentence: str) -> None:
        if not self._stale:
            self.failed.emit(sentence)
        self._go_on()

    def _go_on(self) -> None:
        if self._next is not None:
            self.measure(*self._next)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(row[name]) for name in ("numbers", "prior_numbers", "place")}
