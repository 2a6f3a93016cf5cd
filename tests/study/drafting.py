"""What tests of the journal share: a case to draw on, and a hand that draws like the window does."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.changes import Entry, Kind, Marks, change_between
from napari_lesionseg.study import Study
from napari_lesionseg.study.readings import Readings
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.writer import Listener
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

Labels = npt.NDArray[np.uint8]
GRID = Geometry.from_spacing((6, 20, 24), (2.5, 0.8, 0.7))
TIME = "2026-01-01T00:00:00.000+00:00"


def add_case(study: Study, case_id: str = "c1", grid: Geometry = GRID) -> None:
    """Add a case of ``grid`` to a study."""
    folder = Path(study.folder).parent
    voxels = np.full(grid.display_shape, -800, np.int16)
    voxels.flat[0] = sum(case_id.encode())
    nifti.write_scan(folder / f"{case_id}.nii.gz", Volume(voxels, grid))
    study.add_case(case_id, f"patient-{case_id}", folder / f"{case_id}.nii.gz")


def read_twice(study: Study) -> tuple[Revision, Revision]:
    """Two finished blind readings of ``c1``: ``a_mask`` 1 of ann's and 2 of bob's."""
    readings = Readings(study)
    drafts = [readings.start("c1", reviewer) for reviewer in ("ann", "bob")]
    a, b = (readings.finish(draft, a_mask(seed)) for seed, draft in enumerate(drafts, start=1))
    return a, b


def child_environment(root: Path) -> dict[str, str]:
    """The environment of a child that imports these tests, and the same sources as we do."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))}


def sha(labels: Labels) -> str:
    """SHA-256 of the voxels."""
    return hashlib.sha256(np.ascontiguousarray(labels, np.uint8).tobytes()).hexdigest()


def a_mask(seed: int, grid: Geometry = GRID) -> Mask:
    """Some speckles."""
    rng = np.random.default_rng(seed)
    return Mask((rng.random(grid.display_shape) < 0.05).astype(np.uint8), grid)


@dataclass
class Hand:
    """Draws on a mask and says what it drew, as a session does: its lines, in order, are a sound journal."""

    labels: Labels
    length: int = 0
    done: list[Entry] = field(default_factory=list)
    undone: list[Entry] = field(default_factory=list)

    def draw(self, labels: Labels, tool: str = "brush", marks: Marks | None = None, z: int = 0) -> Entry:
        """Make the mask ``labels``; one line."""
        change = change_between(self.labels, labels, range(len(labels)))
        gained = int(np.count_nonzero(labels)) - int(np.count_nonzero(self.labels))
        np.copyto(self.labels, labels)
        entry = self._line("edit", tool, z, gained, marks=marks or Marks(), change=change)
        self.done.append(entry)
        self.undone.clear()
        return entry

    def dot(self, z: int, y: int, x: int, value: int = 1, size: int = 1) -> Entry:
        """Set a square of voxels."""
        labels = self.labels.copy()
        labels[z, y : y + size, x : x + size] = value
        return self.draw(labels, "brush" if value else "eraser", z=z)

    def undo(self) -> Entry:
        """Take the last edit back."""
        last = self.done.pop()
        if last.change is not None:
            last.change.revert(self.labels)
        self.undone.append(last)
        return self._line("undo", last.tool, last.slice, -last.voxels, target=last.position)

    def redo(self) -> Entry:
        """Do the last undone edit again."""
        last = self.undone.pop()
        if last.change is not None:
            last.change.apply(self.labels)
        self.done.append(last)
        return self._line("redo", last.tool, last.slice, last.voxels, target=last.position)

    def _line(self, kind: Kind, tool: str, z: int, voxels: int, **rest: object) -> Entry:
        self.length += 1
        return Entry(self.length, kind, tool, z, voxels, TIME, **rest)  # type: ignore[arg-type]


class Told:
    """Listens to a writer: ``told.saved`` and so on are lists of what was told; ``wait`` waits for the next of one."""

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[object, ...]]] = []
        self._changed = threading.Condition()
        self.listener = Listener(**{name: self._note(name) for name in Listener.__dataclass_fields__})

    def _note(self, name: str) -> Callable[..., None]:
        def note(*told: object) -> None:
            with self._changed:
                self.events.append((name, told))
                self._changed.notify_all()

        return note

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """All that was told under this name."""
        return [told for event, told in self.events if event == name]

    def wait(self, name: str, count: int = 1, timeout: float = 20.0) -> tuple[Any, ...]:
        """Wait until it was told so many times; return the last."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(name)) >= count, timeout), (name, self.events)
            return self.of(name)[count - 1]

    def wait_for_any(self, *names: str, timeout: float = 20.0) -> None:
        """Wait until one of these was told."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(self.of(name) for name in names), timeout), self.events
