"""Whatever goes wrong while saving, the old file stays, whole, and no other is left beside it."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import atomic
from napari_lesionseg.volumes.atomic import sync_folder, write_atomically

OLD, NEW = b"old" * 1000, b"new" * 50_000
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no folder sync, file limits or SIGKILL")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def failing(code: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


class FullDisk(io.FileIO):
    """Takes 1000 bytes."""

    def write(self, data: bytes) -> int:
        super().write(data[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def break_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(atomic, "open", failing(errno.EACCES), raising=False)


def break_write(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(atomic, "open", FullDisk, raising=False)


def break_fsync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "fsync", failing(errno.EIO))


def break_replace(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "replace", failing(errno.EROFS))


@pytest.mark.parametrize("before", [None, OLD], ids=["nothing there", "an old file there"])
def test_the_new_content_is_there_and_nothing_beside_it(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "mask.nii"
    if before is not None:
        path.write_bytes(before)
    write_atomically(path, NEW)
    assert snapshot(tmp_path) == {"mask.nii": NEW}


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "mask.nii", NEW)
    assert (tmp_path / "a" / "b" / "mask.nii").read_bytes() == NEW


@pytest.mark.hazard("H3")
@pytest.mark.parametrize("before", [None, OLD], ids=["nothing there", "an old file there"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (break_open, "Permission denied"),
        (break_write, "No space left"),
        (break_fsync, "Input/output error"),
        (break_replace, "Read-only file system"),
    ],
)
def test_a_fault_at_any_step_leaves_the_folder_as_it_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: bytes | None,
    fault: Callable[[pytest.MonkeyPatch], None],
    reason: str,
) -> None:
    path = tmp_path / "mask.nii"
    if before is not None:
        path.write_bytes(before)
    was = snapshot(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(LesionsegError) as caught:
        fault(patch)
        write_atomically(path, NEW)
    assert f"Could not write {path}: {reason}" in str(caught.value)
    assert snapshot(tmp_path) == was


@pytest.mark.hazard("H3")
@pytest.mark.parametrize("error", [LesionsegError("Differs."), OSError(errno.EIO, "bad"), KeyboardInterrupt()])
def test_a_file_that_fails_its_check_does_not_replace_the_old_one(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "mask.nii"
    path.write_bytes(OLD)

    def refuse(_: Path) -> None:
        raise error

    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else LesionsegError):
        write_atomically(path, NEW, refuse)
    assert snapshot(tmp_path) == {"mask.nii": OLD}


def test_the_check_sees_the_whole_new_file_under_its_own_ending_before_the_old_one_goes(tmp_path: Path) -> None:
    path = tmp_path / "mask.nii.gz"
    path.write_bytes(OLD)
    seen = []
    write_atomically(path, NEW, lambda temporary: seen.append((temporary.read_bytes(), path.read_bytes(), temporary)))
    assert [(new == NEW, old == OLD) for new, old, _ in seen] == [(True, True)]
    assert seen[0][2].parent == tmp_path  # The same file system, so that the rename is one step.
    assert seen[0][2].name.endswith(".nii.gz")


@pytest.mark.hazard("H2")
def test_the_file_is_synced_before_it_takes_the_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(handle: int) -> None:
        steps.append("sync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "sync file")
        fsync(handle)

    def note_replace(*names: Path) -> None:
        steps.append("replace")
        replace(*names)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_atomically(tmp_path / "mask.nii", NEW)
    if sys.platform != "linux":
        steps[-1] = "sync folder"
    assert steps == ["sync file", "replace", "sync folder"]


@POSIX
def test_a_folder_that_cannot_be_synced_is_told_apart_from_a_file_that_was_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, calls = os.fsync, []

    def fail_second(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail_second)
    with pytest.raises(LesionsegError, match="was written, but the disk did not confirm it"):
        write_atomically(tmp_path / "mask.nii", NEW)
    assert snapshot(tmp_path) == {"mask.nii": NEW}


@POSIX
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EACCES])
def test_a_system_without_folder_sync_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(os, "fsync", failing(code))
    sync_folder(tmp_path)


@POSIX
@pytest.mark.hazard("H3")
def test_a_disk_that_fills_up_half_way_leaves_the_old_file(
    tmp_path: Path, hazard_figure: Callable[[str, str, bool], None]
) -> None:
    """A real limit of the system instead of an injected error: the write is cut off inside the file."""
    import resource

    path = tmp_path / "mask.nii"
    path.write_bytes(OLD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(NEW) // 2, hard))
    try:
        with pytest.raises(LesionsegError, match="Could not write"):
            write_atomically(path, NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    same = snapshot(tmp_path) == {"mask.nii": OLD}
    hazard_figure("H3", f"a write cut off half-way: old file {'identical' if same else 'changed'}", same)
    assert same


@pytest.mark.hazard("H3")
@pytest.mark.parametrize("name", ["x" * 250, "folder", "file/below"])
def test_a_name_that_cannot_be_written_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(LesionsegError, match="Could not write .* choose another folder, then try again"):
        write_atomically(tmp_path / name, NEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == OLD


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from napari_lesionseg.volumes.atomic import write_atomically
path, times = Path(sys.argv[1]), int(sys.argv[2])
for number in range(times):
    child = os.fork()
    if child == 0:
        while True:
            for letter in (b"a", b"b"):
                write_atomically(path, letter * 300_000)
    time.sleep(random.Random(number).uniform(0.0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = path.read_bytes()
    assert len(found) == 300_000 and found in (b"a" * 300_000, b"b" * 300_000), (number, len(found))
print("whole", times)
"""


@POSIX
@pytest.mark.hazard("H1")
def test_a_process_killed_while_saving_leaves_one_whole_file(
    tmp_path: Path, hazard_count: Callable[[int, int], int], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    kills = hazard_count(60, 200)
    path = tmp_path / "mask.nii"
    write_atomically(path, b"a" * 300_000)
    command = [sys.executable, "-c", KILLED, str(path), str(kills)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    whole = result.stdout == f"whole {kills}\n"
    hazard_figure("H1", f"{kills} kills while saving: {'0' if whole else 'some'} corrupt", whole)
    assert whole, result.stderr
