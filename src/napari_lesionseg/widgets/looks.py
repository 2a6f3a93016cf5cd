"""How long each slice of the open case is looked at: counted, handed to its journal, and read from it."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QGuiApplication

from napari_lesionseg.review.dwell import Dwell
from napari_lesionseg.review.session import Session
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.recording import Recording

if TYPE_CHECKING:
    from napari_lesionseg.study.drafts import Draft
    from napari_lesionseg.study.writer import Place

_LOG = logging.getLogger(__name__)


class Looks(QObject):
    """Counts while a journal is open, and while somebody is at the window."""

    looked = Signal(int)
    """The display slice (z) that was looked at for longer."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.seconds: dict[int, float] = defaultdict(float)  # By display slice (z), of all days.
        self._session = session
        self._recording: Recording | None = None
        self._dwell = Dwell(self._on_looked)
        session.slice_changed.connect(self._dwell.look)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.applicationStateChanged.connect(self._on_application)

    def begin(self, recording: Recording) -> None:
        """Count for this journal, on from what it knows of earlier days."""
        self._recording = recording
        self._dwell.look(self._session.slice_index)
        if recording.draft is not None:
            place, draft = recording.writer.place, recording.draft
            run_in_background(
                lambda: _read(place, draft),
                lambda earlier: self._add(recording, earlier),
                lambda error: _LOG.warning("the time spent on slices was not read: %s", type(error).__name__),
            )

    def end(self) -> None:
        """Hand over the last moments, and count no more."""
        self._dwell.look(None)
        self._recording = None
        self.seconds.clear()

    def count(self) -> None:
        """Hand over what was counted up to now."""
        self._dwell.count()

    def touch(self) -> None:
        """Take note that somebody is at the window."""
        self._dwell.touch()

    def _add(self, recording: Recording, earlier: dict[int, float]) -> None:
        if recording is not self._recording:
            return
        for z, seconds in earlier.items():
            self.seconds[z] += seconds
            self.looked.emit(z)

    def _on_looked(self, z: int, seconds: float) -> None:
        if self._recording is not None:
            self._recording.writer.looked(z, seconds)
            self.seconds[z] += seconds
            self.looked.emit(z)

    def _on_application(self, state: Qt.ApplicationState) -> None:
        self._dwell.set_active(state == Qt.ApplicationState.ApplicationActive)


def _read(place: Place, draft: Draft) -> dict[int, float]:
    from napari_lesionseg.study.looks import seconds_per_slice
    from napari_lesionseg.study.reopen import reopen_study

    return seconds_per_slice(reopen_study(place()[0]), draft)
