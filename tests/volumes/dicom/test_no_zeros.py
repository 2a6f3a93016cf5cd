"""A DICOM file that goes on in zeros is refused at once, however long it is."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import read_mask, read_scan
from napari_lesionseg.volumes.dicom.no_zeros import MOST_ZEROS, NoZeros

SOP_CLASS = b"\x08\x00\x16\x00UI\x02\x001\x00"
STARTS = {
    "nothing": b"",
    "a preamble": bytes(128) + b"DICM",
    "an element": SOP_CLASS,
    "a modality": SOP_CLASS + b"\x08\x00\x60\x00CS\x02\x00CT",
    "a sequence": SOP_CLASS + b"\x08\x00\x05\x11SQ\0\0\xff\xff\xff\xff",
}


@pytest.mark.hazard("H17")
@pytest.mark.parametrize("read", [read_scan, read_mask])
@pytest.mark.parametrize("start", STARTS)
def test_a_file_of_zeros_is_refused_at_once(tmp_path: Path, start: str, read: Callable[[Path], object]) -> None:
    (tmp_path / "file").write_bytes(STARTS[start])
    os.truncate(tmp_path / "file", 2**33)
    begun = time.process_time()
    with pytest.raises(LesionsegError):
        read(tmp_path / "file")
    assert time.process_time() - begun < 2


def test_zeros_among_other_bytes_are_let_through() -> None:
    content = (bytes(8) * MOST_ZEROS + b"x" * 8) * 3
    with NoZeros(io.BytesIO(content)) as file:  # type: ignore[arg-type]
        assert b"".join(file.read(8) for _ in range(3 * (MOST_ZEROS + 1))) == content


def test_many_zeros_read_at_once_are_values_and_let_through() -> None:
    with NoZeros(io.BytesIO(bytes(4096))) as file:  # type: ignore[arg-type]
        assert file.read(1024) + file.read() == bytes(4096)
