"""Saving over a file that is open: an input is refused as an output, and what was read is no map of its file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, read_mask, read_scan
from napari_lesionseg.volumes.export.mask import export_mask

GRID = Geometry.from_spacing((6, 64, 64), (3.0, 1.0, 1.0))
NAMES = ("scan.nii", "scan.nii.gz", "scan.hdr", "scan.nrrd", "scan.mha", "scan.mhd")

# A map of a file that became shorter kills the process as soon as it is looked at.
CUT_SHORT = """
import hashlib, json, os, sys
from pathlib import Path
from napari_lesionseg.volumes import read_mask, read_scan
told = {}
for name in sys.argv[2:]:
    folder = Path(sys.argv[1]) / name
    for read in (read_scan, read_mask):
        opened = read(folder / name)
        before = hashlib.sha256(opened.array.tobytes()).hexdigest()
        whole = {path: path.read_bytes() for path in folder.iterdir()}
        for path in whole:
            os.truncate(path, 0)
        told[f"{name} {read.__name__}"] = hashlib.sha256(opened.array.tobytes()).hexdigest() == before
        for path, content in whole.items():
            path.write_bytes(content)
print(json.dumps(told))
"""


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """One scan of 0s, 1s and 2s in every format, by SimpleITK, each in a folder of its own."""
    import SimpleITK as sitk

    values = np.random.default_rng(0).integers(0, 3, (6, 64, 64)).astype(np.int16)
    for name in NAMES:
        (tmp_path / name).mkdir()
        sitk.WriteImage(sitk.GetImageFromArray(values), tmp_path / name / name)
    return tmp_path


@pytest.mark.hazard("H4")
def test_what_was_read_outlives_its_file(scans: Path, hazard_figure: Callable[[str, str, bool], None]) -> None:
    command = [sys.executable, "-c", CUT_SHORT, str(scans), *NAMES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    told = json.loads(done.stdout or "{}")
    equal = sum(told.values())
    holds = done.returncode == 0 and equal == 2 * len(NAMES)
    hazard_figure(
        "H4", f"files emptied under {2 * len(NAMES)} open scans and masks: {equal} equal, exit {done.returncode}", holds
    )
    assert done.returncode == 0, done.stderr
    assert told == {f"{name} {read}": True for name in NAMES for read in ("read_scan", "read_mask")}


@pytest.mark.hazard("H4")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("scan.hdr", "scan.mhd")])
@pytest.mark.parametrize("spelling", ["itself", "relative", "link", "hard link"])
def test_no_mask_is_written_over_the_scan_or_the_mask_it_came_from(
    scans: Path, name: str, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = scans / name / name
    monkeypatch.chdir(source.parent)
    target = source.with_name(f"other-{name}")
    if spelling == "link":
        target.symlink_to(source)
    elif spelling == "hard link":
        os.link(source, target)
    else:
        target = source if spelling == "itself" else Path(name)
    before = source.read_bytes()
    scan, mask = read_scan(source), read_mask(source)
    drawn = Mask(np.zeros(scan.array.shape, np.uint8), scan.geometry)
    for opened, on in ((drawn, scan), (mask, None)):
        with pytest.raises(LesionsegError, match="choose another"):
            export_mask(target, opened, on)
    assert source.read_bytes() == before


def test_a_mask_may_be_saved_again_over_an_earlier_export(tmp_path: Path) -> None:
    scan = Volume(np.zeros((6, 64, 64), np.int16), GRID)
    for label in (1, 2):
        export_mask(tmp_path / "mask.nii.gz", Mask(np.full((6, 64, 64), label, np.uint8), GRID), scan)
        assert int(read_mask(tmp_path / "mask.nii.gz").array.max()) == label
