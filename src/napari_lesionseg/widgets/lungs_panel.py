"""The lungs: found, looked at by a person, mended, and only then measured by."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_lesionseg.widgets.parts import button, check, column, note, row, set_silently

FILTER = "Masks (*.nii *.nii.gz *.nrrd *.seg.nrrd *.nhdr *.mha *.mhd *.dcm);;All files (*)"


class LungsPanel(QWidget):
    """Says what should be done about the lungs; shows how far they can be trusted."""

    find_requested = Signal()
    file_requested = Signal(str)
    """A file with corrected lungs."""
    outline_toggled = Signal(bool)
    mend_toggled = Signal(bool)
    add_requested = Signal()
    check_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.folder = ""
        self.search = button("find_lungs", "Find lungs", "Look for the lungs, with consolidation and tumour in them")
        self.file = button("lungs_from_file", "From file…", "Take corrected lungs from a mask on this scan's grid")
        self.outline = check("lungs_outline", "Outline", "Show the lungs as an outline")
        self.outline.setChecked(True)
        self.mend = button(
            "mend_lungs",
            "Mend",
            "Paint and erase on the lungs with napari's brush (P, E); Ctrl-Z then takes these strokes back",
            checkable=True,
        )
        self.add = button("add_lesions_to_lungs", "Add lesions", "Count what is lesion in the mask as lung, too")
        self.check = button(
            "lungs_look_right",
            "Lungs look right",
            "I have looked at the outline in all slices: state shares of the lungs",
        )
        self.state = note("lungs_state")
        column(
            self,
            row(self.search, self.file),
            row(self.outline, self.mend, self.add),
            row(self.check),
            self.state,
        )
        self.search.clicked.connect(self.find_requested)
        self.file.clicked.connect(self._ask)
        self.outline.toggled.connect(self.outline_toggled)
        self.mend.toggled.connect(self.mend_toggled)
        self.add.clicked.connect(self.add_requested)
        self.check.clicked.connect(self.check_requested)
        self.show_possible(find=False, file=False, lungs=False, checked=False)

    def show_possible(self, *, find: bool, file: bool, lungs: bool, checked: bool) -> None:
        """Offer what can be done: looking for lungs, reading them, and the rest if there are some."""
        self.search.setEnabled(find)
        self.file.setEnabled(file)
        for control in (self.outline, self.mend, self.add):
            control.setEnabled(lungs)
        self.check.setEnabled(lungs and not checked)

    def show_outline(self, shown: bool) -> None:
        """Show whether the outline is on the screen."""
        set_silently(self.outline, shown)

    def show_mending(self, mending: bool) -> None:
        """Show whether the brush is on the lungs."""
        set_silently(self.mend, mending)

    def show_state(self, text: str) -> None:
        """Say how far the lungs are known."""
        self.state.setText(text)

    def _ask(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Take the lungs from a mask", self.folder, FILTER)
        if path:
            self.file_requested.emit(path)
