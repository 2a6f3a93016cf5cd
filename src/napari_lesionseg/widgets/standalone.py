"""Each panel as a dock of its own; they share the workbench's session of the same viewer."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lesionseg.widgets.compare_panel import ComparePanel
from napari_lesionseg.widgets.context import context_for
from napari_lesionseg.widgets.correct_panel import CorrectPanel
from napari_lesionseg.widgets.export_panel import ExportPanel
from napari_lesionseg.widgets.parts import listen, note
from napari_lesionseg.widgets.presenters.ask import AskPresenter
from napari_lesionseg.widgets.presenters.compare import ComparePresenter
from napari_lesionseg.widgets.presenters.correct import CorrectPresenter
from napari_lesionseg.widgets.presenters.export import ExportPresenter
from napari_lesionseg.widgets.presenters.guests import GuestPresenter
from napari_lesionseg.widgets.presenters.retrain import RetrainPresenter
from napari_lesionseg.widgets.presenters.segment import SegmentPresenter
from napari_lesionseg.widgets.presenters.window import WindowPresenter
from napari_lesionseg.widgets.retrain_panel import RetrainPanel
from napari_lesionseg.widgets.segment_panel import SegmentPanel
from napari_lesionseg.widgets.window_panel import WindowPanel


class _Standalone(QWidget):
    """A panel, its presenter, and a line for what went wrong."""

    def __init__(self, panel: QWidget, presenter: Any, viewer: Any) -> None:
        super().__init__()
        context = context_for(viewer)
        self.panel, self.presenter = panel, presenter(panel, context)
        self.status = note("panel_message")
        layout = QVBoxLayout(self)
        layout.addWidget(panel)
        layout.addWidget(self.status)
        layout.addStretch(1)
        listen(context.problem, self._on_problem, self)
        context.attach(self)

    def _on_problem(self, sentence: str) -> None:
        self.status.setText(sentence)


class WindowWidget(_Standalone):
    """The window panel."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(WindowPanel(), WindowPresenter, napari_viewer)


class SegmentWidget(_Standalone):
    """The segment panel."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(SegmentPanel(), SegmentPresenter, napari_viewer)
        context = context_for(napari_viewer)
        self._asking = AskPresenter(self.panel, context), GuestPresenter(self.panel.ask, context)


class CompareWidget(_Standalone):
    """The compare panel."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(ComparePanel(), ComparePresenter, napari_viewer)


class CorrectWidget(_Standalone):
    """The correct panel."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(CorrectPanel(), CorrectPresenter, napari_viewer)


class ExportWidget(_Standalone):
    """The export panel."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(ExportPanel(), ExportPresenter, napari_viewer)


class RetrainWidget(_Standalone):
    """The retrain panel."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(RetrainPanel(), RetrainPresenter, napari_viewer)
