"""Two strips under napari's slice slider: how good each slice is, and which ones have not been seen yet."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QPoint, Signal
from qtpy.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from napari_lesionseg.widgets.look_strip import LookStrip
from napari_lesionseg.widgets.slice_strip import SliceStrip

SCORES_HEIGHT, LOOKS_HEIGHT = 22, 14  # Pixels.
DIMS = "QtDims"  # napari's widget of sliders; it has no public name.


class SliderStrips(QWidget):
    """Lies below the sliders of a window, as long and as wide as the slider of slices; a click goes to a slice."""

    slice_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("slider_strips")
        self.scores, self.looks = SliceStrip(), LookStrip()
        self.scores.setObjectName("slider_scores")
        self.looks.setObjectName("slider_looks")
        self.scores.setFixedHeight(SCORES_HEIGHT)
        self.looks.setFixedHeight(LOOKS_HEIGHT)
        self._dims: Any = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 2)
        self._column.setSpacing(2)
        for strip in (self.scores, self.looks):
            self._column.addWidget(strip)
            strip.slice_requested.connect(self.slice_requested)
        self.show_parts(has_scan=False, has_truth=False)

    def watch(self, window: QMainWindow) -> None:
        """Lie in this window from now on, if it has sliders."""
        found = [one for one in window.findChildren(QWidget) if type(one).__name__ == DIMS]
        owner = found[0].parentWidget() if found else None
        layout = None if owner is None else owner.layout()
        if self._dims is None and owner is not None and layout is not None:
            self._dims = found[0]
            self._dims.installEventFilter(self)
            layout.addWidget(self)
            self._align()

    def show_parts(self, *, has_scan: bool, has_truth: bool) -> None:
        """Be there only with something to show."""
        self.scores.setVisible(has_scan and has_truth)
        self.looks.setVisible(has_scan)
        self.setVisible(has_scan and self._dims is not None)
        self._align()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Keep to the slider when it moves."""
        if event is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._align()
        return bool(super().eventFilter(watched, event))

    def _align(self) -> None:
        sliders = [] if self._dims is None else self._dims.slider_widgets
        owner = self.parentWidget()
        if not sliders or owner is None:
            return
        slider = sliders[0].slider
        left = slider.mapTo(owner, QPoint(0, 0)).x()
        self._column.setContentsMargins(max(0, left), 0, max(0, owner.width() - left - slider.width()), 2)
