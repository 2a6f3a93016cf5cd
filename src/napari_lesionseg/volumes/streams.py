"""The bytes of a file, zipped or not, inflated to the end so that a damaged stream is never taken for voxels."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast

from isal import igzip_lib

from napari_lesionseg.errors import LesionsegError

Encoding = Literal["raw", "gzip", "zlib"]
_FLAGS = {"gzip": igzip_lib.DECOMP_GZIP, "zlib": igzip_lib.DECOMP_ZLIB}
DAMAGE = (EOFError, gzip.BadGzipFile, cast(type[Exception], igzip_lib.IsalError))
MAX_RATIO = 1032  # Deflate cannot expand further: a header that declares more is lying.
USUAL_RATIO = 100  # What shrank more than that is a bomb or empty: noise does not shrink.
MOST_BESIDE = 64 << 20  # Bytes that may lie before or behind the voxels: extensions, padding.
_PIECE = 256 << 10  # Fits into a processor's cache.
_MOST_EMPTY = 1000  # Members of a gzip file in a row that hold nothing.


class Stream:
    """A file read once from its start to its end.

    Attributes
    ----------
    most
        Bytes that the file can hold at the very most; a header that declares more is lying.
    usual
        Bytes that a scan in a file of this size can hold: more only if it is empty.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self.most, self.usual = file, size, size

    def read(self, count: int) -> bytes:
        """Read ``count`` bytes, or fewer at the end of the file."""
        return self._file.read(count)

    def fill(self, view: memoryview) -> int:
        """Read into ``view`` until it is full or the file ends, and return the number of bytes."""
        done = 0
        while done < len(view) and (count := self._file.readinto(view[done:])):  # type: ignore[attr-defined]
            done += count
        return done

    def skip(self, count: int) -> None:
        """Read past ``count`` bytes; a lying count costs no memory."""
        while count > 0 and (piece := self.read(min(count, _PIECE))):
            count -= len(piece)

    def finish(self, path: Path) -> None:
        """Read to the end, where a zipped file keeps its checksum."""


class ZippedStream(Stream):
    """A gzip file of one or more members, or one zlib stream (RFC 1950).

    isal's own file object keeps two copies of every byte; its bare decompressor writes each piece once, in cache.
    """

    def __init__(self, file: IO[bytes], size: int, flag: int = igzip_lib.DECOMP_GZIP) -> None:
        super().__init__(file, size)
        self._flag = flag
        self.most, self.usual = size * MAX_RATIO, size * USUAL_RATIO
        self._member: igzip_lib.IgzipDecompressor | None = None
        self._rest = b""  # What was read behind the last member.
        self._empty, self._ended = 0, False

    def read(self, count: int) -> bytes:
        """Inflate ``count`` bytes, or fewer at the end of the file."""
        pieces = []
        while count and (piece := self._inflate(count)):
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def fill(self, view: memoryview) -> int:
        """Inflate into ``view`` until it is full or the file ends, and return the number of bytes."""
        done = 0
        while done < len(view) and (piece := self._inflate(min(len(view) - done, _PIECE))):
            view[done : done + len(piece)] = piece
            done += len(piece)
        return done

    def finish(self, path: Path) -> None:
        """Inflate what lies behind the voxels, where the checksum of the whole file is."""
        left = MOST_BESIDE
        while piece := self._inflate(_PIECE):
            left -= len(piece)
            if left < 0:
                raise LesionsegError(f"{path} holds far more than its header declares; export it again.")

    def _inflate(self, most: int) -> bytes:
        """The next bytes, at least one and at most ``most``; none at the end of the file."""
        while True:
            if self._member is None:
                if not (data := self._next_member()):
                    return b""
                self._member = igzip_lib.IgzipDecompressor(flag=self._flag)
            elif not self._member.needs_input:
                data = b""
            elif not (data := self._file.read(_PIECE)):
                raise EOFError
            piece = self._member.decompress(data, most)  # At its end it compares length and checksum.
            if self._member.eof:
                self._rest, self._member, self._ended = self._member.unused_data, None, True
            if piece:
                self._empty = 0
                return piece

    def _next_member(self) -> bytes:
        """The first bytes of the next member, past the zeros that tapes pad with; none at the end of the file."""
        self._empty += 1
        if self._empty > _MOST_EMPTY:
            raise EOFError
        if self._flag != igzip_lib.DECOMP_GZIP and self._ended:
            return b""
        data = self._rest.lstrip(b"\0")
        while not data and (piece := self._file.read(_PIECE)):
            data = piece.lstrip(b"\0")
        return data


@contextmanager
def open_stream(path: Path, start: int = 0, encoding: Encoding | None = None) -> Iterator[Stream]:
    """Open ``path`` at byte ``start``.

    Parameters
    ----------
    encoding
        None: gzip if its first two bytes say so, otherwise as it is.

    Raises
    ------
    LesionsegError
        If the file is missing, cannot be read, or turns out to be damaged while it is.
    """
    try:
        if not path.is_file():
            raise LesionsegError(f"{path} does not exist or is not a file; check the name.")
        with open(path, "rb", buffering=0) as file:
            size = max(0, path.stat().st_size - start)
            if encoding is None:
                encoding = "gzip" if file.read(2) == b"\x1f\x8b" else "raw"
            file.seek(start)
            yield Stream(file, size) if encoding == "raw" else ZippedStream(file, size, _FLAGS[encoding])
    except DAMAGE as error:
        raise LesionsegError(f"{path} is truncated or damaged; copy or export it again.") from error
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror or error}; copy or export it again.") from error
