"""Draw docs/images/lesions-*.png: the table of lesions, and the lungs as an outline to be checked.

The patient is generated. Run from the project's root:
``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python docs/make_lesions_pictures.py``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from napari_lesionseg.review.lesions import label_lesions
from napari_lesionseg.volumes.phantom import PhantomCase, make_case

if TYPE_CHECKING:
    from napari_lesionseg.widgets.hands import Hands

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "images"
SHAPE = (64, 256, 256)
SEED = 7
LEFT_OUT = 2  # The third largest lesion of the truth is missing in the prediction.
MOST_BYTES = 300_000


def prediction_of(case: PhantomCase) -> npt.NDArray[np.uint8]:
    """Most of the truth, blurred, and one place that is not in the truth."""
    pieces, voxels = label_lesions(case.truth.array)
    left_out = int(np.argsort(voxels)[::-1][LEFT_OUT]) + 1
    likely = ndimage.gaussian_filter(((pieces > 0) & (pieces != left_out)).astype(np.float32), (0.7, 1.5, 1.5))
    z, y, x = np.argwhere((case.lungs.array > 0) & (likely == 0))[12345]
    likely[z : z + 3, y : y + 6, x : x + 6] = 0.6
    return np.asarray(np.clip(likely, 0, 1) * 255, np.uint8)


def fold_all_but(workbench: Any, *titles: str) -> None:
    """Leave these sections open."""
    for title, section in workbench.sections.items():
        section.set_open(title in titles)


def draw(hands: Hands, case: PhantomCase) -> None:
    """Look for the lungs, check them, and go through the lesions."""
    from napari_lesionseg.widgets.hands import pause

    bench = hands.workbench
    fold_all_but(bench, "Lungs", "Lesions")
    bench.session.open_scan(case.scan, case.truth)
    bench.session.set_prediction(prediction_of(case), "a generated prediction", 0.5)
    hands.press("find_lungs")
    hands.wait(lambda: bench.session.lungs is not None, 120)
    bench.session.set_slice(24)
    hands.wait(lambda: len(bench.lesions.model.rows) > 0, 60)
    pause(1500)
    hands.viewer.reset_view()
    hands.picture("lesions-lungs")
    hands.press("lungs_look_right")
    hands.press("next_lesion")
    hands.press("accept_lesion")
    hands.press("next_lesion")
    pause(1500)
    hands.picture("lesions-table", of=bench.lesions)


def main() -> None:
    """Open one window, and draw both pictures in it."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LESIONSEG_HOME"] = str(Path(scratch) / "home")
        os.environ["NAPARI_CONFIG"] = str(
            Path(scratch) / "napari.yaml"
        )  # Napari's own look, not that of whoever runs it.
        os.environ["LESIONSEG_DESK"] = str(Path(scratch) / "desk")
        from napari_lesionseg.widgets.hands import Hands, pause
        from napari_lesionseg.widgets.launch import make_window

        viewer, workbench = make_window()
        viewer.window.resize(1400, 860)
        draw(Hands(viewer, workbench, PICTURES), make_case(SEED, SHAPE))
        workbench.context.close()
        pause(500)
        viewer.close()
        pause(500)
    for path in PICTURES.glob("lesions-*.png"):
        if path.stat().st_size > MOST_BYTES:
            Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
