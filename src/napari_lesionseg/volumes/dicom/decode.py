"""Stored values of slices: plain ones here, compressed ones in child processes, which a damaged slice may kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.dicom.headers import Slice
from napari_lesionseg.volumes.dicom.values import number

DEFLATED = "1.2.840.10008.1.2.1.99"
_PLAIN = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
_BY_PYDICOM = {*_PLAIN, DEFLATED, "1.2.840.10008.1.2.5", ""}  # Written in Python; RLE as well.
MAX_RATIO = 1032  # Of deflate; the codecs of images pack an empty slice of 512 KB into about 1 KB with its header.
WORTH_A_CHILD = 64  # Slices that take as long as a child takes to start.
MOST_CHILDREN = 4
LONGEST_S = 60.0  # A slice takes milliseconds.
_CHILD = Path(__file__).with_name("decode_child.py")


class Undecodable(Exception):
    """The pixels of one slice, ``.slice``, cannot be decoded."""

    def __init__(self, one: Slice) -> None:
        self.slice = one
        super().__init__(one.name)


def stored_values(slices: Sequence[Slice]) -> Generator[npt.NDArray[Any], None, None]:
    """Decode ``slices`` in order, one at a time: (row, column), or (row, column, colour).

    Sizes are checked at once, before anybody makes room for what a header merely declares. GDCM ends the whole
    process on some damaged JPEG 2000 streams; so what it decodes, it decodes in children.

    Raises
    ------
    Undecodable
        If a slice cannot be decoded, or has other dimensions than its header says.
    """
    for one in slices:
        if not believable(one):
            raise Undecodable(one)
    return _decoded(slices)


def _decoded(slices: Sequence[Slice]) -> Generator[npt.NDArray[Any], None, None]:
    compressed = any(one.file.syntax not in _BY_PYDICOM for one in slices)
    for one, pixels in zip(slices, _by_children(slices) if compressed else _here(slices), strict=True):
        if pixels.shape[:2] != (one.rows, one.columns):
            raise Undecodable(one)
        yield pixels


def believable(one: Slice) -> bool:
    """Whether the file is large enough for the pixels that its header declares, packed as tightly as can be."""
    file = one.file
    bits = (number(file.header, "BitsAllocated") or 16) * (number(file.header, "SamplesPerPixel") or 1)
    declared = one.rows * one.columns * file.frames * bits / 8
    return declared <= file.path.stat().st_size * (1 if file.syntax in _PLAIN else MAX_RATIO)


def _here(slices: Sequence[Slice]) -> Iterator[npt.NDArray[Any]]:
    from pydicom import dcmread
    from pydicom.pixels.utils import iter_pixels

    k = 0
    while k < len(slices):
        file = slices[k].file
        run = [one for one in slices[k:] if one.file is file] if file.frames > 1 else [slices[k]]
        indices = [one.index for one in run] if file.frames > 1 else None
        done = 0
        try:
            # iter_pixels takes frame by frame from a path, but does not inflate.
            for pixels in iter_pixels(dcmread(file.path) if file.syntax == DEFLATED else file.path, indices=indices):
                yield pixels
                done += 1
        except MemoryError:
            raise
        except Exception as error:  # Broken pixel data makes pydicom raise almost anything.
            raise Undecodable(run[min(done, len(run) - 1)]) from error
        k += len(run)


def _by_children(slices: Sequence[Slice]) -> Iterator[npt.NDArray[Any]]:
    """Let one child a core decode, each every n-th slice; a pipe holds less than a slice, so none runs far ahead."""
    count = min(MOST_CHILDREN, 1 + len(slices) // WORTH_A_CHILD, os.cpu_count() or 1)
    with ExitStack() as stack:
        children = [stack.enter_context(_Child()) for _ in range(count)]
        for one, child in zip(slices[:count], children, strict=False):
            child.ask(one)
        for k, one in enumerate(slices):
            pixels = children[k % count].answer(one)
            if k + count < len(slices):
                children[k % count].ask(slices[k + count])
            yield pixels


class _Child:
    """A process that decodes one slice after the other; it is gone when the ``with`` ends."""

    def __init__(self) -> None:
        # Not for its own folder on the path, where modules are named like others'.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # The codecs write what they think there.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        self._process.wait()

    def ask(self, one: Slice) -> None:
        request = {"path": str(one.file.path), "index": one.index if one.file.frames > 1 else None}
        pipe = self._process.stdin
        with suppress(OSError):  # It has died; the answer will be missing.
            pipe.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
            pipe.flush()  # type: ignore[union-attr]

    def answer(self, one: Slice) -> npt.NDArray[Any]:
        watch = threading.Timer(LONGEST_S, self._process.kill)
        watch.start()
        try:
            return self._read(one)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Undecodable(one) from error
        finally:
            watch.cancel()

    def _read(self, one: Slice) -> npt.NDArray[Any]:
        pipe: Any = self._process.stdout
        head = json.loads(pipe.readline())
        if not 0 <= head["length"] <= one.rows * one.columns * 64:
            raise ValueError(head["length"])
        frame = np.frombuffer(pipe.read(head["length"]), np.dtype(head["dtype"]))
        return frame.reshape(head["shape"])
