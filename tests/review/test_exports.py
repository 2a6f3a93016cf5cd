"""One door for everything that can be saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.exports import FORMATS, export, format_of
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.export.mask import ENDINGS

GRID = Geometry.from_spacing((6, 16, 16), (5.0, 2.0, 2.0))
SCAN = Volume(np.full(GRID.display_shape, -700, np.int16), GRID)


def _mask() -> Mask:
    mask = Mask.empty(GRID)
    mask.array[1:3, 8:11, 8:10] = 1
    return mask


def test_every_mask_format_is_offered_with_its_endings() -> None:
    assert {key: one.endings for key, one in FORMATS.items() if key in ENDINGS} == ENDINGS
    assert set(FORMATS) - set(ENDINGS) == {"csv", "pdf"}


@pytest.mark.parametrize("key", [key for key, one in FORMATS.items() if not one.needs_dicom])
def test_every_ending_of_a_format_is_told_and_written(tmp_path: Path, key: str) -> None:
    for ending in FORMATS[key].endings:
        path = tmp_path / f"mask{ending.upper() if key == 'csv' else ending}"
        assert format_of(path) == key
        export(path, _mask(), SCAN)
        assert path.stat().st_size > 0


@pytest.mark.parametrize("key", [key for key, one in FORMATS.items() if one.needs_dicom])
def test_a_dicom_format_without_a_dicom_scan_is_one_sentence(tmp_path: Path, key: str) -> None:
    with pytest.raises(LesionsegError, match="refers to the slices of a DICOM series"):
        export(tmp_path / "mask.dcm", _mask(), SCAN, format=key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "chosen", "sentence"),
    [
        ("mask.txt", None, "has an ending of no export format"),
        ("mask.txt", "csv", r"does not end in \.csv"),
        ("mask.csv", "gif", "There is no export format gif"),
    ],
)
def test_a_name_or_format_that_is_not_known_is_refused(
    tmp_path: Path, name: str, chosen: str | None, sentence: str
) -> None:
    with pytest.raises(LesionsegError, match=sentence):
        export(tmp_path / name, _mask(), SCAN, format=chosen)


@pytest.mark.parametrize("name", ["lesions.csv", "report.pdf"])
def test_an_input_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"the scan")
    scan = Volume(SCAN.array, GRID, source=tmp_path / name)
    with pytest.raises(LesionsegError, match="inputs are never overwritten"):
        export(tmp_path / name, _mask(), scan)
    assert (tmp_path / name).read_bytes() == b"the scan"
