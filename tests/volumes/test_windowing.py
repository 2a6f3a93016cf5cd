"""Windows show what radiologists expect of their level and width."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window, apply_window


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("lung", -1350, 150), ("wide lung", -1000, 400), ("mediastinum", -160, 240), ("bone", -500, 1300)],
)
def test_the_presets_show_these_limits(name: str, low: float, high: float) -> None:
    assert (PRESETS[name].low, PRESETS[name].high) == (low, high)


def test_there_are_four_presets_and_one_window_for_bytes() -> None:
    assert list(PRESETS) == ["lung", "wide lung", "mediastinum", "bone"]
    assert (GREY_WINDOW.low, GREY_WINDOW.high) == (0, 255)


def test_limits_and_level_with_width_say_the_same() -> None:
    assert Window.from_limits(-1000, 400) == Window(-300, 1400)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_the_lower_end_is_black_the_upper_white_the_level_halfway_and_the_rest_clipped(dtype: type) -> None:
    hu = np.array([-3024, -1350, -600, 150, 3071], dtype)
    shown = apply_window(hu, PRESETS["lung"])
    assert shown.dtype == np.float32
    assert shown.tolist() == [0, 0, 0.5, 1, 1]


def test_bytes_are_not_wrapped_around() -> None:
    shown = apply_window(np.array([0, 51, 255], np.uint8), GREY_WINDOW)
    assert np.allclose(shown, [0, 0.2, 1])


def test_the_scan_itself_is_left_alone() -> None:
    hu = np.array([-3024.0, 3071.0], np.float32)
    apply_window(hu, PRESETS["lung"])
    assert hu.tolist() == [-3024, 3071]
