"""Random views of a slice: draw the parameters, then call the deterministic function."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

# Turning and zooming interpolate, which blurs; in use a slice is not interpolated again, so half of the cut-outs are
# not either. Grey levels are changed in all: scanners differ in them, and no detail is lost by it.
TURNED = 0.5
# The shares of nnU-Net (Isensee et al. 2021, supplement 4; its version 2 keeps them).
INVERTED, CONTRAST, COARSE, BLURRED = 0.1, 0.15, 0.25, 0.2
NOISY = 0.4  # nnU-Net: 0.1, of much stronger noise.

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
LEVELS: Floats = np.arange(256, dtype=np.float32) / np.float32(255)


@dataclass(frozen=True)
class View:
    """A cut-out: its centre (row, column) in the slice, and how it is turned, magnified, mirrored and coloured.

    Parameters
    ----------
    inverted
        Whether ``gamma`` bends the grey levels from the white end.
    contrast
        Factor on the distance from the cut-out's mean.
    coarse
        Share of its resolution that the cut-out keeps.
    blur
        Sigma of a Gaussian, in pixels.
    """

    centre: tuple[float, float]
    degrees: float = 0.0
    zoom: float = 1.0
    mirror: bool = False
    gamma: float = 1.0
    inverted: bool = False
    gain: float = 1.0
    offset: float = 0.0
    contrast: float = 1.0
    coarse: float = 1.0
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
    turned = rng.random() < TURNED
    return View(
        centre,
        degrees=float(rng.uniform(-15, 15)) if turned else 0.0,
        zoom=float(np.exp(rng.uniform(*np.log(zoom)))) if turned else 1.0,
        mirror=bool(rng.random() < 0.5),
        gamma=float(np.exp(rng.uniform(-0.35, 0.35))),
        inverted=bool(rng.random() < INVERTED),
        gain=float(rng.uniform(0.85, 1.15)),
        offset=float(rng.uniform(-0.08, 0.08)),
        contrast=float(rng.uniform(0.75, 1.25)) if rng.random() < CONTRAST else 1.0,
        coarse=float(rng.uniform(0.5, 1.0)) if rng.random() < COARSE else 1.0,
        blur=float(rng.uniform(0.3, 1.0)) if rng.random() < BLURRED else 0.0,
        noise=float(rng.uniform(0.0, 0.06)) if rng.random() < NOISY else 0.0,
        noise_seed=int(rng.integers(2**31)),
    )


def apply_view(stack: Bytes, soft: Bytes, view: View, patch: tuple[int, int]) -> tuple[Floats, Floats]:
    """Cut (K, h, w) slices and their (M, h, w) targets as ``view`` says; outside the slice it is black and empty.

    Returns
    -------
    (K, height, width) grey levels and (M, height, width) targets, both from 0 to 1.
    """
    cut = _cut_out(np.concatenate((stack, soft)), view, patch)
    target = _look_up(cut[len(stack) :], LEVELS)
    grey = _look_up(_blurred(cut[: len(stack)], view), _tones(view))
    if view.contrast != 1.0:
        mean = np.float32(cv2.mean(grey.reshape(-1, patch[1]))[0])
        grey = (grey - mean) * np.float32(view.contrast) + mean
    if view.noise:
        grey += _noise(grey.shape, view)
    return np.clip(grey, 0, 1, out=grey), target


def whole(soft: Bytes) -> View:
    """The view that shows a slice as it is."""
    return View(((soft.shape[0] - 1) / 2, (soft.shape[1] - 1) / 2))


def _draw_centre(rng: np.random.Generator, soft: Bytes, patch: tuple[int, int]) -> tuple[float, float]:
    height, width = soft.shape
    if rng.random() < 0.5:
        lesion = np.flatnonzero(soft > 127)
        if len(lesion):
            row, column = divmod(int(lesion[rng.integers(len(lesion))]), width)
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


def _cut_out(pictures: Bytes, view: View, patch: tuple[int, int]) -> Bytes:
    """The (N, height, width) part of (N, h, w) ``pictures`` that a view shows."""
    top, left = (centre - (side - 1) / 2 for centre, side in zip(view.centre, patch, strict=True))
    if view.degrees == 0 and view.zoom == 1 and top.is_integer() and left.is_integer():
        part = _part(pictures, (int(top), int(left)), patch)
        return np.ascontiguousarray(part[:, :, ::-1]) if view.mirror else part
    matrix, flags = _matrix(view, patch), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned: list[Bytes] = []
    for first in range(0, len(pictures), 4):  # Four at a time: most of the work is to find the place of each pixel.
        colours = cv2.merge(list(pictures[first : first + 4]))
        turned += [
            np.asarray(one, np.uint8) for one in cv2.split(cv2.warpAffine(colours, matrix, patch[::-1], flags=flags))
        ]
    return np.stack(turned)


def _part(pictures: Bytes, corner: tuple[int, int], patch: tuple[int, int]) -> Bytes:
    """Whole pixels, to the bit as :func:`cv2.warpAffine` takes them, in a fraction of its time."""
    here, there = [], []
    for start, length, side in zip(corner, patch, pictures.shape[1:], strict=True):
        first, last = max(start, 0), min(start + length, side)
        there.append(slice(first, max(first, last)))
        here.append(slice(first - start, max(first, last) - start))
    part = np.zeros((len(pictures), *patch), np.uint8)
    part[:, here[0], here[1]] = pictures[:, there[0], there[1]]
    return part


def _tones(view: View) -> Floats:
    """What becomes of each of the 256 grey levels: a table is quicker than powers of every pixel."""
    bent = 1 - (1 - LEVELS) ** np.float32(view.gamma) if view.inverted else LEVELS ** np.float32(view.gamma)
    tones: Floats = bent * np.float32(view.gain) + np.float32(view.offset)
    return tones


def _look_up(pictures: Bytes, table: Floats) -> Floats:
    flat = cv2.LUT(pictures.reshape(-1, pictures.shape[-1]), table)
    return np.asarray(flat, np.float32).reshape(pictures.shape)


def _blurred(pictures: Bytes, view: View) -> Bytes:
    """As a scan of larger pixels, then as a softer kernel would show the same."""
    if view.coarse < 1.0:
        pictures = np.stack([_coarse(picture, view.coarse) for picture in pictures])
    if view.blur:
        pictures = np.stack([cv2.GaussianBlur(picture, (0, 0), view.blur) for picture in pictures])
    return pictures


def _coarse(picture: Bytes, share: float) -> Bytes:
    height, width = picture.shape
    size = max(1, round(width * share)), max(1, round(height * share))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _noise(shape: tuple[int, ...], view: View) -> Floats:
    """Gaussian noise of the view's own seed; OpenCV's numbers belong to the thread and take a third of numpy's time."""
    cv2.setRNGSeed(view.noise_seed)
    noise = np.empty((int(np.prod(shape[:-1])), shape[-1]), np.float32)
    return np.asarray(cv2.randn(noise, np.zeros(1), np.array([view.noise])), np.float32).reshape(shape)


def _matrix(view: View, patch: tuple[int, int]) -> npt.NDArray[np.float64]:
    """2×3 matrix from (x, y) of the cut-out to (x, y) of the slice."""
    angle, scale = np.deg2rad(view.degrees), 1.0 / view.zoom
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if view.mirror:
        turn[:, 0] *= -1
    middle = np.array([(patch[1] - 1) / 2, (patch[0] - 1) / 2])
    shift = np.array(view.centre[::-1]) - turn @ middle
    return np.column_stack((turn, shift))
