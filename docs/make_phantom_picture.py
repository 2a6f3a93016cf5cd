"""Draw docs/images/phantom.png: axial slices of a healthy and two ill phantoms at lung window, truth outlined below.

Run from the project's root: ``python docs/make_phantom_picture.py``.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.phantom import PhantomCase, make_case
from napari_lesionseg.volumes.windowing import PRESETS, apply_window

TARGET = Path(__file__).parent / "images" / "phantom.png"
TILE = 270
SHAPE = (64, 384, 384)
SEEDS = (5, 12)
OUTLINE = (66, 159, 230)  # orange, as OpenCV orders it


def tile(case: PhantomCase, z: int, outlined: bool) -> npt.NDArray[np.uint8]:
    """Draw slice ``z`` through the lung window, with the truth's outline if asked."""
    grey = (apply_window(case.scan.array[z], PRESETS["lung"]) * 255).astype(np.uint8)
    small = cv2.resize(grey, (TILE, TILE), interpolation=cv2.INTER_AREA) & 0xFC  # 64 greys keep the file small
    picture = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
    if outlined:
        truth = cv2.resize(case.truth.array[z], (TILE, TILE), interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(truth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, OUTLINE, 1, cv2.LINE_AA)
    return np.asarray(picture[: TILE * 9 // 10], np.uint8)


def columns() -> list[tuple[PhantomCase, int]]:
    """Choose the slices: one healthy, then of two ill patients those with much and with little lesion."""
    healthy = make_case(20, SHAPE, lesions=False)
    chosen = [(healthy, SHAPE[0] * 2 // 5), (healthy, SHAPE[0] * 3 // 5)]
    for seed in SEEDS:
        case = make_case(seed, SHAPE)
        area = case.truth.array.sum(axis=(1, 2))
        ranked = np.argsort(area)
        chosen += [(case, int(ranked[-1])), (case, int(ranked[-(np.count_nonzero(area) // 2)]))]
    return chosen


def main() -> None:
    """Write the picture."""
    rows = [np.hstack([tile(case, z, outlined) for case, z in columns()]) for outlined in (False, True)]
    TARGET.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(TARGET), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
