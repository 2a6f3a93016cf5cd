"""Run one function beside the window, and bring its result or its error back to the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from superqt.utils import create_worker


def run_in_background(
    function: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
) -> None:
    """Call ``function`` in a thread, then ``done(result)`` or ``failed(error)`` in the window's thread."""
    create_worker(function, _start_thread=True, _connect={"returned": done, "errored": failed})
