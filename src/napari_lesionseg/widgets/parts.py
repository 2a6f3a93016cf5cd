"""Makers of the controls all panels share: each has a tool tip, and an object name by which tests and demos find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel, QLabeledSlider

from napari_lesionseg.widgets.keys import with_key

LABEL_WIDTH = 92  # Pixels: labels of all panels end at one line.


def button(name: str, text: str, tip: str, *, checkable: bool = False) -> QPushButton:
    """Make a push button that takes its share of the row; its tool tip ends with its key."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(with_key(name, tip))
    made.setCheckable(checkable)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made


def check(name: str, text: str, tip: str) -> QCheckBox:
    """Make a box to tick; its tool tip ends with its key."""
    made = QCheckBox(text)
    made.setObjectName(name)
    made.setToolTip(with_key(name, tip))
    return made


def chooser(name: str, tip: str) -> QComboBox:
    """Make a drop-down list that may be narrower than its longest entry."""
    made = QComboBox()
    made.setObjectName(name)
    made.setToolTip(tip)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(5)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made


def slider(name: str, tip: str, low: int, high: int) -> QLabeledSlider:
    """Make a slider of whole numbers with its number beside it."""
    made = QLabeledSlider(Qt.Orientation.Horizontal)
    made.setRange(low, high)
    made.setObjectName(name)
    made.setToolTip(tip)
    return made


def whole(name: str, tip: str, low: int, high: int) -> QSpinBox:
    """Make a box for a whole number, wide enough for four digits in any font."""
    made = QSpinBox()
    made.setRange(low, high)
    _finish_spin(made, name, tip)
    return made


def decimal(name: str, tip: str, low: float, high: float) -> QDoubleSpinBox:
    """Make a box for a number with two decimals, wide enough for it in any font."""
    made = QDoubleSpinBox()
    made.setRange(low, high)
    _finish_spin(made, name, tip)
    return made


def _finish_spin(made: QAbstractSpinBox, name: str, tip: str) -> None:
    made.setObjectName(name)
    made.setToolTip(tip)
    made.setKeyboardTracking(False)  # A number that is being typed is none yet.
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    made.setStyleSheet("QAbstractSpinBox { min-width: 4em; }")


def widen(control: QWidget, pixels: int) -> None:
    """Give the text of a spin box or button so much room; napari's style sheet overrides what Qt's methods ask for."""
    control.setStyleSheet(f"QAbstractSpinBox, QPushButton {{ min-width: {pixels}px; }}")


def note(name: str, text: str = "") -> QLabel:
    """Make a line of text that wraps."""
    made = QLabel(text)
    made.setObjectName(name)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def heading(text: str) -> QLabel:
    """Make the headline of a group of controls in a panel."""
    made = QLabel(text)
    made.setStyleSheet("QLabel { font-weight: bold; }")
    return made


def amber_note(name: str) -> QLabel:
    """Make a line of text that asks for attention, on any theme."""
    made = note(name)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setStyleSheet("QLabel { background: #F0B13C; color: #1C1C1C; border-radius: 3px; padding: 4px; }")
    return made


def path_label(name: str, tip: str) -> QElidingLabel:
    """Make a label that leaves out the middle of a path that is too long."""
    made = QElidingLabel()
    made.setElideMode(Qt.TextElideMode.ElideMiddle)
    made.setObjectName(name)
    made.setToolTip(tip)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return made


def row(*widgets: QWidget, label: str = "") -> QHBoxLayout:
    """Put widgets beside each other, behind a label of the common width if there is one."""
    made = QHBoxLayout()
    made.setSpacing(6)
    if label:
        text = QLabel(label)
        text.setFixedWidth(LABEL_WIDTH)
        made.addWidget(text)
    for widget in widgets:
        made.addWidget(widget)
    return made


def column(owner: QWidget, *items: QWidget | QHBoxLayout) -> QVBoxLayout:
    """Make ``owner`` a column of widgets and rows that keeps its height."""
    made = QVBoxLayout(owner)
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(6)
    for item in items:
        if isinstance(item, QWidget):
            made.addWidget(item)
        else:
            made.addLayout(item)
    owner.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
    return made


def set_silently(control: Any, value: Any) -> None:
    """Show ``value`` in a control, without the control saying that the user changed it."""
    blocker = QSignalBlocker(control)
    setter = control.setChecked if isinstance(value, bool) else control.setValue
    setter(value)
    blocker.unblock()


def hear(signal: Any, slot: Callable[..., Any], owner: QWidget) -> None:
    """Connect a Qt signal of something that outlives ``owner``'s widget for as long as that exists."""
    held = [slot]  # Let go with the widget: Python cannot see through a Qt connection, and would never free the window.
    owner.destroyed.connect(lambda *_: held.clear())
    signal.connect(lambda *told: held[0](*told) if held else None)


def listen(signal: SignalInstance, slot: Callable[..., Any], owner: QWidget) -> None:
    """Connect a session's signal for as long as ``owner``'s widget exists."""
    signal.connect(slot)
    owner.destroyed.connect(lambda *_: signal.disconnect(slot, missing_ok=True))
