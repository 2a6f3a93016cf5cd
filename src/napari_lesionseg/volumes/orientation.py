"""Which way each stored axis points; as nibabel tells it, without the second that importing nibabel takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LETTERS = ("LR", "PA", "IS")
"""Of each RAS axis: towards less, towards more."""


def closest_axes(affine: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Tell for each stored axis the RAS axis it is closest to, and whether it runs along (1) or against it (−1).

    Parameters
    ----------
    affine
        4×4, from stored indices to RAS millimetres; not singular.

    Returns
    -------
    NDArray
        Integers (3, 2). No RAS axis occurs twice.
    """
    block = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(block)
    turned = left @ right  # The rotation closest to it, so that a shear favours no axis.
    found = np.empty((3, 2), np.intp)
    free = np.ones(3, bool)
    # The clearest direction first, so that what an axis is called does not depend on the order of the axes.
    for axis in np.argsort(-(turned**2).max(axis=0), kind="stable"):
        world = int(np.argmax(np.where(free, np.abs(turned[:, axis]), -1.0)))
        found[axis] = world, -1 if turned[world, axis] < 0 else 1
        free[world] = False
    return found


def letters(axes: npt.NDArray[Any]) -> str:
    """Name the directions of ``closest_axes``, for example ``"LPS"``."""
    return "".join(LETTERS[int(world)][int(sign > 0)] for world, sign in axes)


def transform(start: npt.NDArray[Any], shown: str) -> npt.NDArray[np.intp]:
    """Tell for each stored axis which axis of the order ``shown`` it becomes, and whether it is flipped (−1)."""
    places = {world: place for place, letter in enumerate(shown) for world in range(3) if letter in LETTERS[world]}
    found = np.empty((3, 2), np.intp)
    for axis, (world, sign) in enumerate(start):
        place = places[int(world)]
        found[axis] = place, 1 if LETTERS[int(world)][int(sign > 0)] == shown[place] else -1
    return found
