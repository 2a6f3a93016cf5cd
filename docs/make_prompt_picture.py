"""Draw docs/images/ask-the-model.png: a box was dragged, and what the model sees in it has joined the mask.

The scan is a generated phantom, which the bundled model is asked about. Run from the project's root:
``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python docs/make_prompt_picture.py``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_lesionseg.volumes.phantom import make_case
from napari_lesionseg.widgets.hands import MOVE_MS, Hands, pause
from napari_lesionseg.widgets.launch import make_window

IMAGES = Path(__file__).resolve().parent / "images"
SECONDS = 300
SIZE = (1280, 800)


def main() -> None:
    """Ask the model about the largest lesion of a phantom; the picture is taken while a second box is dragged."""
    case = make_case(12, (40, 192, 192))
    pieces, _ = ndimage.label(case.truth.array)
    largest = np.argwhere(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]))
    z = int(np.bincount(largest[:, 0]).argmax())
    (top, left), (bottom, right) = (f(largest[largest[:, 0] == z][:, 1:], axis=0) for f in (np.min, np.max))
    spacing = case.scan.geometry.spacing
    corners = [((top - 4) * spacing[1], (left - 4) * spacing[2]), ((bottom + 4) * spacing[1], (right + 4) * spacing[2])]
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LESIONSEG_HOME"], os.environ["LESIONSEG_DESK"] = f"{scratch}/home", f"{scratch}/desk"
        os.environ["NAPARI_CONFIG"] = f"{scratch}/napari.yaml"  # Not how large letters are on this computer.
        viewer, workbench = make_window()
        viewer.window.resize(*SIZE)
        hands = Hands(viewer, workbench, IMAGES)
        workbench.session.open_scan(case.scan)
        workbench.session.set_slice(z)
        workbench.segment.model.setCurrentText("phantom-base")
        for title, section in workbench.sections.items():
            section.set_open(title == "Segment")
        pause(500)
        hands.press("ask_model")
        hands.draw(corners)
        hands.wait(lambda: bool(workbench.session.corrected_slices), SECONDS)
        steps = hands.pen.steps(corners)
        for _ in range(2):  # Pressed, and led to the other corner.
            next(steps)
            pause(MOVE_MS)
        hands.picture("ask-the-model")
        workbench.context.close()
        viewer.close()


if __name__ == "__main__":
    main()
