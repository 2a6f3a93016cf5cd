"""Opening a case: scan, truth, mask and journal come together before anything on the screen changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_lesionseg.review.history import History
from napari_lesionseg.review.session import Session
from napari_lesionseg.review.start import Start
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.read_ahead import CaseRead, ReadAhead
from napari_lesionseg.widgets.recorder import Recorder
from napari_lesionseg.widgets.study_thread import StudyThread
from napari_lesionseg.widgets.view_memory import ViewMemory

if TYPE_CHECKING:
    from napari_lesionseg.study.decide import Worked
    from napari_lesionseg.study.drafts import Draft
    from napari_lesionseg.study.records import Revision
    from napari_lesionseg.study.replay import Restored
    from napari_lesionseg.study.writer import Mode


@dataclass(eq=False)
class OpenCase:
    """The case that is open: what its mask is when it is left, whoever leaves it."""

    id: str
    mode: Mode
    reviewer: str
    study: StudyThread
    scan: Volume
    draft: Draft
    mask: Mask
    history: History
    corrected: frozenset[int]

    @property
    def draws(self) -> bool:
        """Whether it is drawn on, and kept as a correction when it is left."""
        return self.mode in ("edit", "branch")

    @property
    def decides(self) -> bool:
        """Whether a decision on the case is about the mask that is seen, and about no reading of it."""
        return self.mode not in ("reading", "adjudicate")

    def worked(self, mask: Mask) -> Worked:
        """What is to be kept."""
        from napari_lesionseg.study.decide import Worked

        return Worked(self.draft, self.history.length, mask, self.corrected, self.reviewer)


@dataclass(frozen=True)
class _Wanted:
    case: str
    mode: Mode
    reviewer: str
    study: StudyThread


class CaseOpening(QObject):
    """Opens one case in place of another.

    Until scan and journal are there the open case stays, and can be worked on. When it is left, by
    whatever way, its mask is kept as a revision if it has changed.
    """

    opened = Signal(str)
    """The id of the case that is open now."""
    closed = Signal(str)
    """The id of the case that was left."""
    kept = Signal(str)
    """The id of a case whose mask was kept as a revision."""
    locked = Signal(str, object)
    """The id of a case that somebody else works on, and the ``LockedBy``; it is not opened."""
    failed = Signal(str)
    """One sentence."""
    busy_changed = Signal(bool)

    def __init__(self, session: Session, recorder: Recorder, memory: ViewMemory) -> None:
        super().__init__()
        self.session, self.recorder, self.memory = session, recorder, memory
        self.ahead = ReadAhead()
        self.now: OpenCase | None = None
        self.showing = False  # A scan that is opened now is a case's.
        self._wanted: _Wanted | None = None
        self._closed: OpenCase | None = None  # By ``close``.
        self._resumed = False  # The journal of the open case is being opened again.
        self._read: CaseRead | None = None
        self._draft: Draft | None = None
        self._restored: Restored | None = None
        self.ahead.read.connect(self._on_read)
        self.ahead.failed.connect(self._on_not_read)
        recorder.opened.connect(self._on_journal)
        recorder.locked.connect(self._on_locked)
        recorder.not_opened.connect(self._on_not_opened)
        recorder.branched.connect(self._on_branched)
        session.scan_changed.connect(self._on_scan)
        session.history_changed.connect(self._on_history)
        session.slice_changed.connect(self._on_slice)

    @property
    def heading_for(self) -> str:
        """The id of the case that is being opened, else of the open one, else ""."""
        if self._wanted is not None:
            return self._wanted.case
        return "" if self.now is None else self.now.id

    def open(
        self, study: StudyThread, case_id: str, reviewer: str, mode: Mode = "edit", base: Revision | None = None
    ) -> None:
        """Open a case (to adjudicate: from the reading ``base``); ``opened``, ``locked`` or ``failed`` follows."""
        self._wanted = _Wanted(case_id, mode, reviewer, study)
        self._draft, self._restored, self._read = None, None, self.ahead.take(case_id)
        self.busy_changed.emit(True)
        if self.now is not None and self.now.id == case_id:
            self.leave()  # Its own lock would be in the way.
        self.recorder.open_case(study.folder, case_id, reviewer, mode=mode, base=base)
        if self._read is None:
            self.ahead.want(case_id, study)

    def cancel(self) -> None:
        """Open nothing after all."""
        if self._wanted is not None:
            self._wanted = self._read = self._draft = self._restored = None
            self.recorder.drop_next()
            self.busy_changed.emit(False)

    def leave(self) -> None:
        """Keep the open case and forget it; the scan stays on the screen."""
        self.recorder.flush()  # A mask is kept with the line of the journal that made it.
        self._leave()
        self.recorder.detach()
        self.session.set_editable(False)

    def _on_read(self, case_id: str) -> None:
        if self._wanted is not None and case_id == self._wanted.case:
            self._read = self.ahead.take(case_id)
            self._show()

    def _on_not_read(self, case_id: str, sentence: str) -> None:
        if self._wanted is not None and case_id == self._wanted.case:
            self.cancel()
            self.failed.emit(sentence)

    def _on_journal(self, restored: Restored, draft: Draft) -> None:
        if self._wanted is not None and draft.case == self._wanted.case:
            self._draft, self._restored = draft, restored
            self._show()
        elif self._resumed and self.now is not None and draft.case == self.now.id:
            self.now.draft, self._resumed = draft, False

    def _on_locked(self, by: object) -> None:
        if self._wanted is not None:
            case = self._wanted.case
            self.cancel()
            self.locked.emit(case, by)
        elif self._resumed and self.now is not None:
            left, self.now, self._resumed = self.now, None, False  # Its edits so far were kept when it was closed.
            self.closed.emit(left.id)
            self.locked.emit(left.id, by)

    def _on_not_opened(self, sentence: str) -> None:
        if self._wanted is not None:
            self.cancel()
            self.failed.emit(sentence)

    def _on_branched(self, draft: Draft) -> None:
        if self.now is not None and draft.case == self.now.id:
            self.now.draft = draft

    def _show(self) -> None:
        wanted, read, draft, restored = self._wanted, self._read, self._draft, self._restored
        if wanted is None or read is None or draft is None or restored is None:
            return
        view = self.memory.take()
        self._wanted = self._read = self._draft = self._restored = None
        start = Start(
            *(restored.mask, restored.log, restored.corrected, restored.twin),
            slice=self._first_slice(wanted.case, restored),
        )
        self.showing = True
        try:
            self.session.open_scan(read.scan, read.truth, start)
            self.recorder.attach(restored)
        finally:
            self.showing = False
        self.now = OpenCase(
            *(wanted.case, wanted.mode, wanted.reviewer, wanted.study, read.scan, draft, restored.mask),
            *(self.session.history, self.session.corrected_slices),
        )
        self.memory.remember_slice(wanted.case, self.session.slice_index)
        self.memory.give(view)
        self.busy_changed.emit(False)
        self.opened.emit(wanted.case)

    def _first_slice(self, case_id: str, restored: Restored) -> int | None:
        """Where its reviewer was last, else where the last edit was, else the middle."""
        seen = self.memory.slice_of(case_id)
        if seen is not None:
            return seen
        return restored.log[-1].slice if restored.log else None

    def _on_history(self) -> None:
        if self.now is not None and self.session.history is self.now.history:
            self.now.corrected = self.session.corrected_slices

    def _on_slice(self, z: int) -> None:
        if self.now is not None:  # None, too, while another case is being shown.
            self.memory.remember_slice(self.now.id, z)

    def _on_scan(self, scan: Volume | None) -> None:
        if self.now is not None and scan is not self.now.scan:
            self._leave()

    def _leave(self) -> None:
        left, self.now, self._resumed = self.now, None, False
        if left is None:
            return
        if left.draws and left.history.length:
            worked = left.worked(left.mask)

            def keep(study: Any) -> bool:
                from napari_lesionseg.study import decide

                return decide.keep(study, worked) is not None

            left.study.ask(
                keep,
                lambda kept: self.kept.emit(left.id) if kept else None,
                lambda error: self.failed.emit(f"The mask of case {left.id} was not kept as a revision: {error}"),
            )
        self.closed.emit(left.id)

    def close(self) -> None:
        """Keep the open case and end: the window is closing."""
        self.cancel()
        self._closed = self.now
        if self.now is not None:
            self.recorder.flush()
            self._leave()
        self.ahead.close()

    def resume(self, study: StudyThread) -> None:
        """Go on with the case that ``close`` kept, if its scan is still open; its journal is opened again as well."""
        closed, self._closed = self._closed, None
        if closed is not None and self.now is None and closed.scan is self.session.scan:
            self.now, self._resumed = replace(closed, study=study), True
            self.opened.emit(closed.id)
