from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from lesionseg_training.prefetch import prefetched


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    end = time.monotonic() + 5
    while _threads() and time.monotonic() < end:
        time.sleep(0.01)
    assert _threads() == []


@pytest.mark.parametrize("ahead", [0, 1, 2, 50])
def test_things_come_in_their_order_and_all_of_them(ahead: int) -> None:
    assert list(prefetched(iter(range(20)), ahead)) == list(range(20))
    assert list(prefetched([], ahead)) == []


def test_things_are_made_while_the_reader_is_busy_but_not_without_end() -> None:
    made: list[int] = []

    def things() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    reader = prefetched(things(), 3)
    assert next(reader) == 0
    end = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 5  # One was read, three wait, one more is held out to the full queue.
    reader.close()  # type: ignore[attr-defined]
    assert len(made) <= 6


def test_the_next_thing_is_made_while_this_one_is_used() -> None:
    second = threading.Event()

    def things() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    for thing in prefetched(things(), 1):
        assert second.wait(5), thing


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_an_error_comes_after_what_was_made_before_it_with_its_traceback(ahead: int) -> None:
    def things() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("no third")

    seen = []
    with pytest.raises(ValueError, match="no third") as caught:
        for thing in prefetched(things(), ahead):
            seen.append(thing)
    assert seen == [1, 2]
    assert caught.traceback[-1].name == "things"


@pytest.mark.parametrize("ahead", [0, 1, 4])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_reader_who_fails_ends_the_thread_and_closes_the_maker(ahead: int, error: type[BaseException]) -> None:
    closed = threading.Event()

    def things() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    def read() -> None:
        for thing in prefetched(things(), ahead):
            if thing == 3:
                raise error

    with pytest.raises(error) as caught:
        read()
    del caught  # The traceback holds the reader.
    assert closed.wait(5)


def test_stopping_at_any_moment_never_hangs() -> None:
    for stop in range(40):
        reader = prefetched(iter(range(stop)), 1 + stop % 3)
        for _ in range(stop // 2 + 1):
            next(reader, None)
        reader.close()  # type: ignore[attr-defined]
