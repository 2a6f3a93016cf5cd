"""Run commands side by side: scripts/lanes.py COMMAND [COMMAND …].

What a command says is printed whole when it has ended, so that two never mix. The exit status is the first one that is
not 0; a command that fails does not stop the others.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO

STILL_SECONDS = 60  # So often it says what still runs: a silent CI job is taken for a hanging one.


@dataclass
class Lane:
    """One command and what it has said so far."""

    command: str
    said: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def __post_init__(self) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(shlex.split(self.command), stdout=self.said, stderr=subprocess.STDOUT)

    def print_end(self) -> None:
        """Print what the command has said, and how it ended."""
        self.said.seek(0)
        sys.stdout.buffer.write(self.said.read())
        status = self.process.poll()
        end = "not at its end" if status is None else f"exit {status}"
        print(f"--- {self.command}: {end} after {_minutes(self.begun)}", flush=True)


def main(commands: list[str]) -> int:
    """Run ``commands`` to their ends and give the first exit status that is not 0."""
    if not commands:
        sys.exit("error: scripts/lanes.py needs a command to run.")
    lanes = [Lane(command) for command in commands]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        _wait(lanes)
    finally:
        for lane in lanes:
            if lane.process.poll() is None:  # Told to stop: whoever looks for what hangs needs its last words.
                lane.process.terminate()
                lane.print_end()
    return next((abs(lane.process.returncode) for lane in lanes if lane.process.returncode), 0)


def _wait(lanes: list[Lane]) -> None:
    running, told = list(lanes), time.monotonic()
    while running:
        time.sleep(0.2)
        for lane in [lane for lane in running if lane.process.poll() is not None]:
            running.remove(lane)
            lane.print_end()
        if running and time.monotonic() - told > STILL_SECONDS:
            told = time.monotonic()
            print(
                "still running: " + ", ".join(f"{one.command} ({_minutes(one.begun)})" for one in running), flush=True
            )


def _minutes(begun: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - begun), 60)
    return f"{minutes}:{seconds:02d} min"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
