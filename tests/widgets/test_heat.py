"""The heat map: what is written, when, and that it stays under the mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.widgets.layer_styles import heat_legend

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask, Volume

Tiny = tuple["Volume", "Mask", np.ndarray]


@pytest.fixture
def heated(workbench: Any, tiny: Tiny) -> Any:
    """A workbench that shows how unsure the model is."""
    tiny[2][2, 5, 5] = 128
    workbench.show_case(tiny)
    workbench.heat.kind.setCurrentIndex(workbench.heat.kind.findData("unsure"))
    return workbench


def heat_of(workbench: Any) -> Any:
    return workbench.context.layers.heat.layer


def test_only_the_slice_on_the_screen_is_written_and_the_next_one_before_it_is_seen(heated: Any) -> None:
    data = heat_of(heated).data
    assert [int(np.count_nonzero(one)) for one in data] == [0, 4, 0, 0]
    assert data[1, 2, 2] == 102  # Of 0.8: 1 − |1.6 − 1| = 0.4.
    heated.session.set_slice(2)
    assert data[2, 5, 5] == 254
    assert heat_of(heated)._slice.image.raw[5, 5] == 254


def test_it_lies_between_scan_and_mask_and_the_mask_stays_active(heated: Any) -> None:
    viewer = heated.context.viewer
    assert [layer.name for layer in viewer.layers] == ["scan", "heat map", "mask", "truth"]
    assert viewer.layers.selection.active.name == "mask"


def test_opacity_and_range_are_the_layers_and_the_legend_says_the_range(heated: Any) -> None:
    panel = heated.heat
    assert (panel.low.text(), panel.high.text()) == ("0.25", "1.00")
    panel.opacity.setValue(30)
    panel.range.setValue((10, 50))
    assert heat_of(heated).opacity == 0.3
    assert tuple(heat_of(heated).contrast_limits) == (25.5, 127.5)
    assert (panel.low.text(), panel.high.text()) == ("0.10", "0.50")
    panel.range.setValue((50, 50))
    low, high = heat_of(heated).contrast_limits
    assert low < high


def test_another_measure_is_written_into_the_same_layer_and_none_takes_it_away(heated: Any) -> None:
    layer, panel = heat_of(heated), heated.heat
    panel.kind.setCurrentIndex(panel.kind.findData("probability"))
    assert heat_of(heated) is layer and layer.data[1, 2, 2] == 204
    panel.kind.setCurrentIndex(0)
    assert "heat map" not in [one.name for one in heated.context.viewer.layers]


def test_it_waits_for_a_prediction_and_comes_back_with_the_next_scans(heated: Any, tiny: Tiny) -> None:
    heated.session.open_scan(tiny[0])
    assert heat_of(heated) is None and not heated.heat.kind.isEnabled()
    assert heated.text("heat_state") == "Segment the scan to see what the model is unsure of."
    heated.session.set_prediction(tiny[2], "tiny", 0.5)
    heated.session.set_slice(2)
    assert heat_of(heated).data[2, 5, 5] == 254
    assert heated.text("heat_state") == ""


def test_how_far_the_members_of_an_ensemble_are_apart_is_shown_and_only_of_one(heated: Any, tiny: Tiny) -> None:
    panel, apart = heated.heat, np.zeros_like(tiny[2])
    apart[1, 3, 3] = 90
    item = panel.kind.model().item(panel.kind.findData("disagreement"))
    assert not item.isEnabled() and "one network" in item.toolTip()
    heated.session.set_prediction(tiny[2], "three", 0.5, disagreement=apart)
    assert item.isEnabled()
    panel.kind.setCurrentIndex(panel.kind.findData("disagreement"))
    assert np.argwhere(heat_of(heated).data).tolist() == [[1, 3, 3]] and heat_of(heated).data[1, 3, 3] == 90
    heated.session.set_prediction(tiny[2], "tiny", 0.5)
    assert heat_of(heated) is None and "one network" in heated.text("heat_state")
    panel.kind.setCurrentIndex(panel.kind.findData("unsure"))
    assert heat_of(heated).data[1, 2, 2] == 102 and heated.text("heat_state") == ""


def test_deleting_the_layer_switches_it_off(heated: Any) -> None:
    heated.context.viewer.layers.remove("heat map")
    heated.context.guard.settle()
    assert heated.heat.kind.currentText() == "none"


def test_a_stroke_does_not_touch_it_and_h_hides_it(heated: Any) -> None:
    before = heat_of(heated).data.copy()
    heated.context.layers.mask.paint((1, 8, 8), 1)
    assert np.array_equal(heat_of(heated).data, before)
    heated.context.layers.overlays.set_hidden(True)
    assert not heat_of(heated).visible and heated.context.layers.image.visible
    heated.context.layers.overlays.set_hidden(False)
    assert heat_of(heated).visible


def test_its_colours_grow_evenly_brighter_so_that_they_are_told_apart_without_hues() -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    channels = [[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in heat_legend()]
    linear = np.where(
        np.array(channels) <= 0.04045, np.array(channels) / 12.92, ((np.array(channels) + 0.055) / 1.055) ** 2.4
    )
    luminance = linear @ weights
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    steps = np.diff(lightness)
    assert (steps > 0).all() and steps[1:].max() < 1.6 * steps[1:].min()


def test_the_child_tells_how_far_the_members_are_apart(
    workbench: Any, qtbot: QtBot, tiny: Tiny, tiny_model: Path, tmp_path: Path
) -> None:
    import torch

    from napari_lesionseg.models.card import load_card, save_model
    from napari_lesionseg.models.dual_encoder import DualEncoderUNet
    from napari_lesionseg.models.ensemble import join_models

    torch.manual_seed(1)
    card = load_card(tiny_model)
    save_model(tmp_path / "other", DualEncoderUNet(card.architecture), card)
    join_models([tiny_model, tmp_path / "other"], tmp_path / "both", "both")
    workbench.session.open_scan(tiny[0])
    with qtbot.waitSignal(workbench.context.segmenter.finished, timeout=90_000):
        workbench.segment.segment_requested.emit(str(tmp_path / "both"), "cpu")
    session = workbench.session
    assert session.model_name == "both" and session.disagreement.shape == session.probability.shape
    assert session.disagreement.max() > 0
    assert not list(workbench.context.segmenter.runner.folder.iterdir())  # Nothing is left of what was sent.
