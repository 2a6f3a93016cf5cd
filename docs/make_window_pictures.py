"""Draw docs/images/window-sides.png and docs/images/keys.png: the canvas with side marks, and the cheat-sheet.

The scan is a generated phantom. Run from the project's root:
``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python docs/make_window_pictures.py``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

IMAGES = Path(__file__).resolve().parent / "images"
SHAPE = (40, 256, 256)


def main() -> None:
    """Open a phantom, fit the window to its body, and draw the window and the cheat-sheet."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"LESIONSEG_HOME": scratch, "NAPARI_CONFIG": str(Path(scratch) / "napari.yaml")}
        from qtpy.QtCore import Qt
        from qtpy.QtGui import QImage

        from napari_lesionseg.volumes.phantom import make_case
        from napari_lesionseg.widgets.hands import Hands, pause
        from napari_lesionseg.widgets.key_sheet import KeySheet
        from napari_lesionseg.widgets.launch import make_window

        viewer, workbench = make_window()
        viewer.window.resize(1280, 800)
        hands = Hands(viewer, workbench, IMAGES)
        for title, section in workbench.sections.items():
            section.set_open(title in ("Window", "Compare"))
        case = make_case(11, SHAPE)
        workbench.session.open_scan(case.scan)
        workbench.session.set_truth(case.truth)
        workbench.session.set_slice(SHAPE[0] // 2)
        pause(500)
        viewer.reset_view()
        hands.key(Qt.Key.Key_F2)
        hands.picture("window-sides")
        hands.key(Qt.Key.Key_F1)
        (sheet,) = workbench.window().findChildren(KeySheet)
        pause(400)
        grey = sheet.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        grey.save(str(IMAGES / "keys.png"), quality=0)
        sheet.close()
        workbench.context.close()
        viewer.close()


if __name__ == "__main__":
    main()
