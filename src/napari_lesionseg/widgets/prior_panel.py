"""An earlier study of the same patient, beside the open one."""

from __future__ import annotations

from qtpy.QtCore import Signal, SignalInstance
from qtpy.QtWidgets import QDoubleSpinBox, QFileDialog, QSizePolicy, QWidget

from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.grown import Growth
from napari_lesionseg.widgets.growth_table import GrowthTable
from napari_lesionseg.widgets.open_panel import FILTER
from napari_lesionseg.widgets.parts import button, column, note, row, set_silently, widen

FARTHEST_MM = 999.0
AXES = {
    "z": "Millimetres that the prior scan is moved up, towards the head",
    "y": "Millimetres that the prior scan is moved to posterior",
    "x": "Millimetres that the prior scan is moved to the patient's left",
}


class PriorPanel(QWidget):
    """Says which study to compare with, and how to lay it over the open one; shows how lesions grew."""

    prior_requested = Signal(str)
    mask_requested = Signal(str)
    close_requested = Signal()
    align_requested = Signal()
    shift_requested = Signal(object)
    """A ``Shift``."""
    place_requested = Signal(object)
    """The voxel (z, y, x) to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = ""  # Where file dialogs start.
        self.open_ = button("open_prior", "Prior…", "Open an earlier scan of this patient beside the open one")
        self.load = button("prior_mask", "Its mask…", "Load the mask of the prior scan, to measure growth")
        self.close_ = button("close_prior", "Close", "Close the prior scan")
        self.state = note("prior_state")
        self.shifts = {axis: _spin(f"prior_shift_{axis}", f"{axis} ", tip) for axis, tip in AXES.items()}
        self.align = button("align_prior", "Align", "Lay the lungs of both scans over each other again")
        self.table = GrowthTable()
        self.total = note("growth_total")
        column(
            self,
            row(self.open_, self.load, self.close_),
            self.state,
            row(*self.shifts.values(), self.align),
            self.table,
            self.total,
        )
        self.open_.clicked.connect(lambda: self._ask("Open a prior scan", self.prior_requested))
        self.load.clicked.connect(lambda: self._ask("Load the mask of the prior scan", self.mask_requested))
        self.close_.clicked.connect(self.close_requested)
        self.align.clicked.connect(self.align_requested)
        for spin in self.shifts.values():
            spin.valueChanged.connect(self._on_shift)
        self.table.place_requested.connect(self.place_requested)
        self.show_prior(has_scan=False, name="")
        self.show_growth(None)

    def show_prior(self, *, has_scan: bool, name: str) -> None:
        """Show whether a scan is open to compare with, and what the prior is called, ``""`` for none."""
        self.open_.setEnabled(has_scan)
        controls: tuple[QWidget, ...] = (self.load, self.close_, self.align, *self.shifts.values())
        for control in controls:
            control.setVisible(bool(name))
        self.say(f"Prior: {name}." if name else "")

    def say(self, sentence: str) -> None:
        """Say what is being done, or was."""
        self.state.setText(sentence)
        self.state.setMinimumWidth(1)  # A long name must not widen the dock.
        self.state.setVisible(bool(sentence))

    def show_shift(self, shift: Shift) -> None:
        """Show how the prior lies over the open scan."""
        for axis, spin in self.shifts.items():
            set_silently(spin, float(getattr(shift, axis)))

    def show_growth(self, growth: Growth | None) -> None:
        """Show how every lesion grew, and all of them together."""
        self.table.show_growth(growth)
        self.total.setVisible(growth is not None)
        if growth is not None:
            change = growth.ml - growth.prior_ml
            share = f" ({change / growth.prior_ml:+.0%})" if growth.prior_ml else ""
            self.total.setText(f"Total {growth.prior_ml:.2f} → {growth.ml:.2f} ml: {change:+.2f} ml{share}")

    def _on_shift(self) -> None:
        self.shift_requested.emit(Shift(*(spin.value() for spin in self.shifts.values())))

    def _ask(self, title: str, requested: SignalInstance) -> None:
        path, _ = QFileDialog.getOpenFileName(self, title, self.folder, FILTER)
        if path:
            requested.emit(path)


def _spin(name: str, prefix: str, tip: str) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setObjectName(name)
    made.setToolTip(tip)
    made.setDecimals(1)
    made.setRange(-FARTHEST_MM, FARTHEST_MM)
    made.setKeyboardTracking(False)
    made.setPrefix(prefix)
    widen(made, 80)  # Room for "z -300.0" between napari's two buttons.
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return made
