"""Saving the mask, and what can be said of it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QFileDialog, QLineEdit, QWidget

from napari_lesionseg.review.exports import ANONYMOUS, FORMATS
from napari_lesionseg.volumes.export.segments import LESION_TYPES
from napari_lesionseg.widgets.export_worker import ExportChoice
from napari_lesionseg.widgets.parts import button, chooser, column, note, row

NO_DICOM = "Needs a scan that was opened from DICOM, since it refers to its slices"
NOT_NAMED = "A NIfTI mask has no place for this"
EXPORT_TIP = """Save the mask on the scan's grid, a table or a report.
A report tells the share of the lungs once somebody has said that the lungs look right."""
LONGEST_NAME = 64  # Characters of a patient's name or id (DICOM PS3.5, 6.2: LO).


class ExportPanel(QWidget):
    """Says where and how the mask should be saved; shows what was saved."""

    export_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.proposal = Path("mask")  # Without an ending: the format has it.
        self.format = chooser("export_format", "The format to save in")
        for key, one in FORMATS.items():
            self.format.addItem(one.title, key)
        self.lesion = chooser("lesion_type", "What the lesions are, in the words and codes of the saved file")
        self.lesion.addItems([kind.name for kind in LESION_TYPES])
        self.pseudonym = QLineEdit(ANONYMOUS)
        self.pseudonym.setObjectName("pseudonym")
        self.pseudonym.setMaxLength(LONGEST_NAME)
        self.export = button("export", "Export…", EXPORT_TIP)
        self.state = note("export_state")
        column(
            self,
            row(self.format, label="Format"),
            row(self.lesion, label="Lesion type"),
            row(self.pseudonym, label="Pseudonym"),
            row(self.export),
            self.state,
        )
        self.format.currentIndexChanged.connect(self._on_format)
        self.export.clicked.connect(self._on_export)
        self.show_has_scan(False)
        self._on_format()

    @property
    def choice(self) -> ExportChoice:
        """What is chosen now."""
        pseudonym = self.pseudonym.text().strip() or ANONYMOUS
        return ExportChoice(self.format.currentData(), self.lesion.currentText(), pseudonym)

    def show_choice(self, choice: ExportChoice) -> None:
        """Choose what was chosen the last time, where it is still there."""
        for control, index in (
            (self.format, self.format.findData(choice.format)),
            (self.lesion, self.lesion.findText(choice.lesion)),
        ):
            control.setCurrentIndex(max(0, index))
        self.pseudonym.setText(choice.pseudonym)

    def show_has_scan(self, has_scan: bool, has_dicom: bool = False) -> None:
        """Offer to export if there is a scan, in DICOM's formats if it came from DICOM."""
        self.export.setEnabled(has_scan)
        self.show_state("")
        model = self.format.model()
        for index, (key, one) in enumerate(FORMATS.items()):
            offered = has_dicom or not one.needs_dicom
            item = model.item(index) if isinstance(model, QStandardItemModel) else None
            if item is not None:
                item.setEnabled(offered)
                item.setToolTip(one.title if offered else NO_DICOM)
            if not offered and key == self.format.currentData():
                self.format.setCurrentIndex(0)

    def show_state(self, text: str, tip: str = "") -> None:
        """Show what was saved, or that something is to be saved."""
        self.state.setText(text)
        self.state.setToolTip(tip)
        self.state.setVisible(bool(text))

    def _on_format(self, *_: object) -> None:
        named = self.format.currentData() != "nifti"
        self.format.setToolTip(f"The format to save in: {', '.join(FORMATS[self.format.currentData()].endings)}")
        for control, tip in (
            (self.lesion, "What the lesions are, in the words and codes of the saved file"),
            (self.pseudonym, "What the patient is called in the saved file; no name of the scan is ever written"),
        ):
            control.setEnabled(named)
            control.setToolTip(tip if named else NOT_NAMED)

    def _on_export(self) -> None:
        one = FORMATS[self.choice.format]
        proposal = f"{self.proposal}{one.endings[0]}"
        pattern = f"{one.title} ({' '.join(f'*{ending}' for ending in one.endings)})"
        path, _ = QFileDialog.getSaveFileName(self, "Export", proposal, pattern)
        if path:
            self.export_requested.emit(path if path.lower().endswith(one.endings) else f"{path}{one.endings[0]}")
