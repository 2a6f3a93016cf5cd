"""Windows show what radiologists expect of their level and width."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, SAMPLED, Window, apply_window, auto_window


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("lung", -1350, 150),
        ("wide lung", -1000, 400),
        ("mediastinum", -160, 240),
        ("bone", -500, 1300),
        ("vessels", -250, 450),
    ],
)
def test_the_presets_show_these_limits(name: str, low: float, high: float) -> None:
    assert (PRESETS[name].low, PRESETS[name].high) == (low, high)


def test_there_are_five_presets_and_one_window_for_bytes() -> None:
    assert list(PRESETS) == ["lung", "wide lung", "mediastinum", "bone", "vessels"]
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


def body() -> np.ndarray:
    """A scan of 20 × 40 × 40: air around a body of 0 to 99 HU, lungs of -900 to -801 HU in it."""
    scan = np.full((20, 40, 40), -1000, np.int16)
    ramp = np.arange(20 * 20 * 20).reshape(20, 20, 20) % 100
    scan[:, 10:30, 10:30] = ramp
    scan[:, 15:25, 15:25] = ramp[:, :10, :10] - 900
    return scan


def test_the_window_of_the_lungs_holds_their_greys_and_a_tenth_more() -> None:
    scan, lungs = body(), np.zeros((20, 40, 40), np.uint8)
    lungs[:, 15:25, 15:25] = 1
    found = auto_window(scan, lungs)
    low, high = np.percentile(scan[lungs == 1], (1, 99))
    assert (found.low, found.high) == pytest.approx((low - (high - low) / 10, high + (high - low) / 10), abs=1)
    assert found.width < 130


def test_without_lungs_the_window_is_that_of_the_body_without_the_air_around_it() -> None:
    found = auto_window(body())
    assert found == auto_window(body(), np.zeros((20, 40, 40), np.uint8))
    assert -1000 < found.low < -900 and found.high > 99


def test_grey_levels_are_told_from_their_lowest() -> None:
    scan = np.zeros((4, 10, 10), np.uint8)
    scan[:, 2:8, 2:8] = 100
    assert auto_window(scan, is_hu=False) == Window(100, 2)
    assert auto_window(np.zeros((2, 3, 4)), is_hu=False) == Window(0, 2)


def test_a_large_scan_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = np.percentile
    monkeypatch.setattr(np, "percentile", lambda values, at: looked.append(values.size) or real(values, at))
    scan = np.broadcast_to(np.arange(512, dtype=np.int16), (300, 512, 512))
    assert auto_window(scan).level == pytest.approx(255, abs=5)
    assert SAMPLED / 4 < looked[0] <= SAMPLED
