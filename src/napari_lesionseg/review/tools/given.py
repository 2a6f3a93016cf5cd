"""What an edit tool may look at, and where it may act."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Mask, Volume

Edited = dict[int, Labels]
"""New labels (y, x) by display slice (z), for ``Session.write_slices``."""


@dataclass(frozen=True, eq=False)
class Given:
    """The open scan as an edit tool sees it; nothing in it is ever written to.

    Parameters
    ----------
    scan
        The open scan.
    mask
        Labels (z, y, x) as they are.
    z
        The display slice the reviewer looks at.
    slab
        The display slices a tool may change: ``z`` alone, or its neighbours with it.
    lungs, truth
        What is known of the scan.
    probability, threshold
        The prediction, uint8 (z, y, x) p·255, and the probability (0 to 1) from which it is lesion.
    """

    scan: Volume
    mask: Labels
    z: int
    slab: range
    lungs: Mask | None = None
    truth: Mask | None = None
    probability: npt.NDArray[np.uint8] | None = None
    threshold: float = 0.5


def given_by(session: Session, reach: int = 0) -> Given:
    """See what the session shows, in a slab of ``reach`` slices on either side of the one looked at.

    Raises
    ------
    LesionsegError
        If no scan is open.
    """
    scan, mask, z = session.scan, session.mask, session.slice_index
    if scan is None or mask is None:
        raise LesionsegError("No scan is open; open a scan first.")
    slab = range(max(0, z - reach), min(len(mask.array), z + reach + 1))
    return Given(scan, mask.array, z, slab, session.lungs, session.truth, session.probability, session.threshold)
