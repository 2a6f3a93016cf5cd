from __future__ import annotations

from pathlib import Path

import numpy as np
from lesionseg_training.curves import BLUE, GREEN, ORANGE, draw_curves
from matplotlib.colors import to_rgb
from matplotlib.image import imread

RECORDS = [
    {"epoch": n, "loss": 1 / n, "train_dice": 0.5, "dice": None, "predicted_share": 0.01, "lesion_share": 0.04}
    for n in (1, 2, 3)
]


def _panels(path: Path, color: str) -> list[bool]:
    """In which of the three panels, left to right, a colour is seen."""
    picture = imread(path)[..., :3]
    there = np.abs(picture - to_rgb(color)).max(axis=2) < 0.02
    return [bool(part.sum() > 20) for part in np.array_split(there, 3, axis=1)]


def test_loss_dice_and_shares_have_a_panel_each_and_validation_is_drawn_where_there_was_one(tmp_path: Path) -> None:
    draw_curves(tmp_path / "c.png", RECORDS)
    assert _panels(tmp_path / "c.png", BLUE) == [True, True, True]
    assert _panels(tmp_path / "c.png", GREEN) == [False, False, True]
    assert _panels(tmp_path / "c.png", ORANGE) == [False, False, False]
    draw_curves(tmp_path / "c.png", [*RECORDS[:2], RECORDS[2] | {"dice": 0.6}])
    assert _panels(tmp_path / "c.png", ORANGE) == [False, True, False]


def test_the_records_of_an_older_run_are_drawn_as_far_as_they_go(tmp_path: Path) -> None:
    old = [{key: value for key, value in record.items() if "share" not in key} for record in RECORDS]
    draw_curves(tmp_path / "c.png", old)
    assert _panels(tmp_path / "c.png", BLUE) == [True, True, False]
