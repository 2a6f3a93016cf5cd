"""Bad input is one sentence, and the window stays usable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QMessageBox

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask

Tiny = tuple["Volume", "Mask", np.ndarray]
HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["missing.nii.gz", "text.nii.gz", "short.nii.gz", "four.nii.gz", "nan.nii.gz"])
def test_a_bad_scan_is_one_sentence_and_the_open_scan_stays(
    workbench: Any, qtbot: QtBot, tiny: Tiny, sentences: list[str], tmp_path: Path, name: str
) -> None:
    import nibabel as nib

    workbench.show_case(tiny)
    path = tmp_path / name
    good = nib.Nifti1Image(np.zeros((8, 8, 4), np.int16), np.eye(4)).to_bytes()
    bad: dict[str, Callable[[], Any]] = {
        "missing.nii.gz": lambda: None,
        "text.nii.gz": lambda: path.write_text("hello"),
        "short.nii.gz": lambda: (
            nib.save(nib.Nifti1Image.from_bytes(good), path) or path.write_bytes(path.read_bytes()[:-20])
        ),
        "four.nii.gz": lambda: nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.eye(4)), path),
        "nan.nii.gz": lambda: nib.save(nib.Nifti1Image(np.full((4, 4, 4), np.nan, np.float32), np.eye(4)), path),
    }
    bad[name]()
    workbench.open.scan_requested.emit(str(path))
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=30000)
    assert str(path) in sentences[0]
    assert workbench.text("workbench_message") == sentences[0]
    assert workbench.session.scan is tiny[0]
    with pytest.raises(LesionsegError):
        workbench.open_scan(path)


def test_a_truth_of_another_grid_is_refused(
    workbench: Any, qtbot: QtBot, tiny: Tiny, sentences: list[str], phantom_files: tuple[Path, Path]
) -> None:
    workbench.show_case(tiny)
    workbench.open.truth_requested.emit(str(phantom_files[1]))
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=30000)
    assert "lies on another grid" in sentences[0]
    assert workbench.session.truth is tiny[1]


def test_a_full_disk_on_export_is_one_sentence_and_the_corrections_stay_unsaved(
    workbench: Any, qtbot: QtBot, tiny: Tiny, sentences: list[str], tmp_path: Path
) -> None:
    workbench.show_case(tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    workbench.context.exporter.runner.command = (str(HERE / "full_disk_export.py"),)
    workbench.export.export_requested.emit(str(tmp_path / "mask.nii.gz"))
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=60000)
    assert "No space left on device" in sentences[0]
    assert workbench.text("export_state") == "Not saved."
    assert workbench.session.dirty
    assert list(tmp_path.glob("*mask*")) == []
    assert workbench.export.export.isEnabled()


def test_an_input_is_never_overwritten(workbench: Any, sentences: list[str], phantom_files: tuple[Path, Path]) -> None:
    before = [path.read_bytes() for path in phantom_files]
    workbench.open_scan(phantom_files[0])
    workbench.load_truth(phantom_files[1])
    for path in phantom_files:
        workbench.export.export_requested.emit(str(path))
    assert len(sentences) == 2
    assert "never overwritten" in sentences[0]
    assert [path.read_bytes() for path in phantom_files] == before


def test_a_result_for_a_scan_that_was_closed_meanwhile_is_discarded(
    workbench: Any, qtbot: QtBot, tiny: Tiny, tiny_model: Path
) -> None:
    workbench.show_case(tiny)
    worker = workbench.context.segmenter
    worker.runner.command = (str(HERE / "fake_segmenter.py"), "work")
    workbench.session.open_scan(tiny[0])
    workbench.segment.segment_requested.emit(str(tiny_model), "auto")
    assert worker.running
    workbench.session.open_scan(Volume(tiny[0].array, tiny[0].geometry))
    assert not worker.running
    qtbot.wait(300)
    assert workbench.session.probability is None


def test_corrections_are_not_discarded_without_asking(
    workbench: Any, tiny: Tiny, phantom_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench.show_case(tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    workbench.open.scan_requested.emit(str(phantom_files[0]))
    assert workbench.session.scan is tiny[0]
