"""The judge of pictures tells upright from turned and mirrored, and a mask on its lesion from one beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.peers.cases import MARK, chest_with_lesions
from tests.peers.look import WINDOW_HU, best_fit

TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "upright": lambda picture: picture,
    "left and right swapped": lambda picture: picture[:, ::-1],
    "top and bottom swapped": lambda picture: picture[::-1],
    "turned by 180°": lambda picture: picture[::-1, ::-1],
    "axes swapped": lambda picture: picture.transpose(1, 0, 2),
}


@pytest.fixture(scope="module")
def plane() -> tuple[np.ndarray, np.ndarray]:
    hu, labels = chest_with_lesions()
    return hu[MARK[0]], labels[MARK[0]] == 1


@pytest.mark.parametrize("way", TURNS)
def test_the_way_a_slice_is_shown_is_found_in_its_picture(
    plane: tuple[np.ndarray, np.ndarray], tmp_path: Path, way: str
) -> None:
    hu, mask = plane
    _save(TURNS[way](_picture(hu, mask)), tmp_path / "shown.png")
    fit = best_fit(tmp_path / "shown.png", hu, mask)
    assert fit.way == way
    assert fit.dice > 0.99
    assert fit.grey > 0.99


def test_a_mask_beside_its_lesion_does_not_fit(plane: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    hu, mask = plane
    _save(_picture(hu, np.roll(mask, 4, axis=1)), tmp_path / "beside.png")
    assert best_fit(tmp_path / "beside.png", hu, mask).grey < 0.95


def test_a_mask_mirrored_on_an_upright_scan_does_not_fit(plane: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    hu, mask = plane
    _save(_picture(hu, mask[:, ::-1]), tmp_path / "mirrored.png")
    fit = best_fit(tmp_path / "mirrored.png", hu, mask)
    assert fit.way != "upright" or min(fit.dice, fit.grey) < 0.95


def test_a_picture_without_a_mask_is_no_proof(plane: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    hu, mask = plane
    _save(_picture(hu, np.zeros_like(mask)), tmp_path / "bare.png")
    with pytest.raises(AssertionError, match="no red"):
        best_fit(tmp_path / "bare.png", hu, mask)


def _picture(hu: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The slice at lung window with the mask in red, three times as large, with a margin."""
    grey = np.clip((hu - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0]), 0, 1) * 255
    shown = np.repeat(grey[..., None], 3, axis=2)
    shown[mask] = (255, 0, 0)
    return np.pad(shown.repeat(3, axis=0).repeat(3, axis=1), ((20, 7), (30, 11), (0, 0)))


def _save(picture: np.ndarray, path: Path) -> None:
    Image.fromarray(np.ascontiguousarray(picture).astype(np.uint8)).save(path)
