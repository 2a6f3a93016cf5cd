"""The workbench on a generated scan: ``python -m napari_lesionseg.demo [--headless FOLDER]``.

With ``--headless`` (or ``HEADLESS=1``) the whole loop is driven through the window's own controls, and FOLDER gets
a screenshot of each step, the corrected mask, the metrics and the card of the retrained model.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD
from napari_lesionseg.models.zoo import find_model, user_folder
from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.phantom import make_case

MODEL = "phantom-base"
MARK = ".lesionseg-demo"
SEED, SHAPE = 7, (48, 256, 256)
CORRECTED, EPOCHS = 6, 3


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; 0 if every step did what it should."""
    parser = argparse.ArgumentParser(prog="python -m napari_lesionseg.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--headless", metavar="FOLDER", type=Path, help="drive the loop and leave its results here")
    folder = parser.parse_args(arguments).headless
    if folder is None and os.environ.get("HEADLESS") == "1":
        folder = Path("demo-output")
    try:
        if folder is None:
            show()
        else:
            drive(folder.resolve())
    except LesionsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_case(folder: Path) -> tuple[Path, Path]:
    """Generate the scan and its truth as files."""
    case = make_case(SEED, SHAPE)
    scan, truth = folder / "phantom.nii.gz", folder / "phantom_truth.nii.gz"
    nifti.write_scan(scan, case.scan)
    nifti.write_mask(truth, case.truth)
    return scan, truth


def show() -> None:
    """Open the window on the scan with its truth, and segment it; returns when the window is closed."""
    import napari

    from napari_lesionseg.widgets.launch import make_window

    find_model(MODEL)
    scan, truth = write_case(user_folder() / "demo")
    _, workbench = make_window()
    workbench.open_scan(scan)
    workbench.load_truth(truth)
    workbench.segment.model.setCurrentText(MODEL)
    workbench.segment.segment.click()
    napari.run()


def drive(out: Path) -> None:
    """Go through the loop with the window's own controls."""
    _make_folder(out)
    os.environ["LESIONSEG_HOME"] = str(out / "home")  # The user's own settings, study and models are left alone.
    scan, truth = write_case(out)
    driver = Driver(out)
    try:
        driver.open(scan, truth)
        driver.window()
        driver.segment()
        driver.compare()
        driver.correct()
        driver.export()
        driver.retrain()
        driver.segment_again()
    finally:
        driver.close()
    (out / "metrics.json").write_text(json.dumps(driver.metrics, indent=2) + "\n")
    print(f"The loop is complete: {out}", json.dumps(driver.metrics), sep="\n")


