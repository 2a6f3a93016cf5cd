"""The files behind a path: a folder and all below it, one file, a DICOMDIR, or a zip unpacked for the moment."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.headers import Damaged, DicomFile, read_file
from napari_lesionseg.volumes.dicom.unzip import unpacked


class Found(NamedTuple):
    """A file, and what a sentence calls it: its place inside the folder, the disc or the zip."""

    path: Path
    name: str


@contextmanager
def opened(path: Path) -> Iterator[list[Found]]:
    """List the files behind ``path``, in order of their names; those of a zip exist only inside the ``with``.

    Raises
    ------
    LesionsegError
        If ``path`` does not exist, or a zip or DICOMDIR cannot be trusted.
    """
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        if path.is_dir():
            files, root = list(_walk(path)), path
        elif not path.is_file():
            raise LesionsegError(f"{path} does not exist; check the name.")
        elif _is_zip(path):
            root = stack.enter_context(unpacked(path))
            files = list(_walk(root))
        else:
            files, root = _listed_in(path) or [path], path.parent
        yield [Found(file, file.relative_to(root).as_posix()) for file in files]


def _walk(folder: Path) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        raise LesionsegError(f"{error.filename} cannot be opened: {error.strerror}; check its permissions.") from error

    for root, folders, names in os.walk(folder, onerror=tell):  # Half of the slices would be worse than none.
        folders.sort()
        yield from (path for name in sorted(names) if (path := Path(root, name)).is_file())


def _is_zip(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror or error}; check its permissions.") from error


def _listed_in(path: Path) -> list[Path]:
    """The files a DICOMDIR refers to (PS3.3 F.3.2.2); none if ``path`` is no DICOMDIR.

    Raises
    ------
    LesionsegError
        If a file is missing or lies outside the DICOMDIR's folder.
    """
    try:
        file = read_file(path, path.name)
    except Damaged as error:
        raise LesionsegError(f"{path} is damaged, its DICOM header cannot be read; copy or export it again.") from error
    if file is None or "DirectoryRecordSequence" not in file.header:
        return []
    found = []
    for names in _references(path, file):
        found.append(_resolve(path, names))
    if not found:
        raise LesionsegError(f"{path} lists no files; open the folder with the DICOM files instead.")
    return found


def _references(path: Path, file: DicomFile) -> list[list[str]]:
    try:
        records = list(file.header.DirectoryRecordSequence)
        references = [record.get("ReferencedFileID") for record in records]
        return [[one] if isinstance(one, str) else [str(part) for part in one] for one in references if one]
    except Exception as error:  # A damaged directory makes pydicom raise almost anything.
        raise LesionsegError(f"{path} is a damaged DICOMDIR; open the folder with the DICOM files instead.") from error


def _resolve(path: Path, names: list[str]) -> Path:
    if any(name in ("", ".", "..") or "/" in name or "\\" in name or ":" in name for name in names):
        raise LesionsegError(f"{path} refers to a file outside its folder; do not trust it, ask for another export.")
    for spelled in (names, [name.lower() for name in names]):  # Discs are often copied in lower case.
        if (file := path.parent.joinpath(*spelled)).is_file():
            return file
    raise LesionsegError(f"{path} lists {'/'.join(names)}, which is not there; copy the whole disc first.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what pydicom says of odd headers off the screen; our caller says in one sentence what a user must know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
