"""Batches made ahead in a thread, while the network computes: OpenCV, numpy and torch let go of the interpreter."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class _Made(Generic[Thing]):
    thing: Thing


@dataclass(frozen=True)
class _Ended:
    error: BaseException | None = None


def prefetched(things: Iterable[Thing], ahead: int = 2) -> Iterator[Thing]:
    """Yield ``things`` in their order, up to ``ahead`` of them made before they are asked for; 0: without a thread.

    What ``things`` raises is raised here, after what was made before it. A consumer who stops early (or fails, once its
    traceback is let go of) ends the thread, which closes ``things`` if that is a generator.
    """
    if ahead <= 0:
        yield from things
        return
    queue: Queue[_Made[Thing] | _Ended] = Queue(ahead)
    stop = threading.Event()
    worker = threading.Thread(target=_fill, args=(things, queue, stop), name="prefetch", daemon=True)
    worker.start()
    try:
        while isinstance(got := queue.get(), _Made):
            yield got.thing
        if got.error is not None:
            raise got.error
    finally:
        stop.set()
        _drain(queue)
        worker.join()


def _fill(things: Iterable[Thing], queue: Queue[_Made[Thing] | _Ended], stop: threading.Event) -> None:
    """Runs in the thread; it knows the queue and not its reader, so that the reader can be forgotten."""
    end = _Ended()
    try:
        for thing in things:
            queue.put(_Made(thing))
            if stop.is_set():
                break
        if isinstance(things, Generator):
            things.close()
    except BaseException as error:  # It belongs to whoever reads.
        end = _Ended(error)
    if not stop.is_set():  # After that, the reader makes room for one thing and no more.
        queue.put(end)


def _drain(queue: Queue[_Made[Thing] | _Ended]) -> None:
    """Make room for the one thing that the thread may be about to put."""
    while True:
        try:
            queue.get_nowait()
        except Empty:
            return
