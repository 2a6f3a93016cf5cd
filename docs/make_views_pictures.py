"""Draw docs/images/views-*.png: linked views and an earlier study beside the open one.

All patients are generated. Run from the project's root:
``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python docs/make_views_pictures.py``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QDockWidget
from scipy import ndimage

from napari_lesionseg.review.align import Shift
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.phantom import PhantomCase, make_case
from napari_lesionseg.widgets.hands import Hands, pause
from napari_lesionseg.widgets.views.space_view import SpaceView

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "images"
SHAPE = (64, 256, 256)
SEED = 7
MOST_BYTES = 300_000


def earlier(case: PhantomCase) -> tuple[Volume, Mask]:
    """The same chest 6 slices shorter, with its lesions eroded: the smaller ones are not there yet."""
    array, mask = case.scan.array[6:], ndimage.binary_erosion(case.truth.array[6:], iterations=2)
    geometry = Geometry.from_spacing(array.shape, case.scan.geometry.spacing)
    return Volume(array, geometry), Mask(mask.astype(np.uint8), geometry)


def largest(mask: Mask) -> tuple[int, int, int]:
    """A voxel in the slice that holds most of the lesions."""
    z = int(np.count_nonzero(mask.array, axis=(1, 2)).argmax())
    inside = ndimage.distance_transform_edt(mask.array[z])
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return z, int(y), int(x)


def fold_all_but(workbench: Any, *titles: str) -> None:
    """Leave these sections open."""
    for title, section in workbench.sections.items():
        section.set_open(title in titles)


def draw_linked(hands: Hands, case: PhantomCase) -> None:
    """The canvas between napari's lists and the coronal and sagittal views."""
    bench = hands.workbench
    fold_all_but(bench, "Window", "Views", "Compare")
    bench.session.open_scan(case.scan, case.truth)
    bench.session.load_mask(Mask(ndimage.binary_dilation(case.truth.array).astype(np.uint8), case.truth.geometry))
    hands.press("linked_views")
    bench.context.cross_hair.move_to(largest(case.truth))
    pause(500)
    hands.viewer.reset_view()
    hands.picture("views-linked")


def draw_prior(hands: Hands, case: PhantomCase) -> None:
    """The open study and an earlier one, and the table of growth."""
    bench = hands.workbench
    hands.press("linked_views")
    fold_all_but(bench, "Prior")
    bench.session.load_mask(case.truth)
    scan, mask = earlier(case)
    bench.context.prior.open(scan, Shift())
    bench.context.prior.set_mask(mask)
    hands.press("align_prior")
    hands.wait(lambda: "Aligned" in bench.prior.state.text(), 60)
    hands.wait(lambda: bench.prior.table.rowCount() > 0, 60)
    pause(3000)  # It is measured again after it was aligned.
    bench.prior.table.selectRow(0)
    hands.viewer.reset_view()
    hands.picture("views-prior")


def draw_space(hands: Hands, case: PhantomCase) -> None:
    """Lungs and lesions as surfaces."""
    bench = hands.workbench
    hands.press("close_prior")
    fold_all_but(bench, "Views")
    bench.session.set_lungs(case.lungs)
    hands.press("space_view_shown")
    dock = hands.viewer.window._qt_window.findChild(QDockWidget, "lesionseg_space")
    hands.wait(lambda: len(dock.widget().findChild(SpaceView).meshes) == 2, 60)
    pause(500)
    hands.viewer.reset_view()
    hands.picture("views-space")


def main() -> None:
    """Open one window, and draw all pictures in it."""
    from napari_lesionseg.widgets.launch import make_window

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LESIONSEG_HOME"] = str(Path(scratch) / "home")
        os.environ["LESIONSEG_DESK"] = str(Path(scratch) / "desk")
        viewer, workbench = make_window()
        viewer.window.resize(1400, 860)
        hands = Hands(viewer, workbench, PICTURES)
        case = make_case(SEED, SHAPE)
        draw_linked(hands, case)
        draw_prior(hands, case)
        draw_space(hands, case)
        workbench.context.close()
        viewer.close()
    for path in PICTURES.glob("views-*.png"):
        shrink(path)


def shrink(path: Path) -> None:
    """Write a picture with fewer colours if it is large."""
    from PIL import Image

    if path.stat().st_size > MOST_BYTES:
        Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
