"""What is shown of a scan."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.shown import Shown, check_window
from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window


def scan(**kwargs: str) -> Volume:
    return Volume(np.zeros((5, 4, 4), np.int16), Geometry.from_spacing((5, 4, 4), (1.0, 1.0, 1.0)), **kwargs)


def test_a_scan_is_first_looked_at_in_the_middle_or_where_one_says() -> None:
    assert [Shown(scan(), z).z for z in (None, 0, 3, 99, -2)] == [2, 0, 3, 4, 0]


def test_a_ct_is_shown_through_the_lung_window_and_a_grey_scan_in_its_own() -> None:
    assert Shown(scan()).window == PRESETS["lung"]
    assert Shown(scan(intensity="grey")).window == GREY_WINDOW


def test_without_a_scan_the_slice_is_0() -> None:
    shown = Shown(None)
    assert (shown.z, shown.nearest(7)) == (0, 0)


@pytest.mark.parametrize("window", [Window(0, 0), Window(0, -1), Window(math.nan, 5), Window(0, math.inf)])
def test_a_window_without_a_width_is_refused(window: Window) -> None:
    with pytest.raises(LesionsegError, match="width above 0"):
        check_window(window)
