"""Phantoms of a few voxels for the edit tools, and what is true of every tool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_lesionseg.review.session import Session
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.volumes import Geometry, Mask, Volume

SPACING = (2.0, 1.0, 1.0)


def picture(text: str) -> np.ndarray:
    """Labels (y, x), a row a word."""
    return np.array([[int(c) for c in line] for line in text.split()], np.uint8)


def pictures(*texts: str) -> np.ndarray:
    """Labels (z, y, x), a slice a text."""
    return np.stack([picture(text) for text in texts])


def seen(
    mask: np.ndarray,
    z: int = 0,
    reach: int = 0,
    *,
    hu: np.ndarray | None = None,
    lungs: np.ndarray | None = None,
    truth: np.ndarray | None = None,
    spacing: tuple[float, float, float] = SPACING,
    **more: Any,
) -> Given:
    """What a tool is given of labels (z, y, x), looking at slice ``z``; nothing of it can be written to."""
    grid = Geometry.from_spacing(mask.shape, spacing)
    scan = Volume(np.zeros(mask.shape, np.int16) if hu is None else hu.astype(np.int16), grid)
    slab = range(max(0, z - reach), min(len(mask), z + reach + 1))
    others = {name: None if one is None else Mask(one, grid) for name, one in (("lungs", lungs), ("truth", truth))}
    for array in (mask, scan.array, lungs, truth, more.get("probability")):
        if array is not None:
            array.setflags(write=False)
    return Given(scan, mask, z, slab, **others, **more)


def after(given: Given, tool: Callable[..., Edited], *arguments: Any, **named: Any) -> np.ndarray:
    """Use ``tool`` as a step of a session, undo and redo it, and give the new labels (z, y, x)."""
    edited = tool(given, *arguments, **named)
    session = Session()
    session.open_scan(given.scan)
    session.load_mask(Mask(given.mask.copy(), given.scan.geometry))
    session.set_slice(given.z)
    assert session.mask is not None
    assert session.write_slices(edited, "tool"), "a tool that changes nothing has to refuse"
    assert all((session.mask.array[z] != given.mask[z]).any() for z in edited), "only changed slices are given"
    changed = session.mask.array.copy()
    session.undo()
    assert np.array_equal(session.mask.array, given.mask)
    session.redo()
    assert np.array_equal(session.mask.array, changed)
    return changed
