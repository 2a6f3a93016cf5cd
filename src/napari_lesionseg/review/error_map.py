"""Where a mask and the truth agree and differ, as labels to paint."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

HIT, FALSE_POSITIVE, MISSED = 1, 2, 3

#: What each label of an error map is called on screen.
ERROR_NAMES: dict[int, str] = {HIT: "hit", FALSE_POSITIVE: "false positive", MISSED: "missed"}

#: Green, orange and magenta: the pairs stay apart (CIE76 difference above 30) for readers with protanopia,
#: deuteranopia and tritanopia too, and all are far from the greys of a scan.
ERROR_COLOURS: dict[int, str] = {HIT: "#009E73", FALSE_POSITIVE: "#E69F00", MISSED: "#FF4FD8"}


def error_map(
    mask: npt.NDArray[Any], truth: npt.NDArray[Any], out: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.uint8]:
    """Label every voxel: 0 neither, 1 hit, 2 false positive (mask only), 3 missed (truth only).

    Parameters
    ----------
    mask, truth
        Label arrays of one shape, a slice (y, x) or a scan (z, y, x); every non-zero label is lesion.
    out
        uint8 array of that shape to write into; it is returned.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if mask.shape != truth.shape:
        raise ValueError(f"mask {mask.shape} and truth {truth.shape} differ in shape")
    if out is None:
        out = np.empty(mask.shape, np.uint8)
    if mask.ndim > 2:
        for one_out, one_mask, one_truth in zip(out, mask, truth, strict=True):
            error_map(one_mask, one_truth, one_out)  # Slice by slice, the temporary arrays stay in the cache.
        return out
    np.not_equal(mask, 0, out=out.view(np.bool_))
    out *= FALSE_POSITIVE
    out ^= np.not_equal(truth, 0).view(np.uint8) * np.uint8(MISSED)  # 2 xor 3 is 1: a hit.
    return out
