"""A scan that was opened without a study is journaled to the user's own desk, by the same path as a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.case_opening import CaseOpening
from napari_lesionseg.widgets.case_table import local_time
from napari_lesionseg.widgets.lock_dialog import ask_locked
from napari_lesionseg.widgets.recorder import Recorder

if TYPE_CHECKING:
    from napari_lesionseg.study.locks import LockedBy
    from napari_lesionseg.study.writer import Mode

THE_SCAN = "of this scan"


class LooseJournal(QObject):
    """Opens the desk's journal of every scan that is no case's.

    Parameters
    ----------
    say
        Told one sentence when edits of an earlier time were restored.
    reviewer
        Gives the reviewer's name.
    """

    def __init__(
        self,
        session: Session,
        recorder: Recorder,
        opening: CaseOpening,
        say: Callable[[str], None],
        reviewer: Callable[[], str],
    ) -> None:
        super().__init__()
        self._session, self._recorder, self._opening = session, recorder, opening
        self._say, self._reviewer = say, reviewer
        self._scan: Volume | None = None
        recorder.opened.connect(self._on_opened)
        recorder.locked.connect(self._on_locked)
        session.scan_changed.connect(self._on_scan)

    def _on_scan(self, scan: Volume | None) -> None:
        self._scan = None
        if self._opening.showing:
            return
        self._opening.cancel()
        if scan is not None:
            self._scan = scan
            self._begin(scan, "edit")

    def _begin(self, scan: Volume, mode: Mode) -> None:
        from napari_lesionseg.study.desk import desk_writer  # Without SQLAlchemy: its thread imports that.

        self._recorder.detach()  # The same scan opened again: its own lock would be in the way.
        reviewer = self._reviewer()
        self._recorder.open_with(
            lambda listener: desk_writer(scan, reviewer, listener, mode=mode), reading=mode == "read"
        )
        self._recorder.attach()

    def _on_opened(self, restored: Any, _draft: object) -> None:
        if self._scan is None or self._session.scan is not self._scan or not restored.log:
            return
        lines = len(restored.log)
        edits = "1 edit" if lines == 1 else f"{lines} edits"
        when = local_time(restored.log[-1].time)
        self._say(f"Your {edits} of this scan (the last: {when}) came back from the journal; undo takes them back.")

    def _on_locked(self, by: LockedBy) -> None:
        scan = self._scan
        if scan is None or self._session.scan is not scan:
            return
        choice = ask_locked("", by.reviewer, by.host, by.since)
        if self._session.scan is not scan:
            return
        if choice:
            self._begin(scan, choice)
        else:
            self._session.close_scan()
