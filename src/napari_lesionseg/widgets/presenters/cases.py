"""The cases of a study: opened and gone through; the study itself is asked in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from napari_lesionseg.study.queue import CaseSummary, next_case
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.cases_panel import CasesPanel
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.lock_dialog import ask_locked
from napari_lesionseg.widgets.parts import hear
from napari_lesionseg.widgets.presenters.case_comments import CaseComments
from napari_lesionseg.widgets.presenters.case_decisions import CaseDecisions
from napari_lesionseg.widgets.presenters.study_asker import StudyAsker
from napari_lesionseg.widgets.study_thread import StudyThread

if TYPE_CHECKING:
    from napari_lesionseg.study import Study
    from napari_lesionseg.study.locks import LockedBy
    from napari_lesionseg.study.writer import Mode

REFRESH_MS = 30_000  # Other reviewers work on the same study.


class CasesPresenter:
    """Answers the cases panel.

    Parameters
    ----------
    show_section
        Called with whether a study is open, so that its section is seen.
    """

    def __init__(self, panel: CasesPanel, context: Context, show_section: Callable[[bool], None]) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.opening = context.opening
        self._show_section = show_section
        self._refresh = QTimer(panel)
        self._refresh.timeout.connect(self.refresh)
        self._connect_panel()
        hear(self.opening.opened, self._on_opened, panel)
        hear(self.opening.closed, self._on_closed, panel)
        hear(self.opening.kept, self._on_kept, panel)
        hear(self.opening.locked, self._on_locked, panel)
        hear(self.opening.failed, self._on_failed, panel)
        hear(self.opening.busy_changed, panel.show_busy, panel)
        self._asker = StudyAsker(panel, context)
        self._comments = CaseComments(panel, context, self._asker)
        self._decisions = CaseDecisions(
            panel, context, self._asker, self._comments, lambda case_id: self._open(case_id, "edit")
        )
        show_section(False)

    def _connect_panel(self) -> None:
        panel = self.panel
        panel.case_requested.connect(self.open_case)
        panel.step_requested.connect(self._on_step)
        panel.reviewer_changed.connect(self._on_reviewer)
        panel.close_requested.connect(self.close_study)
        panel.reviewer.setText(self.context.settings.reviewer)

    # ---- the study

    def open_study(self, folder: str | Path) -> None:
        """Open a study in place of another; its cases are shown as soon as they are read.

        The study that is open already stays as it is, with its open case.
        """
        folder, now = Path(folder).resolve(), self.context.study
        if now is None or now.folder != folder:
            self.close_study()
            now = self.context.study = StudyThread(folder)
        self._show_study(now)

    def resume(self) -> None:
        """Show the study that was open when the last panel was closed."""
        if self.context.study is not None:
            self._show_study(self.context.study)

    def _show_study(self, study: StudyThread) -> None:
        folder = study.folder

        def failed(error: Exception) -> None:
            if self.context.study is study:
                self.close_study()
            self.context.report(error)

        def read(rows: list[CaseSummary]) -> None:
            if self.context.study is study:
                self.panel.show_study(folder.name, str(folder))
                self.panel.show_cases(rows)
                self._show_open()
                self._show_section(True)
                self._refresh.start(REFRESH_MS)
                self.context.settings.remember(last_folder=str(folder.parent))

        study.ask(_read_rows, read, failed)

    def close_study(self) -> None:
        """Leave the open case, and close the study."""
        study = self.context.study
        if study is None:
            return
        self._refresh.stop()
        self.opening.cancel()
        if self.opening.now is not None:
            self.session.close_scan()
        self.opening.ahead.clear()
        self.context.study = None
        study.end()
        self.panel.show_case(None)
        self.panel.show_cases([])
        self._show_section(False)

    def refresh(self) -> None:
        """Show the cases as they are now."""
        self._asker.ask(_read_rows, self.panel.show_cases)

    # ---- from case to case

    def open_case(self, case_id: str) -> None:
        """Open a case: to be drawn on if it is not finished, else to be read."""
        row = self.panel.row(case_id)
        if row is None or case_id == self.opening.heading_for:
            return
        self._open(case_id, "read" if row.finished else "edit")

    def _open(self, case_id: str, mode: Mode) -> None:
        study = self.context.study
        if study is not None and self.context.may_discard(self.panel):
            self.opening.open(study, case_id, self.context.settings.reviewer, mode)

    def _on_step(self, step: int, unfinished: bool) -> None:
        found = next_case(self.panel.listed(), self.opening.heading_for or None, step, unfinished)
        if found is not None:
            self.open_case(found)
        elif unfinished:
            self.context.say("No other case of the list is unfinished.")
        else:
            self.context.say(f"This is the {'last' if step > 0 else 'first'} case of the list.")

    def _show_open(self) -> None:
        now = self.opening.now
        if now is not None:
            self.panel.show_case(now.id, decides=now.decides)

    def _on_opened(self, case_id: str) -> None:
        self._show_open()
        self.panel.comments.show_comments([])
        row = self.panel.row(case_id)
        if row is not None and row.finished:
            self.context.say(f"Case {case_id} is {row.state}; reopen it to change its mask.")
        else:
            self.context.say("")
        if self.opening.now is not None:
            self.context.inputs.update(_sources(self.opening.now.scan.source, self.session.truth))
        self._comments.read(case_id)
        # A moment later: the new scan is drawn first.
        QTimer.singleShot(50, self._read_next)

    def _read_next(self) -> None:
        study, now = self.context.study, self.opening.now
        if study is None or now is None or self.opening.heading_for != now.id:
            return
        following = next_case(self.panel.listed(), now.id, 1)
        if following is not None:
            self.opening.ahead.want(following, study)

    def _on_closed(self, _case_id: str) -> None:
        self.panel.show_case(None)

    def _on_kept(self, _case_id: str) -> None:
        self.refresh()

    def _on_locked(self, case_id: str, by: LockedBy) -> None:
        study = self.context.study
        choice = ask_locked(case_id, by.reviewer, by.host, by.since, self.panel.window())
        if choice and study is not None and self.context.study is study:
            self._open(case_id, choice)

    def _on_failed(self, sentence: str) -> None:
        self.context.complain(sentence)

    # ---- small change

    def _on_reviewer(self, name: str) -> None:
        if name:
            self.context.settings.remember(reviewer=name)
        else:
            self.panel.reviewer.setText(self.context.settings.reviewer)


def _read_rows(study: Study) -> Sequence[CaseSummary]:
    from napari_lesionseg.study.queue import case_rows

    return case_rows(study)


def _sources(scan: Path | None, truth: Mask | None) -> set[Path]:
    found = (scan, None if truth is None else truth.source)
    return {path.resolve() for path in found if path is not None}
