"""Gas with a wall of its own: trachea, main bronchi, stomach, bowel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cc3d
import cv2
import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.in_plane import Bools, Spacing, grow

GAS_HU = -950.0
TISSUE_HU = -400
LEAST_ML = 2.0
SHELL_MM = (4.0, 7.0)  # Around gas: beyond the blur of its wall, before whatever lies next to it.
WALLED = 0.33  # Of the shell; emphysema lies in lung, of which less than a quarter is tissue.


@dataclass(frozen=True, eq=False)
class Gas:
    """One space of gas.

    Parameters
    ----------
    box
        The (z, y, x) box it lies in.
    inside
        Its voxels within that box.
    centre
        Mean (z, y, x) of its voxels.
    """

    box: tuple[slice, slice, slice]
    inside: Bools
    centre: tuple[float, float, float]


def find_walled_gas(hu: npt.NDArray[Any], inside: Bools, spacing: Spacing) -> list[Gas]:
    """List the spaces of gas (z, y, x, below −950 HU, at least 2 ml) whose surroundings are tissue for a third or more.

    Parameters
    ----------
    inside
        Where to look: air inside the body.
    spacing
        Of ``hu``, in mm (z, y, x).
    """
    smooth = np.stack([cv2.blur(one.astype(np.float32), (3, 3)) for one in hu])
    labels = cc3d.connected_components(inside & (smooth < GAS_HU), connectivity=6)
    figures = cc3d.statistics(labels)
    least = LEAST_ML / (float(np.prod(spacing)) / 1000)
    found = []
    for label in np.flatnonzero(figures["voxel_counts"] >= least):
        if label == 0:
            continue
        box = _widened(figures["bounding_boxes"][label], int(np.ceil(SHELL_MM[1] / spacing[1])) + 1)
        gas = labels[box] == label
        shell = grow(gas, SHELL_MM[1], spacing) & ~grow(gas, SHELL_MM[0], spacing)
        if shell.any() and float((hu[box][shell] > TISSUE_HU).mean()) > WALLED:
            z, y, x = map(float, figures["centroids"][label])
            found.append(Gas(box, gas, (z, y, x)))
    return found


def _widened(box: tuple[slice, slice, slice], margin: int) -> tuple[slice, slice, slice]:
    z, y, x = box
    return z, slice(max(0, y.start - margin), y.stop + margin), slice(max(0, x.start - margin), x.stop + margin)
