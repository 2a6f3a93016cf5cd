"""How long a slice is really looked at: while the window is active and somebody is at it."""

from __future__ import annotations

import time
from collections.abc import Callable

IDLE_SECONDS = 60.0  # Without input for so long, nobody is taken to be there.


class Dwell:
    """A clock that counts for one slice at a time.

    Parameters
    ----------
    report
        Called with a display slice (z) and the seconds it was looked at since the last report.
    clock
        Seconds that never run backwards.
    """

    def __init__(self, report: Callable[[int, float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._report, self._clock = report, clock
        self._z: int | None = None
        self._active = True
        self._counted = self._touched = clock()

    def look(self, z: int | None) -> None:
        """Count for display slice ``z`` from now on, for none with None; it counts as input."""
        self.count()
        self._z = z
        self.touch()

    def touch(self) -> None:
        """Take note of input: a key, a stroke, a movement of the mouse."""
        self.count()
        self._touched = self._clock()

    def set_active(self, active: bool) -> None:
        """Count, or stop counting while another program has the screen."""
        self.count()
        self._active = active
        if active:
            self.touch()

    def count(self) -> None:
        """Report the time since the last report; not that after a minute without input."""
        now = self._clock()
        seconds = min(now, self._touched + IDLE_SECONDS) - self._counted
        self._counted = now
        if self._active and self._z is not None and seconds > 0:
            self._report(self._z, seconds)
