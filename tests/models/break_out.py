"""Get locked up and try to do harm; called by test_convert_cage.py as a process of its own.

Arguments: a folder to do harm in, a folder of pickles to open without any care. Prints what came of each attempt.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from napari_lesionseg.models.convert_cage import lock
from napari_lesionseg.models.convert_child import _load_what_loading_needs

MEGABYTE = 1 << 20
RUNSTRING = "numpy.testing._private.utils"


def attempts(folder: Path) -> dict[str, Callable[[], object]]:
    victim, canary = folder / "victim", folder / "canary"
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number: int, *arguments: object) -> None:
        if libc.syscall(number, *arguments) == -1:
            raise OSError(ctypes.get_errno(), "refused")

    return {
        "read a file": victim.read_bytes,
        "write a file": lambda: canary.write_text("x"),
        "append to a file": lambda: open(victim, "a"),
        "remove a file": victim.unlink,
        "rename a file": lambda: victim.rename(canary),
        "truncate a file": lambda: os.truncate(victim, 0),
        "make a file private": lambda: victim.chmod(0),
        "make a folder": canary.mkdir,
        "make a link": lambda: canary.symlink_to(victim),
        "list a folder": lambda: os.listdir(folder),
        "see whether a file is there": lambda: os.stat(victim),
        "go elsewhere": lambda: os.chdir(folder),
        "open a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "open a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "ask for a name": lambda: socket.create_connection(("localhost", 9), timeout=1),
        "fork": lambda: os.fork() or os._exit(0),
        "run a program": lambda: subprocess.run(["touch", canary], check=False),
        "become a program": lambda: os.execv("/bin/touch", ["touch", str(canary)]),
        "run a shell": lambda: os.system(f"touch {canary}") and 1 / 0,
        "start a thread": lambda: threading.Thread(target=canary.touch).start(),
        "kill its parent": lambda: os.kill(os.getppid(), signal.SIGTERM),
        "trace its parent": lambda: call(101, 16, os.getppid(), 0, 0),
        "write to its parent": lambda: call(311, os.getppid(), 0, 0, 0, 0, 0),
        "ask for more memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40)),
        "make a pipe": os.pipe,
        "leave a user": lambda: os.setuid(1),
        "take a gigabyte": lambda: bytearray(1024 * MEGABYTE),
        "map a gigabyte": lambda: ctypes.create_string_buffer(1024 * MEGABYTE),
        "write more than it may": lambda: os.lseek(1, 2 * MEGABYTE, os.SEEK_SET) and os.write(1, b"x"),
    }


def main(folder: Path, pickles: Path) -> None:
    contents = {path.name: path.read_bytes() for path in sorted(pickles.iterdir())}
    for module in ("encodings.idna", "encodings.latin_1", "cProfile", "timeit", "torch.storage", RUNSTRING):
        importlib.import_module(module)  # So that no attempt fails for want of a module alone.
    _load_what_loading_needs()
    todo = attempts(folder)
    lock(256 * MEGABYTE, MEGABYTE)
    told = {}
    for what, attempt in {**todo, **{name: lambda c=c: pickle.loads(c) for name, c in contents.items()}}.items():
        try:
            attempt()
            told[what] = "done"
        except BaseException as error:
            told[what] = type(error).__name__
    os.lseek(1, 0, os.SEEK_SET)
    print(json.dumps(told), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
