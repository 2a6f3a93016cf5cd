"""The workbench: all panels in one dock, on one session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QSize, Qt, QTimer
from qtpy.QtWidgets import QFrame, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from napari_lesionseg.review.session import Session
from napari_lesionseg.widgets.adjudication_panel import AdjudicationPanel
from napari_lesionseg.widgets.canvas_drop import CanvasDrop
from napari_lesionseg.widgets.case_keys import CaseKeys
from napari_lesionseg.widgets.cases_panel import CasesPanel
from napari_lesionseg.widgets.close_guard import CloseGuard
from napari_lesionseg.widgets.compare_panel import ComparePanel
from napari_lesionseg.widgets.context import Context, context_for
from napari_lesionseg.widgets.correct_panel import CorrectPanel
from napari_lesionseg.widgets.export_panel import ExportPanel
from napari_lesionseg.widgets.heat_panel import HeatPanel
from napari_lesionseg.widgets.history_panel import HistoryPanel
from napari_lesionseg.widgets.layer_styles import heat_legend
from napari_lesionseg.widgets.lesions_panel import LesionsPanel
from napari_lesionseg.widgets.lungs_panel import LungsPanel
from napari_lesionseg.widgets.open_panel import OpenPanel
from napari_lesionseg.widgets.parts import listen, note
from napari_lesionseg.widgets.presenters.adjudication import AdjudicationPresenter
from napari_lesionseg.widgets.presenters.ask import AskPresenter
from napari_lesionseg.widgets.presenters.cases import CasesPresenter
from napari_lesionseg.widgets.presenters.compare import ComparePresenter
from napari_lesionseg.widgets.presenters.correct import CorrectPresenter
from napari_lesionseg.widgets.presenters.export import ExportPresenter
from napari_lesionseg.widgets.presenters.guests import GuestPresenter
from napari_lesionseg.widgets.presenters.heat import HeatPresenter
from napari_lesionseg.widgets.presenters.history import HistoryPresenter
from napari_lesionseg.widgets.presenters.lesions import LesionsPresenter
from napari_lesionseg.widgets.presenters.lungs import LungsPresenter
from napari_lesionseg.widgets.presenters.open import OpenPresenter
from napari_lesionseg.widgets.presenters.prior import PriorPresenter
from napari_lesionseg.widgets.presenters.retrain import RetrainPresenter
from napari_lesionseg.widgets.presenters.segment import SegmentPresenter
from napari_lesionseg.widgets.presenters.space import SpacePresenter
from napari_lesionseg.widgets.presenters.strips import StripsPresenter
from napari_lesionseg.widgets.presenters.tour import TourPresenter
from napari_lesionseg.widgets.presenters.views import ViewsPresenter
from napari_lesionseg.widgets.presenters.window import WindowPresenter
from napari_lesionseg.widgets.prior_panel import PriorPanel
from napari_lesionseg.widgets.retrain_panel import RetrainPanel
from napari_lesionseg.widgets.save_line import SaveLine
from napari_lesionseg.widgets.section import Section
from napari_lesionseg.widgets.segment_panel import SegmentPanel
from napari_lesionseg.widgets.shortcuts import bind_shortcuts
from napari_lesionseg.widgets.slider_strips import SliderStrips
from napari_lesionseg.widgets.tour_panel import TourPanel
from napari_lesionseg.widgets.views_panel import ViewsPanel
from napari_lesionseg.widgets.window_panel import WindowPanel

WIDTH, MARGIN, SCROLL_BAR = 344, 6, 18  # Pixels.


class Workbench(QWidget):
    """Open, window, segment, compare, correct, export and retrain, in one dock.

    Parameters
    ----------
    napari_viewer
        The viewer, or napari's proxy of it; the parameter's name is napari's.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.setObjectName("lesionseg_workbench")
        self.context: Context = context_for(napari_viewer)
        self.open, self.window_, self.segment = OpenPanel(), WindowPanel(), SegmentPanel()
        self.cases, self.readings = CasesPanel(), AdjudicationPanel()
        self.heat, self.lesions = HeatPanel(heat_legend()), LesionsPanel()
        self.tour, self.strips, self.lungs = TourPanel(), SliderStrips(), LungsPanel()
        self.compare, self.correct, self.export = ComparePanel(), CorrectPanel(), ExportPanel()
        self.views, self.prior = ViewsPanel(), PriorPanel()
        self.retrain, self.history, self.save_line = RetrainPanel(), HistoryPanel(), SaveLine()
        self.sections = self._make_sections()
        self._opened = self.sections["Window"]
        self._reveal = QTimer(self)
        self._reveal.setSingleShot(True)
        self._reveal.timeout.connect(self._show_opened)
        self.status = note("workbench_message")
        self.status.setMinimumWidth(1)  # A path that cannot wrap must not widen the dock.
        self._fit = QTimer(self)
        self._fit.setSingleShot(True)
        self._fit.timeout.connect(self._fit_width)
        self._lay_out()
        self._fit_width()
        self._opener = OpenPresenter(self.open, self.context)
        exporter = ExportPresenter(self.export, self.context)
        self._drop, self._close_guard = CanvasDrop(self), self._guard(exporter)
        self._drop.dropped.connect(self._opener.open_dropped)
        self._cases = CasesPresenter(self.cases, self.context, self._show_study)
        self.open.study_requested.connect(self._cases.open_study)
        self._case_keys = CaseKeys(self.cases, lambda: self.context.study is not None)
        self._strips = StripsPresenter(self.strips, self.context, self.compare, self.history)
        self.strips.setParent(self)  # Until there is a window: then it lies there, and goes with the workbench.
        self.destroyed.connect(self.strips.deleteLater)
        self._presenters = (
            AdjudicationPresenter(self.readings, self.context),
            WindowPresenter(self.window_, self.context),
            ViewsPresenter(self.views, self.context),
            SpacePresenter(self.views, self.context),
            PriorPresenter(self.prior, self.context),
            SegmentPresenter(self.segment, self.context),
            AskPresenter(self.segment, self.context),
            GuestPresenter(self.segment.ask, self.context),
            ComparePresenter(self.compare, self.context),
            HeatPresenter(self.heat, self.context),
            LungsPresenter(self.lungs, self.context),
            LesionsPresenter(self.lesions, self.context),
            TourPresenter(self.tour, self.context),
            CorrectPresenter(self.correct, self.context),
            HistoryPresenter(self.history, self.context),
            exporter,
            RetrainPresenter(self.retrain, self.context),
        )
        listen(self.context.problem, self._on_problem, self)
        listen(self.session.message, self._on_message, self)
        self.save_line.follow(self.context.recorder)
        bind_shortcuts(self.context.viewer, self, self.context.layers)
        self.context.attach(self)
        self._cases.resume()

    @property
    def session(self) -> Session:
        """The session of this viewer."""
        return self.context.session

    def open_scan(self, path: str | Path, *, series: str | None = None, geometry: str | None = None) -> None:
        """Open a scan; raises LesionsegError if it cannot be read, or leaves a question open."""
        self._opener.open_scan(path, series=series, geometry=geometry)

    def open_study(self, folder: str | Path) -> None:
        """Open a study: its cases, or what is wrong with it, are shown as soon as it is read."""
        self._cases.open_study(folder)

    def open_later(self, scan: Path, *, truth: Path | None = None, mask: Path | None = None) -> None:
        """Open files beside the window, which asks what they leave open; returns at once."""
        self._opener.open_later(scan, truth, mask)

    def load_truth(self, path: str | Path) -> None:
        """Load the truth of the open scan; raises LesionsegError if it cannot be read or has another grid."""
        self._opener.load_truth(path)

    def load_mask(self, path: str | Path) -> None:
        """Load a mask to go on correcting; raises LesionsegError if it cannot be read or has another grid."""
        self._opener.load_mask(path)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough for every panel."""
        return QSize(WIDTH, 700)

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Look after the window the workbench is docked in, from when it is shown there."""
        super().showEvent(event)
        window: QWidget | None = self
        while window is not None and not isinstance(window, QMainWindow):
            window = window.parentWidget()
        if window is not None:
            self._drop.watch(window)
            self._close_guard.watch(window)
            self.strips.watch(window)
            self._strips.show()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for another width when napari's style sheet changes what the controls need."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self._fit.start(0)

    def _show_study(self, open_: bool) -> None:
        for title in ("Cases", "Readings"):
            self.sections[title].setVisible(open_)

    def _guard(self, exporter: ExportPresenter) -> CloseGuard:
        return CloseGuard(self.session, exporter.save_then, self.context.is_kept, self)

    def _fit_width(self) -> None:
        needed = max(section.body.minimumSizeHint().width() for section in self.sections.values())
        self._scroll.setMinimumWidth(max(WIDTH, needed) + MARGIN + SCROLL_BAR)

    def _make_sections(self) -> dict[str, Section]:
        panels = {
            "Cases": self.cases,
            "Readings": self.readings,
            "Window": self.window_,
            "Views": self.views,
            "Prior": self.prior,
            "Segment": self.segment,
            "Compare": self.compare,
            "Uncertainty": self.heat,
            "Lungs": self.lungs,
            "Lesions": self.lesions,
            "Tour": self.tour,
            "Correct": self.correct,
            "History": self.history,
            "Export": self.export,
            "Retrain": self.retrain,
        }
        closed = self.context.settings.closed_sections
        return {title: Section(title, panel, open_=title not in closed) for title, panel in panels.items()}

    def _lay_out(self) -> None:
        inner = QWidget()
        inside = QVBoxLayout(inner)
        inside.setContentsMargins(0, 0, MARGIN, 0)
        inside.setSpacing(8)
        for section in self.sections.values():
            section.folded.connect(self._on_folded)
            inside.addWidget(section)
        inside.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 12, 8, 6)  # napari's title bar lies over the first pixels.
        layout.addWidget(self.open)
        layout.addWidget(self.save_line)
        layout.addWidget(self._scroll, stretch=1)
        layout.addWidget(self.status)

    def _on_folded(self, title: str, folded: bool) -> None:
        closed = tuple(title for title, section in self.sections.items() if not section.head.isChecked())
        self.context.settings.remember(closed_sections=closed)
        if not folded:
            self._opened = self.sections[title]
            self._reveal.start(50)  # Once the new height is known.

    def _show_opened(self) -> None:
        self._fit_width()  # A panel has napari's style only once it has been shown.
        self._scroll.ensureWidgetVisible(self._opened, 0, 8)

    def _on_problem(self, sentence: str) -> None:
        self._show_status(sentence, "#E5533D")

    def _on_message(self, sentence: str) -> None:
        scan = self.session.scan
        if scan is None or sentence not in scan.warnings:  # Those stand beside the scan's name.
            self._show_status(sentence, "")

    def _show_status(self, sentence: str, colour: str) -> None:
        self.status.setStyleSheet(f"color: {colour};" if colour else "")
        self.status.setText(sentence)
        self.status.setToolTip(sentence)
        self.status.setVisible(bool(sentence))
