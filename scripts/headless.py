"""Run a command on a screen of its own: scripts/headless.py COMMAND [ARGUMENT …].

On Linux with HEADLESS=1, or without a display, the command gets an Xvfb of 1600 × 1000 pixels with software OpenGL;
otherwise it simply runs. This is xvfb-run without its need for xauth, and it picks the display number without a race.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SCREEN = "1600x1000x24"
START_SECONDS = 60


def needs_xvfb() -> bool:
    """Whether a window opened now would need a screen of our own."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform == "linux" and (os.environ.get("HEADLESS") == "1" or not display)


def main(command: list[str]) -> int:
    """Run ``command`` and give its exit status."""
    if not command:
        sys.exit("error: scripts/headless.py needs a command to run.")
    if not needs_xvfb():
        os.execvp(command[0], command)
    with _xvfb() as display, tempfile.TemporaryDirectory(prefix="lesionseg-run-") as runtime:
        environment = os.environ | {
            "DISPLAY": display,
            "HEADLESS": "1",  # The command may want to know that nobody watches.
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "QT_QPA_PLATFORM": "xcb",
            "XDG_RUNTIME_DIR": runtime,
            "XDG_SESSION_TYPE": "x11",
        }
        environment.pop("WAYLAND_DISPLAY", None)
        return _run(command, environment)


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run to the end; Ctrl-C reaches the command by itself, a request to stop is handed on."""
    process = subprocess.Popen(command, env=environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: process.send_signal(received))
    status = process.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _xvfb() -> Iterator[str]:
    """Start Xvfb on a free display, give the display's name, stop it at the end."""
    program = shutil.which("Xvfb")
    if program is None:
        sys.exit("error: Xvfb is missing; install it (Debian, Ubuntu: apt install xvfb).")
    ready, number = os.pipe()
    options = ["-displayfd", str(number), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]
    with tempfile.TemporaryFile() as log:
        # Its own session: Ctrl-C must end the command, not the screen under it.
        server = subprocess.Popen([program, *options], pass_fds=[number], stderr=log, start_new_session=True)
        os.close(number)
        try:
            yield f":{_display_number(ready, log)}"
        finally:
            os.close(ready)
            server.terminate()
            server.wait()


def _display_number(ready: int, log: object) -> int:
    text = b""
    while not text.endswith(b"\n"):
        readable, _, _ = select.select([ready], [], [], START_SECONDS)
        part = os.read(ready, 16) if readable else b""
        if not part:  # It ended, or it hangs.
            sys.exit("error: Xvfb did not start; run `Xvfb :99` to see why.")
        text += part
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
