"""How long a slice was looked at, by a clock that is set by hand."""

from __future__ import annotations

import pytest

from napari_lesionseg.review.dwell import Dwell


class Desk:
    """A reviewer whose time is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.seconds: dict[int, float] = {}
        self.dwell = Dwell(self._add, lambda: self.now)

    def _add(self, z: int, seconds: float) -> None:
        self.seconds[z] = self.seconds.get(z, 0.0) + seconds

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_each_slice_has_its_own_time(desk: Desk) -> None:
    desk.wait(5)
    for z, seconds in ((3, 2.0), (4, 0.25), (3, 1.0)):
        desk.dwell.look(z)
        desk.wait(seconds)
    desk.dwell.look(None)
    desk.wait(9)
    desk.dwell.count()
    assert desk.seconds == {3: 3.0, 4: 0.25}


def test_after_a_minute_without_input_nobody_is_there(desk: Desk) -> None:
    desk.dwell.look(3)
    desk.wait(50)
    desk.dwell.count()
    desk.wait(50)
    desk.dwell.count()
    assert desk.seconds == {3: 60.0}
    desk.wait(500)
    desk.dwell.touch()
    desk.wait(7)
    desk.dwell.look(4)
    assert desk.seconds == {3: 67.0}


def test_input_keeps_the_clock_going(desk: Desk) -> None:
    desk.dwell.look(3)
    for _ in range(10):
        desk.wait(30)
        desk.dwell.touch()
    assert desk.seconds == {3: 300.0}


def test_another_program_on_the_screen_stops_the_clock(desk: Desk) -> None:
    desk.dwell.look(3)
    desk.wait(4)
    desk.dwell.set_active(False)
    desk.wait(40)
    desk.dwell.count()
    desk.dwell.set_active(True)
    desk.wait(2)
    desk.dwell.count()
    assert desk.seconds == {3: 6.0}
