"""The demo: the loop through the window's own controls, on a generated scan."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_lesionseg import demo
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import nifti
from napari_lesionseg.widgets.launch import open_window

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert demo.main(["--headless", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path} holds other files; give a new folder.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_window_is_opened_for_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="does not exist"):
        open_window(tmp_path / "missing.nii.gz")
    with pytest.raises(LesionsegError, match="give the scan too"):
        open_window(truth=tmp_path / "truth.nii.gz")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_loop_leaves_pictures_mask_metrics_and_card(tmp_path: Path) -> None:
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-m", "napari_lesionseg.demo", "--headless", str(out)], check=True, timeout=880)
    metrics = json.loads((out / "metrics.json").read_text())
    assert len(list(out.glob("*.png"))) == 9
    assert metrics["dice_corrected"] > metrics["dice_predicted"] > 0.5
    assert json.loads((out / "card.json").read_text())["parent"] == "phantom-base"
    mask, truth = nifti.read_mask(out / "corrected_mask.nii.gz"), nifti.read_mask(out / "phantom_truth.nii.gz")
    assert mask.geometry.same_grid(truth.geometry)
    for z in metrics["corrected_slices"]:
        assert np.array_equal(mask.array[z], truth.array[z])
