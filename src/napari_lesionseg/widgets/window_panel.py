"""The grey-value window: presets, numbers, and a tool to drag it on the canvas."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QSizePolicy, QWidget

from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.keys import with_key
from napari_lesionseg.widgets.parts import button, column, row, set_silently, widen

SHORT_NAMES = {"lung": "Lung", "wide lung": "Wide lung", "mediastinum": "Mediast.", "bone": "Bone"}
NOT_HU = "Switched off: this scan holds grey levels, not Hounsfield units"


class WindowPanel(QWidget):
    """Says which window is wanted, and shows the one there is."""

    window_requested = Signal(object)
    """A ``Window``."""
    drag_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.presets = {
            name: button(f"preset_{name.replace(' ', '_')}", SHORT_NAMES[name], _preset_tip(name), checkable=True)
            for name in PRESETS
        }
        self.level = _spin("window_level", "L ", "Centre of the window: the value shown as middle grey", -10000)
        self.width_ = _spin("window_width", "W ", "Width of the window: the range from black to white", 1)
        self.drag = button(
            "window_drag",
            "Drag",
            "Drag on the canvas: right for a wider window, up for a higher level",
            checkable=True,
        )
        widen(self.drag, 40)
        column(self, row(*self.presets.values()), row(self.level, self.width_, self.drag))
        for name, preset in self.presets.items():
            preset.clicked.connect(lambda _=False, window=PRESETS[name]: self.window_requested.emit(window))
        self.level.valueChanged.connect(self._on_number)
        self.width_.valueChanged.connect(self._on_number)
        self.drag.toggled.connect(self.drag_toggled)

    def show_window(self, window: Window) -> None:
        """Show the numbers, and the preset they belong to."""
        set_silently(self.level, window.level)
        set_silently(self.width_, window.width)
        for name, preset in self.presets.items():
            set_silently(preset, PRESETS[name] == window)

    def show_intensity(self, intensity: str) -> None:
        """Offer presets for ``"HU"`` only, and say why not otherwise."""
        is_hu = intensity == "HU"
        for name, preset in self.presets.items():
            preset.setEnabled(is_hu)
            preset.setToolTip(with_key(preset.objectName(), _preset_tip(name) if is_hu else NOT_HU))
        for number in (self.level, self.width_):
            number.setSingleStep(10 if is_hu else 1)

    def _on_number(self) -> None:
        self.window_requested.emit(Window(self.level.value(), self.width_.value()))


def _preset_tip(name: str) -> str:
    window = PRESETS[name]
    return f"{name.capitalize()} window: width {window.width:g}, level {window.level:g} HU"


def _spin(name: str, prefix: str, tip: str, lowest: float) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setObjectName(name)
    made.setToolTip(tip)
    made.setDecimals(0)
    made.setRange(lowest, 40000)
    made.setKeyboardTracking(False)
    made.setPrefix(prefix)
    widen(made, 100)  # Room for "W 10000" between napari's two buttons.
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return made
