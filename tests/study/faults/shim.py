"""The fault shim: compiled once, loaded into a child by the system's loader, steered through a mapped file."""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

COUNT, FAIL_ONCE, FAIL_ON, SHORT, KILL, KILL_SHORT = range(6)
"""Only count; fail one call; fail it and all after it; write half of it and fail all after it; end the process there;
write half of it and end the process."""

VARIABLE: Final = "LESIONSEG_FAULTS"
_SOURCE = Path(__file__).with_name("shim.c")
_FOLDER, _LOG, _SIZE = 32, 32 + os.pathconf("/", "PC_PATH_MAX"), 32 + os.pathconf("/", "PC_PATH_MAX") + 4096


def why_not() -> str:
    """Why faults cannot be injected here; empty if they can."""
    if sys.platform != "linux":
        return "faults are injected by the loader of Linux"
    return "" if shutil.which("cc") else "faults need a C compiler (cc)"


def library() -> Path:
    """The compiled shim, made once for each version of its source."""
    name = f"lesionseg-faults-{os.getuid()}-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}.so"
    path = Path(tempfile.gettempdir()) / name
    if not path.exists():
        own = path.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", own, _SOURCE, "-ldl"], check=True)
        own.replace(path)
    return path


def environment(control: Path) -> dict[str, str]:
    """The environment of a child whose calls go through the shim."""
    return {**os.environ, "LD_PRELOAD": str(library()), VARIABLE: str(control)}


class Faults:
    """Which call below a folder fails, and how; shared with every process that was started on the same file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)

    def watch(self, folder: Path) -> None:
        """Count the calls below ``folder`` from now on, and let none fail."""
        self.off()
        name = os.fsencode(folder.resolve())
        self._map[_FOLDER : _FOLDER + len(name) + 1] = name + b"\0"

    def arm(self, mode: int, at: int, code: int = 0) -> None:
        """Let the ``at``-th call from now (1, 2, …) fail with the errno ``code``, or end the process."""
        self._map[0:20] = struct.pack("5i", COUNT, code, at, 0, 0)
        self._map[0:4] = struct.pack("i", mode)

    def off(self) -> None:
        """Begin to count anew, and let no call fail any more."""
        self._map[0:20] = struct.pack("5i", COUNT, 0, 0, 0, 0)

    def mend(self) -> None:
        """Let no call fail any more, and keep what was counted."""
        self._map[0:4] = struct.pack("i", COUNT)

    @property
    def calls(self) -> str:
        """One letter for each call since the shim was armed, or was told to watch (see ``shim.c``)."""
        count = struct.unpack("5i", self._map[0:20])[3]
        return self._map[_LOG : _LOG + min(count, 4096)].decode("ascii")

    @property
    def hits(self) -> int:
        """How many calls have failed since the shim was armed."""
        return int(struct.unpack("5i", self._map[0:20])[4])
