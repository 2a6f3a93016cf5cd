"""The workbench driven by its own controls, as a hand would: for the demo, and for pictures of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD
from napari_lesionseg.models.zoo import find_model
from napari_lesionseg.review.metrics import dice
from napari_lesionseg.volumes import Mask, read_mask
from napari_lesionseg.widgets.hands import Hands, require
from napari_lesionseg.widgets.launch import make_window

CORRECTED, EPOCHS = 6, 3


class Driver:
    """Presses the workbench's controls, waits for what they promise, and takes a picture of each step.

    Parameters
    ----------
    out
        Folder of the results.
    model
        Name of the model to start from.
    """

    def __init__(self, out: Path, model: str) -> None:
        self.out, self.model = out, model
        self.metrics: dict[str, Any] = {"model": model}
        self.viewer, self.workbench = make_window()
        self.session = self.workbench.session
        self.hands = Hands(self.viewer, self.workbench, out)
        self._pictures = 0

    def open(self, scan: Path, truth: Path) -> None:
        """Open the scan and its truth."""
        self.workbench.open.scan_requested.emit(str(scan))
        self.hands.wait(lambda: self.session.scan is not None, 60)
        self._picture("open")
        self.workbench.open.truth_requested.emit(str(truth))
        self.hands.wait(lambda: self.session.truth is not None, 60)

    def window(self) -> None:
        """Look through the mediastinum window, then through the lung window."""
        self.hands.press("preset_mediastinum")
        self._picture("window")
        self.hands.press("preset_lung")
        image = self.workbench.context.layers.image
        require(image is not None and tuple(image.contrast_limits) == (-1350, 150), "The window did not change.")

    def segment(self) -> None:
        """Let the bundled model mark the lesions."""
        self._segment_with(self.model)
        self.metrics["dice_predicted"] = self._dice()
        self.session.set_slice(int(self._case()[1].array.sum(axis=(1, 2)).argmax()))
        self._picture("segment")

    def compare(self) -> None:
        """Show where mask and truth differ, and go to the worst slice."""
        self.hands.press("show_errors")
        self._picture("compare")
        self.hands.press("worst_slice")
        self._picture("worst-slice")

    def correct(self) -> None:
        """Paint what was missed and erase what was wrong in the slices with most wrong voxels."""
        before, (mask, truth) = self._dice(), self._case()
        wrong = (mask.array != truth.array).sum(axis=(1, 2))
        for z in wrong.argsort()[-CORRECTED:]:
            self.session.set_slice(int(z))
            self._paint_like_truth(mask.array[z], truth.array[z], int(z))
        corrected = self.session.corrected_slices
        self.metrics |= {"dice_corrected": self._dice(), "corrected_slices": sorted(corrected)}
        self.metrics["dice_other_slices"] = {self.model: self._dice_elsewhere()}
        require(len(corrected) > 0 and self._dice() > before, "Correcting did not raise the Dice.")
        self.hands.press("show_errors")
        self._picture("correct")

    def export(self) -> None:
        """Save the corrected mask, and read it back."""
        path = self.out / "corrected_mask.nii.gz"
        self.workbench.export.export_requested.emit(str(path))
        self.hands.wait(lambda: path.exists() and not self.session.dirty, 60)
        written, mask = read_mask(path), self._case()[0]
        same = written.geometry.same_grid(mask.geometry) and (written.array == mask.array).all()
        require(bool(same), "The exported mask is not the one that was corrected.")
        self._picture("export")

    def retrain(self) -> None:
        """Learn from the corrected slices for a few epochs."""
        panel = self.workbench.retrain
        self.workbench.sections["Retrain"].set_open(True)
        panel.model.setCurrentText(self.model)
        panel.epochs.setValue(EPOCHS)
        self.hands.press("retrain")
        self.hands.wait(lambda: self.workbench.context.trainer.running, 60)
        self.hands.wait(lambda: panel.load.isEnabled() or not self.workbench.context.trainer.running, 900)
        require(panel.load.isEnabled(), "The training ended without a model.")
        self._picture("retrain")

    def segment_again(self) -> None:
        """Load the new model and segment with it."""
        self.hands.press("load_model")
        name = self.workbench.segment.model.currentText()
        require(name != self.model, "The new model cannot be chosen.")
        self._segment_with(name)
        shutil.copyfile(find_model(name) / CARD, self.out / CARD)
        self.metrics["dice_other_slices"][name] = self._dice_elsewhere()
        self._picture("new-model")

    def close(self) -> None:
        """Close the window and end its children."""
        self.workbench.context.close()
        self.viewer.close()

    def _segment_with(self, model: str) -> None:
        chooser = self.workbench.segment.model
        chooser.setCurrentText(model)
        require(chooser.currentText() == model, f"The model {model} cannot be chosen.")
        self.hands.press("segment")
        self.hands.wait(lambda: self.session.model_name == model, 600)

    def _paint_like_truth(self, mask: npt.NDArray[Any], truth: npt.NDArray[Any], z: int) -> None:
        layer: Any = self.workbench.context.layers.mask
        wrong = (mask != truth).nonzero()
        self.workbench.correct.brush.setValue(1)
        self.workbench.correct.gate.setChecked(False)  # What to draw is known.
        for tool, label in (("tool_paint", 1), ("tool_erase", 0)):
            self.hands.press(tool)
            with layer.block_history():  # As one drag of the mouse.
                for y, x in zip(*wrong, strict=True):
                    if truth[y, x] == label:
                        layer.paint((z, y, x), label)
        self.hands.press("tool_pan_zoom")

    def _dice(self) -> float:
        mask, truth = self._case()
        return round(dice(mask.array, truth.array) or 0.0, 4)

    def _dice_elsewhere(self) -> float:
        """Dice over the slices that were not corrected: there the mask is the model's own."""
        mask, truth = self._case()
        others = [z for z in range(len(mask.array)) if z not in self.session.corrected_slices]
        return round(dice(mask.array[others], truth.array[others]) or 0.0, 4)

    def _case(self) -> tuple[Mask, Mask]:
        mask, truth = self.session.mask, self.session.truth
        if mask is None or truth is None:
            raise LesionsegError("The demo failed: the scan or its truth is not open.")
        return mask, truth

    def _picture(self, name: str) -> None:
        self._pictures += 1
        self.hands.picture(f"{self._pictures:02d}-{name}")
