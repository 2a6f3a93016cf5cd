"""Which side of the patient is at which border of a picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

TOWARDS = (("I", "S"), ("A", "P"), ("R", "L"))
"""What the display axes z, y and x come from, and run to."""


class Sides(NamedTuple):
    """The letters at the borders of a picture."""

    left: str
    right: str
    top: str
    bottom: str


def side_letters(
    down: int, across: int, turned: npt.NDArray[Any] | None = None, *, flipped: tuple[bool, bool] = (False, False)
) -> Sides:
    """Tell the sides of a picture whose rows run along world axis ``down`` and its columns along ``across``.

    Parameters
    ----------
    down, across
        World axes: 0 is z, 1 is y, 2 is x.
    turned
        3 × 3 matrix from display voxels (z, y, x) to world axes; None if they are the same.
    flipped
        Whether the first row is at the bottom, and the first column at the right.
    """
    back = np.eye(3) if turned is None else np.linalg.inv(turned)
    top, bottom = _ends(back[:, down], flipped[0])
    left, right = _ends(back[:, across], flipped[1])
    return Sides(left, right, top, bottom)


def _ends(direction: npt.NDArray[Any], flipped: bool) -> tuple[str, str]:
    axis = int(np.argmax(np.abs(direction)))
    first, last = TOWARDS[axis]
    return (last, first) if (direction[axis] < 0) != flipped else (first, last)
