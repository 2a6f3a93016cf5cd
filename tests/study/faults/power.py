"""Power cuts: a disk of its own (ext4 in a file) is copied while somebody works on it, and the copy is opened.

What the system still holds in memory is not in the copy, just as it is not on a disk whose power goes. Run it in a
mount namespace of its own (``unshare --mount``), so that nothing stays mounted whatever becomes of it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from napari_lesionseg.errors import LesionsegError
from tests.study.faults.kills import Child, fork
from tests.study.faults.work import Work

DISK_BYTES: Final = 12 << 20
CUTS_A_CHILD: Final = 10
STEP_SECONDS: Final = 0.15  # Time between two cuts, at most.
FULL_AT: Final = 0.6  # Of the disk: then it is made anew.
TRIES: Final = 20  # To copy between two writes; then the worker is stopped, and what it had begun in the kernel ends.


def why_not() -> str:
    """Why there can be no disk of one's own here; empty if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "power cuts need root on Linux, to mount a disk of their own"
    missing = [name for name in ("mkfs.ext4", "mount", "umount", "unshare") if shutil.which(name) is None]
    if missing:
        return f"power cuts need {missing[0]}"
    tried = subprocess.run(["unshare", "--mount", "--propagation", "private", "true"], capture_output=True, check=False)
    return (
        "" if tried.returncode == 0 and Path("/dev/loop-control").exists() else "no file can be mounted as a disk here"
    )


@dataclass
class Result:
    """What cuts came to.

    Parameters
    ----------
    cuts
        How many times the power went.
    middle
        How many of these came in the middle of a step.
    running
        How many were taken while the worker ran on; for the others it was stopped, because it wrote all the time.
    acknowledged
        How many things had been told as safe before a cut, summed over all cuts.
    lost
        What was then missing or damaged.
    """

    cuts: int = 0
    middle: int = 0
    running: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)

    def asdict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Disk:
    """A file that is mounted at ``mount``."""

    image: Path
    mount: Path

    def make(self) -> None:
        """Make it empty, and mount it; nothing is written back but what is synced, or half a minute old."""
        with open(self.image, "wb") as file:
            file.truncate(DISK_BYTES)
        _do("mkfs.ext4", "-q", "-F", self.image)
        self.attach("loop,commit=300")

    def attach(self, options: str = "loop") -> None:
        """Mount what is in the file."""
        self.mount.mkdir(exist_ok=True)
        _do("mount", "-o", options, self.image, self.mount)

    def detach(self) -> None:
        """Unmount it, now or when it is let go."""
        if subprocess.run(["umount", self.mount], capture_output=True, check=False).returncode:
            _do("umount", "--lazy", self.mount)

    def writes(self) -> tuple[str, str]:
        """How many writes have reached the disk, and how many are on their way there."""
        device = os.stat(self.mount).st_dev
        fields = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text("ascii").split()
        return fields[4], fields[8]


def cut_power(work: Work, folder: Path, cuts: int, seed: int = 0) -> Result:
    """Copy the disk at ``cuts`` random moments of the work, and look whether all that was told is in the copy."""
    rng, result = random.Random(seed), Result()
    disk, copy = Disk(folder / "disk", folder / "work"), Disk(folder / "copy", folder / "seen")
    told: list[str] = []
    disk.make()
    try:
        _begin(work, disk)
        first = 1
        while result.cuts < cuts:
            if shutil.disk_usage(disk.mount).used > FULL_AT * DISK_BYTES:
                disk.detach()
                disk.make()
                _begin(work, disk)
                told, first = [], 1
            child = fork(partial(_work, work, disk.mount / "place", first))
            try:
                for _ in range(min(CUTS_A_CHILD, cuts - result.cuts)):
                    _listen(child, STEP_SECONDS * rng.random())
                    _cut(work, (disk, copy), child, told, result)
            finally:
                os.kill(child.process, signal.SIGKILL)
                ended = child.end()
            result.lost += [f"it had ended with {ended}: {child.text[-500:]!r}"] * (ended != -signal.SIGKILL)
            told += _told(child)
            first = 1 + max((int(line.split()[1]) for _, line in child.lines() if line.startswith("begin ")), default=0)
    finally:
        disk.detach()
    return result


def _begin(work: Work, disk: Disk) -> None:
    work.build(disk.mount / "place")
    work.step(disk.mount / "place", 0, lambda _: None)  # Loads all that it needs, before children are made.
    work.close()
    shutil.rmtree(disk.mount / "place")
    work.build(disk.mount / "place")
    os.sync()


def _work(work: Work, folder: Path, first: int, tell: Callable[[str], None]) -> None:
    work.open(folder, lambda line: tell(f"told {line}"))
    for number in range(first, 1_000_000):
        tell(f"begin {number}")
        work.step(folder, number, lambda line: tell(f"told {line}"))
        tell(f"end {number}")


def _listen(child: Child, seconds: float) -> None:
    """Wait until the child is at work, and then so long; take in what it tells meanwhile."""
    while not any(line.startswith("begin ") for _, line in child.lines()) and child.read():
        pass
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        time.sleep(min(0.01, max(0.0, give_up - time.monotonic())))


def _cut(work: Work, disks: tuple[Disk, Disk], child: Child, told: list[str], result: Result) -> None:
    """Copy the disk as it is at one moment; what is told before that must be in it."""
    disk, copy = disks
    tries = 0
    while not _copy(disk, copy, child):  # A copy that a write fell into is of no moment at all.
        tries += 1
        if tries == TRIES:
            os.kill(child.process, signal.SIGSTOP)
    os.kill(child.process, signal.SIGSTOP)  # While it is looked at: the work would outgrow the looking.
    result.running += tries < TRIES
    known = told + _told(child)
    result.cuts += 1
    begun = sum(line.startswith("begin ") for _, line in child.lines())
    result.middle += begun > sum(line.startswith("end ") for _, line in child.lines())
    result.acknowledged += len(known)
    copy.attach()
    try:
        result.lost += [f"cut {result.cuts}: {one}" for one in work.lost(copy.mount / "place", known)]
    except LesionsegError as error:
        result.lost.append(f"cut {result.cuts}: {error}")
    finally:
        copy.detach()
        os.kill(child.process, signal.SIGCONT)


def _copy(disk: Disk, copy: Disk, child: Child) -> bool:
    """Take in what has been told, then copy the disk; gives whether nothing was written meanwhile."""
    child.take()
    before = disk.writes()
    if before[1] != "0":
        return False
    shutil.copyfile(disk.image, copy.image)
    return disk.writes() == before


def _told(child: Child) -> list[str]:
    return [line.split(" ", 1)[1] for _, line in child.lines() if line.startswith("told ")]


def _do(*command: str | Path) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
