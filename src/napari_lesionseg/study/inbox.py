"""What the window handed over and is not on the disk yet: filled by one thread, emptied by another."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from napari_lesionseg.review.changes import Entry

_AT_ONCE: Final = 200  # Lines in one transaction.


class Work(NamedTuple):
    """What to keep next: lines, seconds by display slice, and whether it is the last."""

    entries: tuple[Entry, ...]
    looks: Mapping[int, float]
    last: bool


class Inbox:
    """Lines stay in it until they are kept; nobody waits for the disk to put one in."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: deque[tuple[Entry, float]] = deque()  # And when each came.
        self._looks: dict[int, float] = defaultdict(float)
        self._at_work = self._flushing = self._closed = self._given_up = False

    @property
    def closed(self) -> bool:
        """Whether nothing more may be put in."""
        return self._closed

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for what is left."""
        return self._given_up

    @property
    def clean(self) -> bool:
        """Whether all is kept."""
        with self._changed:
            return self._is_clean()

    @property
    def waiting_seconds(self) -> float:
        """How long the oldest line has waited; 0 if there is none."""
        with self._changed:
            return time.monotonic() - self._lines[0][1] if self._lines else 0.0

    def put(self, entry: Entry) -> bool:
        """Hand a line over; False if it is too late."""
        with self._changed:
            if not self._closed:
                self._lines.append((entry, time.monotonic()))
                self._changed.notify_all()
            return not self._closed

    def add_look(self, z: int, seconds: float) -> None:
        """Add to the time that a display slice was looked at."""
        with self._changed:
            self._looks[z] += seconds

    def find(self, position: int) -> Entry | None:
        """Return a line that is not kept yet."""
        with self._changed:
            return next((entry for entry, _ in self._lines if entry.position == position), None)

    def wait(self, until: float) -> Work:
        """Wait for lines, the end, or the moment ``until`` (monotonic), which is when looks are due."""
        with self._changed:
            self._changed.wait_for(self._is_urgent, max(0.0, until - time.monotonic()))
            due = self._flushing or self._closed or time.monotonic() >= until
            self._flushing = False
            looks = dict(self._looks) if due else {}
            if due:
                self._looks.clear()
            entries = tuple(entry for entry, _ in list(self._lines)[:_AT_ONCE])
            self._at_work = True
            return Work(entries, looks, self._closed and len(entries) == len(self._lines))

    def take_out(self, entries: int) -> None:
        """Take note that the first so many lines are kept."""
        with self._changed:
            for _ in range(entries):
                self._lines.popleft()

    def done(self) -> None:
        """Take note that all that ``wait`` gave is kept."""
        with self._changed:
            self._at_work = False
            self._changed.notify_all()

    def put_back(self, looks: Mapping[int, float], seconds: float) -> None:
        """Take note that keeping failed, and rest so many seconds, or until it is closed."""
        with self._changed:
            for z, spent in looks.items():
                self._looks[z] += spent
            self._at_work = False
            was_closed = self._closed
            self._changed.wait_for(lambda: self._given_up or self._closed != was_closed, seconds)

    def flush(self, timeout: float) -> bool:
        """Wait until all is kept, or so many seconds; return whether it is."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            return self._changed.wait_for(self._is_clean, timeout)

    def close(self, *, give_up: bool = False) -> None:
        """Take nothing more; with ``give_up`` nobody waits for what is left either."""
        with self._changed:
            self._closed = True
            self._given_up = self._given_up or give_up
            self._changed.notify_all()

    def _is_clean(self) -> bool:
        return not (self._lines or self._looks or self._at_work)

    def _is_urgent(self) -> bool:
        return bool(self._lines or self._closed or (self._flushing and self._looks))
