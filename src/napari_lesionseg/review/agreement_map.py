"""Where two readings agree and differ, as labels to paint, and what can be taken of them."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

Take = Literal["A", "B", "both", "agreed"]
TAKES: Final[tuple[Take, ...]] = get_args(Take)

ONLY_A, ONLY_B, BOTH = 1, 2, 3

#: What each label of an agreement map is called on screen.
AGREEMENT_NAMES: Final[dict[int, str]] = {ONLY_A: "only A", ONLY_B: "only B", BOTH: "both"}

#: Orange, blue and mint: the pairs stay apart (CIE76 difference above 40) for readers with protanopia, deuteranopia and
#: tritanopia too, and all are 20 or more from any grey of a scan.
AGREEMENT_COLOURS: Final[dict[int, str]] = {ONLY_A: "#FF8C1A", ONLY_B: "#4D7CFF", BOTH: "#7CFFB2"}


def agreement_map(
    a: npt.NDArray[Any], b: npt.NDArray[Any], out: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.uint8]:
    """Label every voxel: 0 neither, 1 only A, 2 only B, 3 both.

    Parameters
    ----------
    a, b
        Label arrays of one shape, a slice (y, x) or a scan (z, y, x); every non-zero label is lesion.
    out
        uint8 array of that shape to write into; it is returned.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"reading A {a.shape} and reading B {b.shape} differ in shape")
    if out is None:
        out = np.empty(a.shape, np.uint8)
    if a.ndim > 2:
        for one_out, one_a, one_b in zip(out, a, b, strict=True):
            agreement_map(one_a, one_b, one_out)  # Slice by slice, the temporary arrays stay in the cache.
        return out
    np.not_equal(b, 0, out=out.view(np.bool_))
    out *= ONLY_B
    out += np.not_equal(a, 0).view(np.uint8)
    return out


def taken(take: Take, a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """What two readings give: A, B, ``both`` of them together, or what is ``agreed``; a new array of their shape.

    Where both have a label, A's is kept.
    """
    if take == "A":
        return a.copy()
    if take == "B":
        return b.copy()
    if take == "both":
        return np.where(a != 0, a, b)
    return np.where(b != 0, a, np.zeros_like(a))
