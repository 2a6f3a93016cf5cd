"""A zip of DICOM files, unpacked into a private folder for as long as it is read."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from napari_lesionseg.errors import LesionsegError

MAX_RATIO = 100  # CT with wide padding shrinks 5 to 20 times; a bomb a thousand times.
SMALL = 64 << 20  # Bytes that are no danger at any ratio.
MAX_FILES = 100_000
_PIECE = 1 << 20
_LINK = 0o120000


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack ``path`` into a folder only this user can read, and remove that afterwards.

    Raises
    ------
    LesionsegError
        If the zip is damaged, encrypted, a bomb, or names a file outside its own folder.
    """
    with tempfile.TemporaryDirectory(prefix="lesionseg-") as temporary:
        folder = Path(temporary, "unzipped")
        folder.mkdir()
        try:
            with zipfile.ZipFile(path) as archive:
                members = _checked(path, archive.infolist())
                for number, member in enumerate(members):
                    _unpack(archive, member, folder, number)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, UnicodeError) as error:
            raise LesionsegError(f"{path} is a damaged zip; copy or export it again.") from error
        except RuntimeError as error:  # zipfile's word for a password.
            raise LesionsegError(f"{path} is encrypted; unpack it, then open the folder.") from error
        except OSError as error:
            reason = error.strerror or error
            raise LesionsegError(f"{path} cannot be unpacked: {reason}; unpack it, then open the folder.") from error
        yield folder


def _checked(path: Path, members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The files to unpack, after everything was refused that a DICOM export never holds."""
    files = [member for member in members if not member.filename.endswith("/")]  # is_dir() fails on an empty name.
    for member in files:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in member.filename or "\0" in member.filename:
            raise LesionsegError(f"{path} names a file outside its own folder; do not trust it, ask for a new export.")
        if (member.external_attr >> 16) & 0o170000 == _LINK:
            raise LesionsegError(f"{path} holds a link; do not trust it, ask for another export.")
    total, packed = sum(member.file_size for member in files), max(path.stat().st_size, 1)
    if len(files) > MAX_FILES or (total > SMALL and total > packed * MAX_RATIO):
        raise LesionsegError(
            f"{path} would unpack to {total / 2**30:.1f} GB in {len(files)} files, {total // packed} times its size; "
            "this looks like a zip bomb, unpack it yourself if you trust it."
        )
    if total > shutil.disk_usage(tempfile.gettempdir()).free:
        raise LesionsegError(f"{path} needs {total / 2**30:.1f} GB to unpack, more than is free; free some space.")
    return files


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, number: int) -> None:
    """Write one file, never more of it than was declared; zipfile checks the CRC at its end."""
    target = folder.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = open(target, "xb")  # noqa: SIM115 – the except below is only for the name.
    except OSError:  # A name that this system cannot spell, or twice the same.
        target = folder / f"file-{number}"
        file = open(target, "xb")  # noqa: SIM115
    with file, archive.open(member) as packed:
        while piece := packed.read(_PIECE):
            file.write(piece)
