"""Edit tools: each gives the new slice; whoever shows the mask writes it in place and says so to the session."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session


def copy_from_neighbour(mask: npt.NDArray[np.uint8], z: int, step: int) -> npt.NDArray[np.uint8]:
    """Copy the slice ``step`` away from slice ``z`` of a mask (z, y, x): a new array (y, x).

    Raises
    ------
    LesionsegError
        If the scan ends before that slice.
    """
    if not 0 <= z + step < len(mask):
        raise LesionsegError(f"Slice {z} has no neighbour {_side(step)} it; copy from the other side.")
    neighbour: npt.NDArray[np.uint8] = mask[z + step].copy()
    return neighbour


def fill_holes(one_slice: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Fill what lesion encloses in one slice (y, x): a new array; other labels stay.

    A hole is a 4-connected piece of background that does not reach the edge of the slice.
    """
    pieces, count = ndimage.label(one_slice == 0)
    edge = np.concatenate((pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]))
    hole = np.ones(count + 1, bool)
    hole[edge] = hole[0] = False
    filled: npt.NDArray[Any] = one_slice.copy()
    filled[hole[pieces]] = 1
    return filled


def reverted(session: Session, z: int) -> npt.NDArray[np.uint8]:
    """Give slice ``z`` as the model predicted it, at the session's threshold: a new array (y, x).

    Raises
    ------
    LesionsegError
        If there is no prediction to go back to.
    """
    if session.probability is None:
        raise LesionsegError("There is no prediction to go back to; segment the scan first.")
    return session.predicted_slice(z)


def _side(step: int) -> str:
    return "above" if step > 0 else "below"
