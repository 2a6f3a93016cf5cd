"""The grey-value window: presets, numbers, and a tool to drag it on the canvas."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QSizePolicy, QWidget

from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.keys import with_key
from napari_lesionseg.widgets.parts import button, check, column, row, set_silently, widen

SHORT_NAMES = {name: name.capitalize() for name in PRESETS} | {"mediastinum": "Mediast."}
OPTIONS = {
    "drag_inverted": ("Invert drag", "Drag the other way: left for a wider window, down for a higher level"),
    "wheel_slices": (
        "Wheel: slices",
        "The wheel goes through the slices; with Ctrl or Shift it zooms",
    ),
    "side_marks": ("Sides", "Letters on the canvas for the patient's right and left, front and back, head and feet"),
    "scale_bar": ("Scale bar", "A bar of millimetres on the canvas"),
}
"""What the settings remember, by its name there."""
NOT_HU = "Switched off: this scan holds grey levels, not Hounsfield units"


class WindowPanel(QWidget):
    """Says which window is wanted, and shows the one there is."""

    window_requested = Signal(object)
    """A ``Window``."""
    auto_requested = Signal()
    """The window of the lungs or, where they are not known, of the body."""
    drag_toggled = Signal(bool)
    keys_requested = Signal()
    option_toggled = Signal(str, bool)
    """A key of ``OPTIONS``, and whether it is wanted."""

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
            "Drag on the canvas: right for a wider window, up for a higher level; with Ctrl held, any tool in hand",
            checkable=True,
        )
        widen(self.drag, 40)
        self.auto = button("window_auto", "Auto", "Fit the window to the lungs; to the body while they are not known")
        self.options = {name: check(name, *texts) for name, texts in OPTIONS.items()}
        self.keys = button("show_keys", "Keys…", "All keys, in a window of their own")
        self.keys.clicked.connect(self.keys_requested)
        presets, options = [*self.presets.values(), self.auto], list(self.options.values())
        numbers = row(self.level, self.width_, self.drag)
        column(self, row(*presets[:3]), row(*presets[3:]), numbers, row(*options[:2]), row(*options[2:], self.keys))
        for name, option in self.options.items():
            option.toggled.connect(lambda on, name=name: self.option_toggled.emit(name, on))
        self.auto.clicked.connect(self.auto_requested)
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

    def show_option(self, name: str, on: bool) -> None:
        """Show whether an option of ``OPTIONS`` is wanted."""
        set_silently(self.options[name], on)

    def show_open(self, open_: bool) -> None:
        """Offer to fit the window if there is a scan to fit it to."""
        self.auto.setEnabled(open_)

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
