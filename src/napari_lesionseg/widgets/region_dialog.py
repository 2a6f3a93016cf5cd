"""A DICOM mask whose regions overlap: a person chooses which of them is the lesion."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QVBoxLayout, QWidget

from napari_lesionseg.widgets.parts import note

WIDTH = 420


class RegionDialog(QDialog):
    """The problem in words, and the regions by name; Enter or a double click opens one, Escape none.

    Parameters
    ----------
    problem
        Which regions overlap, in one sentence.
    names
        Of all regions of the file.
    """

    def __init__(self, problem: str, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Which region?")
        self.setObjectName("region_dialog")
        self.setMinimumWidth(WIDTH)
        self.list = QListWidget()
        self.list.setObjectName("regions")
        self.list.setToolTip("Only the region you choose is opened")
        self.list.addItems(list(names))
        self.list.setCurrentRow(0)
        self.list.itemDoubleClicked.connect(lambda _: self.accept())
        buttons = QDialogButtonBox()
        buttons.addButton(QDialogButtonBox.StandardButton.Open)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(note("region_problem", problem.rstrip(".") + "."))
        layout.addWidget(self.list)
        layout.addWidget(buttons)

    @property
    def chosen(self) -> str:
        """The name of the region chosen."""
        item = self.list.currentItem()
        return "" if item is None else item.text()
