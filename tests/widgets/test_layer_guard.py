"""Layers that come and go in napari's own list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.volumes import Volume

if TYPE_CHECKING:
    from napari_lesionseg.volumes import Mask

Tiny = tuple["Volume", "Mask", np.ndarray]
HERE = Path(__file__).parent


def test_a_scan_dropped_on_the_canvas_is_opened(workbench: Any, phantom_files: tuple[Path, Path]) -> None:
    from napari_lesionseg.widgets.napari_io import read

    viewer = workbench.context.viewer
    (data,) = read(str(phantom_files[0]))
    layer = viewer.add_image(data[0], **data[1])
    workbench.context.guard.settle()
    assert workbench.context.layers.image is layer
    assert workbench.session.scan.source == phantom_files[0]
    assert [layer.name for layer in viewer.layers] == ["phantom", "mask"]


def test_the_sample_opens_with_its_truth(workbench: Any, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_lesionseg.widgets import layer_styles as styles

    scan, truth, _ = tiny
    viewer = workbench.context.viewer
    style = styles.truth_style(truth)
    style["metadata"][styles.METADATA_KEY]["role"] = "truth"
    viewer.add_image(scan.array, **styles.image_style(scan, styles.first_window(scan)))
    viewer.add_labels(truth.array, **style)
    workbench.context.guard.settle()
    assert workbench.session.truth is truth
    assert [layer.name for layer in viewer.layers] == ["scan", "mask", "truth"]


def test_a_deleted_mask_layer_comes_back_with_its_voxels(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    viewer.layers.remove(workbench.context.layers.mask)
    workbench.context.guard.settle()
    assert workbench.context.layers.mask in viewer.layers
    assert "belongs to the open scan" in workbench.text("workbench_message")
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    assert workbench.session.corrected_slices == {1}


def test_deleting_the_scans_layer_closes_the_scan_unless_corrections_would_be_lost(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    viewer.layers.remove(workbench.context.layers.image)
    workbench.context.guard.settle()
    assert workbench.session.scan is tiny[0]
    assert viewer.layers[0].name == "scan"
    workbench.session.mark_exported()
    viewer.layers.remove(workbench.context.layers.image)
    workbench.context.guard.settle()
    assert workbench.session.scan is None
    assert len(viewer.layers) == 0


def test_the_boxes_follow_naparis_eye_and_bin(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("show_errors")
    comparison = workbench.context.layers.comparison
    comparison.truth.visible = False
    assert not workbench.compare.truth.isChecked()
    workbench.context.viewer.layers.remove(comparison.errors)
    workbench.context.guard.settle()
    assert not workbench.compare.errors.isChecked()
    assert workbench.context.layers.mask.opacity == 0.5
    workbench.press("show_errors")
    assert comparison.errors in workbench.context.viewer.layers


def test_a_mask_dropped_by_naparis_own_reader_becomes_what_one_says(
    workbench: Any, tiny: Tiny, when_asked: Any
) -> None:
    from napari_lesionseg.widgets import layer_styles as styles

    scan, truth, _ = tiny
    workbench.session.open_scan(scan)
    viewer = workbench.context.viewer
    for answer, layers in (("Just a layer", 3), ("Truth", 4), ("Mask to correct", 4)):
        when_asked(lambda box, answer=answer: next(one for one in box.buttons() if one.text() == answer).click())
        viewer.add_labels(truth.array.copy(), **styles.mask_style(truth, "dropped"))
        workbench.context.guard.settle()
        assert len(viewer.layers) == layers
    assert workbench.session.truth is truth
    assert np.array_equal(workbench.session.mask.array, truth.array)
