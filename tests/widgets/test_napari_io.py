"""What napari's own menus call, and the manifest that tells napari of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Labels, Layer
from npe2 import PluginManifest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask, nifti
from napari_lesionseg.widgets import napari_io
from tests.volumes.dicom.make_series import make_series

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot


def test_the_manifest_names_things_that_exist(repo_root: Path) -> None:
    manifest = PluginManifest.from_file(repo_root / "src" / "napari_lesionseg" / "napari.yaml")
    manifest.validate_imports()
    assert [widget.display_name for widget in manifest.contributions.widgets] == [
        "Lesion workbench",
        "Window",
        "Segment",
        "Compare",
        "Correct",
        "Export",
        "Retrain",
    ]


def test_a_scan_becomes_an_image_in_mm_and_a_mask_becomes_labels(phantom_files: tuple[Path, Path]) -> None:
    scan = nifti.read_scan(phantom_files[0])
    paths = [str(path) for path in phantom_files]
    layers = [Layer.create(*data) for data in napari_io.get_reader(paths)(paths)]
    assert [type(layer).__name__ for layer in layers] == ["Image", "Labels"]
    assert tuple(layers[0].scale) == scan.geometry.spacing
    assert tuple(layers[0].contrast_limits) == (-1350, 150)
    assert layers[1].data.dtype == np.uint8


def test_other_files_are_left_to_other_readers() -> None:
    assert napari_io.get_reader("picture.png") is None
    assert napari_io.get_reader(["scan.nii", "picture.png"]) is None


PEEK = """
import sys, time
before = set(sys.modules)
from napari_lesionseg.widgets.napari_io import get_reader
from napari_lesionseg.volumes import read
loaded, began = set(sys.modules), time.perf_counter()
print([get_reader(path) is not None for path in sys.argv[1:]])
print(time.perf_counter() - began, sorted({name.split(".")[0] for name in set(sys.modules) - loaded}))
"""


def test_what_to_read_is_told_by_a_glance_at_names_and_first_bytes(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series").folder
    (series / "IM0003.dcm").rename(tmp_path / "IM000003")
    (tmp_path / "pictures").mkdir()
    for number in range(300):
        (tmp_path / "pictures" / f"{number}").write_bytes(b"not a scan")
    names = ["series", "IM000003", "scan.mha", "pictures", "pictures/1"]
    paths = [str(tmp_path / name) for name in names]
    done = subprocess.run([sys.executable, "-c", PEEK, *paths], capture_output=True, text=True, timeout=60, check=True)
    offered, cost = done.stdout.strip().splitlines()[-2:]
    assert offered == "[True, True, True, False, False]"
    assert float(cost.split()[0]) < 0.05 * len(names)
    assert cost.split(maxsplit=1)[1] == "[]"


def test_a_dropped_folder_of_slices_becomes_an_image_at_the_lung_window(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    (data,) = napari_io.get_reader(str(series.folder))(str(series.folder))
    layer = Layer.create(*data)
    assert np.array_equal(layer.data, series.hu)
    assert tuple(layer.scale) == pytest.approx((2.0, 0.7, 0.8))
    assert tuple(layer.contrast_limits) == (-1350, 150)


def test_a_question_is_asked_while_napari_waits(qtbot: QtBot, when_asked: Any, tmp_path: Path) -> None:
    for seed in (1, 2):
        make_series(tmp_path / "study" / str(seed), seed, seed=seed)
    chosen = []

    def choose(dialog: Any) -> None:
        if dialog.objectName() == "series_dialog":
            chosen.append(dialog.chosen.uid)
            dialog.accept()
        else:
            when_asked(choose)  # "Reading …" comes first.

    when_asked(choose)
    (data,) = napari_io.read(str(tmp_path / "study"))
    assert [data[1]["metadata"]["lesionseg"]["scan"].dicom.series] == chosen


def test_reading_can_be_called_off(qtbot: QtBot, when_asked: Any, tmp_path: Path) -> None:
    folder = str(make_series(tmp_path / "series").folder)
    when_asked(lambda dialog: dialog.reject())
    assert napari_io.get_reader(folder)(folder) == [(None,)]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.nii.gz").write_bytes(b"not a scan")
    with pytest.raises(LesionsegError, match="broken.nii.gz"):
        napari_io.read(str(tmp_path / "broken.nii.gz"))


def test_a_dropped_file_that_cannot_be_read_adds_nothing_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(napari_io, "show_error", said.append)
    path = str(tmp_path / "missing.nii.gz")
    assert napari_io.get_reader(path)(path) == [(None,)]
    assert said == [f"{path} does not exist or is not a file; check the name."]


def test_a_mask_goes_out_on_the_grid_it_came_in_on(phantom_files: tuple[Path, Path], tmp_path: Path) -> None:
    layer = Layer.create(*napari_io.read(str(phantom_files[1]))[0])
    layer.data[0, 0, 0] = 1
    data, meta, _ = layer.as_layer_data_tuple()
    assert napari_io.write_labels(str(tmp_path / "out.nii.gz"), data, meta) == [str(tmp_path / "out.nii.gz")]
    before, after = nifti.read_mask(phantom_files[1]), nifti.read_mask(tmp_path / "out.nii.gz")
    assert after.geometry.same_grid(before.geometry)
    assert np.argwhere(after.array != before.array).tolist() == [[0, 0, 0]]


def test_the_file_it_was_read_from_is_never_overwritten(phantom_files: tuple[Path, Path]) -> None:
    data, meta, _ = Layer.create(*napari_io.read(str(phantom_files[1]))[0]).as_layer_data_tuple()
    before = phantom_files[1].read_bytes()
    with pytest.raises(LesionsegError, match="never overwritten"):
        napari_io.write_labels(str(phantom_files[1]), data, meta)
    assert phantom_files[1].read_bytes() == before


def test_a_foreign_labels_layer_is_written_with_its_spacing(tmp_path: Path) -> None:
    data, meta, _ = Labels(np.eye(3, dtype=np.uint8)[None].repeat(2, 0), scale=(5, 1, 2)).as_layer_data_tuple()
    napari_io.write_labels(str(tmp_path / "out.nii"), data, meta)
    written = nifti.read_mask(tmp_path / "out.nii")
    assert written.geometry.spacing == (5, 1, 2)
    assert np.array_equal(written.array, data)


def test_labels_that_do_not_fit_a_mask_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="three dimensions"):
        napari_io.write_labels(str(tmp_path / "out.nii"), np.zeros((2, 2), np.uint8), {})
    assert list(tmp_path.glob("*.nii")) == []


def test_the_sample_is_a_scan_with_its_truth() -> None:
    scan, truth = (Layer.create(*data) for data in napari_io.phantom())
    assert (scan.name, truth.name, scan.data.shape) == ("phantom", "truth", truth.data.shape)
    mask = truth.metadata["lesionseg"]["mask"]
    assert isinstance(mask, Mask)
    assert 0 < mask.volume_ml < 2000
