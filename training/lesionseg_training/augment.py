"""Random views of a slice: draw the parameters, then call the deterministic function."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """A cut-out: its centre (row, column) in the slice, and how it is turned, magnified, mirrored and coloured."""

    centre: tuple[float, float]
    degrees: float = 0.0
    zoom: float = 1.0
    mirror: bool = False
    gamma: float = 1.0
    gain: float = 1.0
    offset: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0


def draw_view(
    rng: np.random.Generator, soft: Bytes, patch: tuple[int, int], zoom: tuple[float, float], augment: bool
) -> View:
    """Draw a view of a slice; in half of the draws its centre is near a lesion pixel, if there is one.

    Parameters
    ----------
    soft
        (h, w) target of the centre slice, 0…255.
    patch
        (height, width) of the cut-out.
    """
    centre = _draw_centre(rng, soft, patch)
    if not augment:
        return View(centre)
    return View(
        centre,
        degrees=float(rng.uniform(-15, 15)),
        zoom=float(np.exp(rng.uniform(*np.log(zoom)))),
        mirror=bool(rng.random() < 0.5),
        gamma=float(np.exp(rng.uniform(-0.35, 0.35))),
        gain=float(rng.uniform(0.85, 1.15)),
        offset=float(rng.uniform(-0.08, 0.08)),
        blur=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.2 else 0.0,
        noise=float(rng.uniform(0.0, 0.06)) if rng.random() < 0.4 else 0.0,
        noise_seed=int(rng.integers(2**31)),
    )


def apply_view(stack: Bytes, soft: Bytes, view: View, patch: tuple[int, int]) -> tuple[Floats, Floats]:
    """Cut (K, h, w) slices and their (h, w) target as ``view`` says; outside the slice it is black and empty.

    Returns
    -------
    (K, height, width) grey levels and (height, width) target, both from 0 to 1.
    """
    matrix = _matrix(view, patch)
    size = patch[::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    grey = np.stack([cv2.warpAffine(image, matrix, size, flags=flags) for image in stack]).astype(np.float32)
    target = cv2.warpAffine(soft, matrix, size, flags=flags).astype(np.float32) / np.float32(255)
    grey /= np.float32(255)
    if view.gamma != 1.0 or view.gain != 1.0 or view.offset:
        grey = np.clip(grey, 0, 1) ** np.float32(view.gamma) * np.float32(view.gain) + np.float32(view.offset)
    if view.blur:
        grey = np.stack([cv2.GaussianBlur(image, (0, 0), view.blur) for image in grey])
    if view.noise:
        noise = np.random.default_rng(view.noise_seed).standard_normal(grey.shape, dtype=np.float32)
        grey = grey + np.float32(view.noise) * noise
    return np.clip(grey, 0, 1, dtype=np.float32), target


def whole(soft: Bytes) -> View:
    """The view that shows a slice as it is."""
    return View(((soft.shape[0] - 1) / 2, (soft.shape[1] - 1) / 2))


def _draw_centre(rng: np.random.Generator, soft: Bytes, patch: tuple[int, int]) -> tuple[float, float]:
    height, width = soft.shape
    if rng.random() < 0.5:
        lesion = np.flatnonzero(soft > 127)
        if len(lesion):
            row, column = divmod(int(rng.choice(lesion)), width)
            return (
                _inside(row + rng.uniform(-0.3, 0.3) * patch[0], height, patch[0]),
                _inside(column + rng.uniform(-0.3, 0.3) * patch[1], width, patch[1]),
            )
    return (
        _inside(rng.uniform(0, height - 1), height, patch[0]),
        _inside(rng.uniform(0, width - 1), width, patch[1]),
    )


def _inside(centre: float, side: int, patch: int) -> float:
    """Move a centre so that the cut-out stays in the slice, where it fits, and lies on whole pixels: no blur."""
    corner = (side - patch) // 2 if side <= patch else np.clip(round(centre - (patch - 1) / 2), 0, side - patch)
    return float(corner + (patch - 1) / 2)


def _matrix(view: View, patch: tuple[int, int]) -> npt.NDArray[np.float64]:
    """2×3 matrix from (x, y) of the cut-out to (x, y) of the slice."""
    angle, scale = np.deg2rad(view.degrees), 1.0 / view.zoom
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if view.mirror:
        turn[:, 0] *= -1
    middle = np.array([(patch[1] - 1) / 2, (patch[0] - 1) / 2])
    shift = np.array(view.centre[::-1]) - turn @ middle
    return np.column_stack((turn, shift))
