"""Draw docs/images/compare.png, uncertainty.png and tour.png: how mask and truth are compared, and suspicious places.

The scan, its truth and its prediction are generated. Run from the project's root:
``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python docs/make_compare_pictures.py``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_lesionseg.volumes.phantom import PhantomCase, make_case

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images"
SHAPE, SEED = (48, 256, 256), 5
SIZE = (1280, 860)


def prediction(case: PhantomCase) -> npt.NDArray[np.uint8]:
    """Make a probability out of the truth: shifted and blurred, without its smallest lesion, with a cloud beside it."""
    truth = case.truth.array != 0
    parts, count = ndimage.label(truth)
    sizes = np.bincount(parts.ravel())[1:]
    if count > 1:
        truth = truth & (parts != 1 + int(sizes.argmin()))
    soft = ndimage.gaussian_filter(np.roll(truth, (0, 2, 3), (0, 1, 2)).astype(np.float32), (0.3, 0.9, 0.9))
    z, y, x = largest(case)
    cloud = np.zeros(truth.shape, np.float32)
    cloud[z - 2 : z + 2, y - 40 : y - 24, x : x + 14] = 0.5
    return np.round(np.maximum(soft, ndimage.gaussian_filter(cloud, (0.3, 2, 2))) * 255).astype(np.uint8)


def largest(case: PhantomCase) -> tuple[int, int, int]:
    """Find the middle of the slice with most lesion."""
    truth = case.truth.array != 0
    z = int(truth.sum(axis=(1, 2)).argmax())
    parts, _ = ndimage.label(truth[z])
    y, x = ndimage.center_of_mass(parts == 1 + int(np.bincount(parts.ravel())[1:].argmax()))
    return z, int(y), int(x)


def speck(mask: npt.NDArray[np.uint8], y: int, x: int) -> npt.NDArray[np.uint8]:
    """Draw a speck beside the largest lesion of a slice."""
    drawn = mask.copy()
    drawn[y - 30 : y - 26, x + 10 : x + 14] = 1
    return drawn


def main() -> None:
    """Open the window, and take the pictures."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["LESIONSEG_HOME"] = home
        os.environ["NAPARI_CONFIG"] = str(Path(home) / "napari.yaml")  # Not the font and the window of whoever runs it.
        import napari

        from napari_lesionseg.widgets.hands import Hands, pause

        case = make_case(SEED, SHAPE)
        z, y, x = largest(case)
        viewer = napari.Viewer(show=False)
        viewer.window.show()
        _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
        pause(500)
        viewer.window.resize(*SIZE)  # napari has put back its last size by now.
        hands = Hands(viewer, workbench, TARGET)
        session = workbench.session
        session.open_scan(case.scan, case.truth)
        session.set_lungs(case.lungs)
        session.set_prediction(prediction(case), "phantom-base", 0.5)
        session.write_slices({z + 5: speck(session.mask.array[z + 5], y, x)}, "lasso")

        def show(*titles: str) -> None:
            for title, section in workbench.sections.items():
                section.set_open(title in titles)
            pause(300)

        show("Compare")
        workbench.context.layers.go_to((z, y, x))
        viewer.scene.camera.zoom *= 1.8
        hands.press("curtain")
        workbench.compare.curtain_place.setValue(round(100 * x / SHAPE[2]))
        hands.picture("compare")
        hands.press("curtain")
        show("Uncertainty")
        workbench.heat.kind.setCurrentIndex(workbench.heat.kind.findData("unsure"))
        hands.picture("uncertainty")
        workbench.heat.kind.setCurrentIndex(0)
        show("Tour")
        hands.wait(lambda: workbench.context.tour.ready, 60)
        for _ in range(3):
            hands.press("next_place")
        hands.picture("tour")
        workbench.context.close()
        viewer.close()
    QApplication.quit()


if __name__ == "__main__":
    main()