class Driver:
    """Presses the workbench's controls, waits for what they promise, and takes a picture of each step."""

    def __init__(self, out: Path) -> None:
        from napari_lesionseg.widgets.launch import make_window

        self.out = out
        self.metrics: dict[str, Any] = {"model": MODEL}
        self.viewer, self.workbench = make_window()
        self.session = self.workbench.session
        self.problems: list[str] = []
        self.workbench.context.problem.connect(self.problems.append)
        self._pictures = 0

    def open(self, scan: Path, truth: Path) -> None:
        """Open the scan and its truth."""
        self.workbench.open.scan_requested.emit(str(scan))
        self._wait(lambda: self.session.scan is not None, 60)
        self._picture("open")
        self.workbench.open.truth_requested.emit(str(truth))
        self._wait(lambda: self.session.truth is not None, 60)

    def window(self) -> None:
        """Look through the mediastinum window, then through the lung window."""
        self._press("preset_mediastinum")
        self._picture("window")
        self._press("preset_lung")
        image = self.workbench.context.layers.image
        _require(image is not None and tuple(image.contrast_limits) == (-1350, 150), "The window did not change.")

    def segment(self) -> None:
        """Let the bundled model mark the lesions."""
        self._segment_with(MODEL)
        self.metrics["dice_predicted"] = self._dice()
        self._press("worst_slice")
        self._picture("segment")

    def compare(self) -> None:
        """Show where mask and truth differ."""
        self._press("show_errors")
        self._picture("compare")
        self._press("show_errors")

    def correct(self) -> None:
        """Paint what was missed and erase what was wrong in the worst slices."""
        before = self._dice()
        for _ in range(CORRECTED):
            self._press("worst_slice")
            self._paint_like_truth(self.session.slice_index)
        corrected = self.session.corrected_slices
        self.metrics |= {"dice_corrected": self._dice(), "corrected_slices": sorted(corrected)}
        _require(len(corrected) > 0 and self._dice() > before, "Correcting did not raise the Dice.")
        self._picture("correct")

    def export(self) -> None:
        """Save the corrected mask, and read it back."""
        path = self.out / "corrected_mask.nii.gz"
        self.workbench.export.export_requested.emit(str(path))
        self._wait(lambda: path.exists() and not self.session.dirty, 60)
        written, mask = nifti.read_mask(path), self.session.mask
        same = mask is not None and written.geometry.same_grid(mask.geometry) and (written.array == mask.array).all()
        _require(bool(same), "The exported mask is not the one that was corrected.")
        self._picture("export")

    def retrain(self) -> None:
        """Learn from the corrected slices for a few epochs."""
        panel = self.workbench.retrain
        self.workbench.sections["Retrain"].set_open(True)
        panel.model.setCurrentText(MODEL)
        panel.epochs.setValue(EPOCHS)
        self._press("retrain")
        self._wait(lambda: self.workbench.context.trainer.running, 60)
        self._wait(lambda: panel.load.isEnabled() or not self.workbench.context.trainer.running, 900)
        _require(panel.load.isEnabled(), "The training ended without a model.")
        self._picture("retrain")

    def segment_again(self) -> None:
        """Load the new model and segment with it."""
        self._press("load_model")
        name = self.workbench.segment.model.currentText()
        _require(name != MODEL, "The new model cannot be chosen.")
        self._segment_with(name)
        shutil.copyfile(find_model(name) / CARD, self.out / CARD)
        self.metrics |= {"retrained_model": name, "dice_retrained": self._dice()}
        self._picture("new-model")

    def close(self) -> None:
        """Close the window and end its children."""
        self.workbench.context.close()
        self.viewer.close()

    def _segment_with(self, model: str) -> None:
        chooser = self.workbench.segment.model
        chooser.setCurrentText(model)
        _require(chooser.currentText() == model, f"The model {model} cannot be chosen.")
        self._press("segment")
        self._wait(lambda: self.session.model_name == model, 600)

    def _paint_like_truth(self, z: int) -> None:
        mask, truth, layer = self.session.mask, self.session.truth, self.workbench.context.layers.mask
        if mask is None or truth is None or layer is None:
            raise LesionsegError("There is nothing to correct.")
        wrong = (mask.array[z] != truth.array[z]).nonzero()
        layer.brush_size = 1
        for tool, label in (("tool_paint", 1), ("tool_erase", 0)):
            self._press(tool)
            with layer.block_history():  # As one drag of the mouse.
                for y, x in zip(*wrong, strict=True):
                    if truth.array[z, y, x] == label:
                        layer.paint((z, y, x), label)
        self._press("tool_pan_zoom")

    def _dice(self) -> float:
        from napari_lesionseg.review.metrics import dice

        mask, truth = self.session.mask, self.session.truth
        value = None if mask is None or truth is None else dice(mask.array, truth.array)
        return round(value or 0.0, 4)

    def _press(self, name: str) -> None:
        from qtpy.QtWidgets import QAbstractButton

        found = self.workbench.findChild(QAbstractButton, name)
        _require(found is not None and found.isEnabled(), f"The button {name} cannot be pressed.")
        found.click()

    def _wait(self, until: Callable[[], bool], seconds: float) -> None:
        for _ in range(int(seconds * 50)):
            _require(not self.problems, " ".join(self.problems))
            if until():
                return
            _pause(20)
        raise LesionsegError(f"The step after picture {self._pictures} took longer than {seconds:.0f} s.")

    def _picture(self, name: str) -> None:
        from qtpy.QtWidgets import QApplication

        _pause(400)
        for widget in QApplication.allWidgets():
            if type(widget).__name__ == "NapariQtNotification":  # napari's own news would hide the scan.
                widget.close()
        _pause(100)
        self._pictures += 1
        self.viewer.screenshot(str(self.out / f"{self._pictures:02d}-{name}.png"), canvas_only=False, flash=False)


def _make_folder(out: Path) -> None:
    """Make ``out`` an empty folder; only a folder of an earlier demo is cleared."""
    if out.exists() and any(out.iterdir()):
        _require((out / MARK).is_file(), f"{out} holds other files; give a new folder.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()


def _pause(milliseconds: int) -> None:
    """Let the window go on for a while."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LesionsegError(f"The demo failed: {otherwise}")


if __name__ == "__main__":
    sys.exit(main())
