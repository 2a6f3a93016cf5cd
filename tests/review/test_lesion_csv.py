"""The table of lesions as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lesionseg.review.exports import export
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.export.segments import Segment
from napari_lesionseg.volumes.tables import read_csv

GRID = Geometry.from_spacing((6, 16, 16), (5.0, 2.0, 2.0))


def _rows(path: Path) -> list[dict[str, str]]:
    header, *rows = read_csv(path)
    return [dict(zip(header, row, strict=True)) for row in rows]


def _mask() -> Mask:
    mask = Mask.empty(GRID)
    mask.array[1:3, 8:11, 8:10] = 2
    return mask


def test_a_row_tells_size_place_and_density_with_their_units(tmp_path: Path) -> None:
    scan = Volume(np.full(GRID.display_shape, -700, np.int16), GRID, lossy=True)
    names = [Segment(2, name="=ground-glass")]
    export(tmp_path / "lesions.csv", _mask(), scan, segments=names, pseudonym="case-0007")
    (row,) = _rows(tmp_path / "lesions.csv")
    assert (row["case"], row["lesion"], row["label"], row["label_name"]) == ("case-0007", "1", "2", "=ground-glass")
    assert (row["volume_ml"], row["voxels"], row["counted_from_0.1_ml"]) == ("0.24", "12", "1")
    assert [row[f"centroid_{axis}_ras_mm"] for axis in "xyz"] == ["-17", "-18", "7.5"]
    assert (row["first_slice"], row["last_slice"], row["largest_slice"]) == ("2", "3", "2")
    assert (row["mean_hu"], row["sd_hu"], row["p90_hu"], row["scan_lossy"]) == ("-700", "0", "-700", "1")
    assert (row["side"], row["zone"]) == ("", "")  # There is no lung in it.
    assert "'=ground-glass" in (tmp_path / "lesions.csv").read_text()


def test_grey_levels_leave_the_density_empty(tmp_path: Path) -> None:
    export(tmp_path / "lesions.csv", _mask(), Volume(np.zeros(GRID.display_shape, np.uint8), GRID, "grey"))
    (row,) = _rows(tmp_path / "lesions.csv")
    assert {row[name] for name in row if name.endswith("_hu")} == {""}
    assert (row["case"], row["scan_lossy"]) == ("ANONYMOUS", "0")


def test_a_mask_without_a_scan_still_has_its_volumes(tmp_path: Path) -> None:
    export(tmp_path / "lesions.csv", _mask(), None)
    assert [row["volume_ml"] for row in _rows(tmp_path / "lesions.csv")] == ["0.24"]


def test_no_lesion_is_a_header_alone(tmp_path: Path) -> None:
    export(tmp_path / "lesions.csv", Mask.empty(GRID), None)
    assert _rows(tmp_path / "lesions.csv") == []
