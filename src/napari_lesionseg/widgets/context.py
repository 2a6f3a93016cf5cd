"""What the panels of one viewer share: the session, its layers, the settings and the long jobs."""

from __future__ import annotations

import logging
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.utils.notifications import show_error
from psygnal import Signal
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.redact import private_trace
from napari_lesionseg.review.cross_hair import CrossHair
from napari_lesionseg.review.prior import Prior
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.case_opening import CaseOpening
from napari_lesionseg.widgets.export_worker import ExportWorker
from napari_lesionseg.widgets.growth_worker import GrowthWorker
from napari_lesionseg.widgets.keep_worker import KeepWorker
from napari_lesionseg.widgets.layer_guard import LayerGuard
from napari_lesionseg.widgets.layers import LayerBridge
from napari_lesionseg.widgets.loose_journal import LooseJournal
from napari_lesionseg.widgets.lungs_worker import LungsWorker
from napari_lesionseg.widgets.mouse import Mouse
from napari_lesionseg.widgets.read_worker import ReadWorker
from napari_lesionseg.widgets.recorder import Recorder
from napari_lesionseg.widgets.role_dialog import ask_role
from napari_lesionseg.widgets.segment_worker import SegmentWorker
from napari_lesionseg.widgets.settings import Settings
from napari_lesionseg.widgets.study_thread import StudyThread
from napari_lesionseg.widgets.surface_worker import SurfaceWorker
from napari_lesionseg.widgets.tour import Tour
from napari_lesionseg.widgets.trainer_process import TrainerProcess
from napari_lesionseg.widgets.view_memory import ViewMemory

_LOG = logging.getLogger(__name__)
_CONTEXTS: weakref.WeakKeyDictionary[ViewerModel, Context]


class Context:
    """One viewer's session and everything that answers for it; get it by ``context_for``."""

    problem = Signal(str)  # One sentence about what went wrong.
    models_changed = Signal(str)  # Another model can be chosen: its name.

    def __init__(self, viewer: ViewerModel) -> None:
        self.settings = Settings.load()
        self.session = Session()
        self.recorder = Recorder(self.session)
        self.layers = LayerBridge(viewer, self.session)
        self.tour = Tour(self.session, self.layers)
        self.mouse = Mouse(self.layers)
        self.cross_hair, self.prior = CrossHair(self.session), Prior(self.session)
        viewer.mouse_move_callbacks.append(lambda *_: self.recorder.looks.touch())
        self.opening = CaseOpening(self.session, self.recorder, ViewMemory(self.layers))
        self.loose = LooseJournal(self.session, self.recorder, self.opening, self.say, lambda: self.settings.reviewer)
        self.study: StudyThread | None = None  # The open study.
        self._closed_study: Path | None = None  # By ``close``.
        self.guard = LayerGuard(self.layers, self.session, self.complain, ask_role, self.is_kept)
        self.reader = ReadWorker()
        self.prior_reader, self.grower, self.surfaces = ReadWorker(), GrowthWorker(), SurfaceWorker()
        self.segmenter = SegmentWorker()
        self.lungs = LungsWorker()
        self.keeper = KeepWorker()
        self.exporter = ExportWorker()
        self.trainer = TrainerProcess()
        self.inputs: set[Path] = set()  # Files that were opened, and so are never written to.
        self._panels = 0

    @property
    def viewer(self) -> ViewerModel:
        """The viewer."""
        return self.layers.viewer

    def attach(self, panel: QWidget) -> None:
        """Count ``panel`` as a user of this context; when the last one goes, the long jobs are stopped."""
        self._panels += 1
        self._resume()
        panel.destroyed.connect(self._on_panel_gone)

    def _resume(self) -> None:
        """Go on with what ``close`` ended: a dock was closed, and another one is opened."""
        folder, self._closed_study = self._closed_study, None
        self.recorder.resume()
        if folder is not None and self.study is None:
            self.study = StudyThread(folder)
            self.opening.resume(self.study)

    def _on_panel_gone(self) -> None:
        self._panels -= 1
        if self._panels == 0:
            with suppress(RuntimeError, LesionsegError):  # Its button, or the whole viewer, is gone.
                self.mouse.put_down()
            with suppress(RuntimeError):  # When Python ends, Qt's objects go in any order; children end by themselves.
                self.close()

    def close(self) -> None:
        """Stop the long jobs; what is open stays open for the next panel."""
        self.guard.stop()
        self.tour.close()
        self.opening.close()
        self.recorder.close()
        if self.study is not None:
            self._closed_study = self.study.folder
            self.study.close()
            self.study = None
        self.reader.close()
        self.prior_reader.close()
        self.grower.close()
        self.surfaces.close()
        self.segmenter.close()
        self.lungs.close()
        self.keeper.close()
        self.exporter.close()
        self.trainer.stop()

    def say(self, sentence: str) -> None:
        """Show a sentence in the status line."""
        self.session.message.emit(sentence)

    def complain(self, sentence: str) -> None:
        """Show what went wrong, in the workbench and as a notification of napari."""
        self.problem.emit(sentence)
        show_error(sentence)

    def report(self, error: BaseException) -> None:
        """Show an error as the one sentence it is."""
        if isinstance(error, LesionsegError):
            self.complain(str(error))
            return
        _LOG.error("unexpected error\n%s", private_trace(error))
        self.complain(f"Something unexpected went wrong ({type(error).__name__}: {error}); the log has the details.")

    def is_kept(self) -> bool:
        """Whether every edit of the open scan is in the journal, on the disk."""
        return self.recorder.is_open and self.recorder.flush()

    def may_discard(self, parent: QWidget | None) -> bool:
        """Ask whether corrections may be lost that are neither exported nor in the journal; True if there are none."""
        if not self.session.dirty or self.is_kept():
            return True
        question = "Corrections of the open scan are neither saved nor exported. Discard them?"
        answer = QMessageBox.question(parent, "Discard corrections?", question)
        return bool(answer == QMessageBox.StandardButton.Yes)


def context_for(viewer: Any) -> Context:
    """The context of ``viewer``, made on first use; panels docked on their own get the same one."""
    model = getattr(viewer, "__wrapped__", viewer)  # Plugins are handed a proxy of the viewer.
    if model not in _CONTEXTS:
        _CONTEXTS[model] = Context(model)
    return _CONTEXTS[model]


def scan_open_in(viewer: Any) -> Volume | None:
    """The scan that is open in ``viewer``, None also where there is no workbench yet."""
    context = _CONTEXTS.get(getattr(viewer, "__wrapped__", viewer))
    return None if context is None else context.session.scan


def session_for(viewer: Any) -> Session:
    """The session that all panels of ``viewer`` share."""
    return context_for(viewer).session


_CONTEXTS = weakref.WeakKeyDictionary()
