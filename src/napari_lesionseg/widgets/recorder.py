"""The session's edits on their way to the journal, and what the journal knows on its way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_lesionseg.review.changes import Entry
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.looks import Looks
from napari_lesionseg.widgets.recording import Recording
from napari_lesionseg.widgets.save_state import NO_STATE, SaveState

if TYPE_CHECKING:
    from napari_lesionseg.study.drafts import Draft
    from napari_lesionseg.study.records import Revision
    from napari_lesionseg.study.replay import Restored
    from napari_lesionseg.study.writer import Mode
    from napari_lesionseg.widgets.recording import MakeWriter

TICK_MS, SETTLE_MS = 500, 400
CLOSE_SECONDS = 2.0  # A writer that needs longer goes on by itself.


class Recorder(QObject):
    """Journals one case at a time; the next one may be opened ahead.

    ``open_case`` starts a writer in its thread. ``attach``, once the session has the scan it is about,
    restores the session from the journal as soon as that is read, and journals every edit from then on.
    What was edited in between is kept as one more step. When the session drops the scan, the writer ends.
    """

    opened = Signal(object, object)
    """The ``Restored`` and the ``Draft`` of the next case, or of the attached one."""
    locked = Signal(object)
    """The ``LockedBy`` that says who has the case; nothing is journaled."""
    branched = Signal(object)
    """The ``Draft`` in which the attached case goes on: another reviewer took over the old one."""
    saved = Signal(int, str)
    """The position up to which the attached case is on the disk, and when (UTC, ISO 8601)."""
    failed = Signal(str)
    """One sentence: edits of the attached case cannot be written now."""
    not_opened = Signal(str)
    """One sentence: the next case cannot be opened now."""
    state_changed = Signal(object)
    """The ``SaveState`` of the attached case."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._closed: tuple[Recording, Volume | None] | None = None  # By ``close``, and on which scan.
        self._next: Recording | None = None
        self._current: Recording | None = None
        self._recording = False  # Lines are taken: the session is where the journal is.
        self._scan: Volume | None = None
        self._place: tuple[Path, str] | None = None  # Study and case of the attached one.
        self._next_place: tuple[Path, str] | None = None
        self._state = NO_STATE
        self.looks = Looks(session)
        self._tick, self._settle = QTimer(self), QTimer(self)
        self._tick.timeout.connect(self._on_tick)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(session.settle)
        session.edited.connect(self._on_edited)
        session.scan_changed.connect(self._on_scan)
        session.threshold_changed.connect(self._on_threshold)

    # ---- what others ask for

    @property
    def is_open(self) -> bool:
        """Whether the session is where the journal is: edits are journaled, or the mask is only read."""
        return self._recording

    @property
    def draft(self) -> Draft | None:
        """The draft that is drawn in, None before it is restored."""
        return self._current.draft if self._current is not None and self._recording else None

    @property
    def position(self) -> int:
        """The position of the last line of the journal, on the disk or on its way there."""
        return self._session.history.length

    @property
    def state(self) -> SaveState:
        """How the journal of the attached case stands."""
        return self._state

    def open_case(
        self, study_folder: Path, case_id: str, reviewer: str, *, mode: Mode = "edit", base: Revision | None = None
    ) -> None:
        """Open the journal of a case in its own thread, as the next one to attach; see ``study.writer``."""
        from napari_lesionseg.study.writer import Writer  # Without SQLAlchemy: its thread imports that.

        place = (study_folder, case_id)
        if self._place == place and self._current is not None:
            self.detach()  # Its own lock would be in the way.
        self.open_with(
            lambda listener: Writer(study_folder, case_id, reviewer, listener, mode=mode, base=base),
            reading=mode == "read",
        )
        self._next_place = place

    def open_desk(self, scan: Volume, reviewer: str) -> None:
        """Open the journal of a scan without a study, as the next one to attach; its thread hashes the scan."""
        from napari_lesionseg.study.desk import desk_writer

        self.open_with(lambda listener: desk_writer(scan, reviewer, listener))

    def open_with(self, make: MakeWriter, reading: bool = False) -> None:
        """Open the journal that ``make`` writes, as the next one to attach."""
        self.drop_next()
        self._next_place = None
        self._next = Recording(make, reading=reading)
        self._next.opened.connect(self._on_opened)
        self._next.locked.connect(self._on_locked)
        self._next.saved.connect(self._on_saved)
        self._next.failed.connect(self._on_failed)
        self._next.branched.connect(self._on_branched)
        self._next.writer.start()

    def drop_next(self) -> None:
        """Close the journal that was opened ahead and is not wanted."""
        dropped, self._next = self._next, None
        _end(dropped)

    def attach(self, restored: Restored | None = None) -> None:
        """Take the open scan as the one whose journal was opened last; the session began with ``restored`` already."""
        if self._next is None:
            return
        following, self._next = self._next, None
        self.detach()
        self._current, self._scan, self._place = following, self._session.scan, self._next_place
        self._session.history.set_source(following.writer.fetch)
        self._tick.start(TICK_MS)
        self._restore(restored)
        self._show()

    def flush(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Settle the session, and wait until all is on the disk; False if it is not after ``timeout`` seconds."""
        self._session.settle()
        if self._current is None or not self._recording or self._current.reading:
            return True
        self.looks.count()
        kept = self._current.writer.flush(timeout)
        self._show()
        return kept

    def detach(self) -> bool:
        """End the journal of the attached case; False if not all was on the disk: it goes on trying."""
        self.looks.end()
        ended, self._current = self._current, None
        self._recording, self._scan = False, None
        self._tick.stop()
        self._show()
        return _end(ended)

    def close(self) -> bool:
        """Keep what is open and end: the window is closing. False if not all was on the disk."""
        self._settle.stop()
        self._session.settle()
        self.drop_next()
        self._closed = None if self._current is None else (self._current, self._scan)
        return self.detach()

    def resume(self) -> None:
        """Journal the open scan again if ``close`` ended that: a panel was closed, and another one is opened."""
        closed, self._closed = self._closed, None
        if closed is not None and closed[1] is self._session.scan:
            self.open_with(closed[0].make, closed[0].reading)
            self._next_place = self._place  # It is the case that was attached last.
            self.attach()

    # ---- from the session

    def _on_edited(self, entry: Entry) -> None:
        if self._current is not None and self._recording:
            self._current.put(entry)
            self.looks.touch()

    def _on_scan(self, scan: Volume | None) -> None:
        if self._current is not None and scan is not self._scan:
            self.detach()

    def _on_threshold(self) -> None:
        self._settle.start(SETTLE_MS)  # A slider that rests is one step.

    # ---- from the writer

    def _on_opened(self, restored: object, draft: object) -> None:
        self._restore()
        if self.sender() in (self._current, self._next):
            self.opened.emit(restored, draft)

    def _restore(self, begun_with: Restored | None = None) -> None:
        current = self._current
        if current is None or current.restored is None or self._recording:
            return
        restored, self._recording = current.restored, True  # What was edited meanwhile is one more line.
        if restored is not begun_with:
            self._session.restore(restored.mask, restored.log, restored.corrected)
        current.restored = None  # Its mask is of no more use.
        self._session.set_editable(not current.reading)
        self.looks.begin(current)
        self._show()

    def _on_locked(self, by: object) -> None:
        if self.sender() is self._current:
            self._session.set_editable(False)
        if self.sender() in (self._current, self._next):  # Nobody waits for one that was closed.
            self.locked.emit(by)

    def _on_saved(self, position: int, time: str) -> None:
        if self.sender() is self._current:
            self._session.history.acknowledge(position)
            self._show()
            self.saved.emit(position, time)

    def _on_failed(self, sentence: str) -> None:
        if self.sender() is self._current:
            self._show()
            self.failed.emit(sentence)
        elif self.sender() is self._next:
            self.not_opened.emit(sentence)

    def _on_branched(self, draft: object) -> None:
        if self.sender() is self._current:
            self.branched.emit(draft)

    # ---- time

    def _on_tick(self) -> None:
        self.looks.count()
        self._show()

    def _show(self) -> None:
        state = NO_STATE if self._current is None else self._current.state
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)


def _end(recording: Recording | None) -> bool:
    if recording is None:
        return True
    kept = recording.writer.close(CLOSE_SECONDS)
    recording.deleteLater()
    return kept
