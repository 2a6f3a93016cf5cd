"""The cases of a study: opened, gone through and decided on; the study itself is asked in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from napari_lesionseg.study.queue import CaseSummary, next_case
from napari_lesionseg.study.states import FINISHED
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.cases_panel import CasesPanel
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.lock_dialog import ask_locked
from napari_lesionseg.widgets.parts import hear, listen
from napari_lesionseg.widgets.reason_dialog import Reason, ask_reason
from napari_lesionseg.widgets.study_thread import StudyThread

if TYPE_CHECKING:
    from napari_lesionseg.study import Study
    from napari_lesionseg.study.decide import Decision
    from napari_lesionseg.study.locks import LockedBy
    from napari_lesionseg.study.states import State
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
        listen(self.session.edited, self._on_edited, panel)
        self._gone = False
        panel.destroyed.connect(self._on_gone)
        show_section(False)

    def _on_gone(self) -> None:
        self._gone = True

    def _connect_panel(self) -> None:
        panel = self.panel
        panel.case_requested.connect(self.open_case)
        panel.step_requested.connect(self._on_step)
        panel.accept_requested.connect(self._on_accept)
        panel.reject_requested.connect(self._on_reject)
        panel.skip_requested.connect(self._on_skip)
        panel.reopen_requested.connect(self._on_reopen)
        panel.comment_requested.connect(self._on_comment)
        panel.place_requested.connect(self._on_place)
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
        self._ask(_read_rows, self.panel.show_cases)

    # ---- from case to case

    def open_case(self, case_id: str) -> None:
        """Open a case: to be drawn on if it is not finished, else to be read."""
        row = self._row(case_id)
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
        row = self._row(case_id)
        if row is not None and row.finished:
            self.context.say(f"Case {case_id} is {row.state}; reopen it to change its mask.")
        else:
            self.context.say("")
        if self.opening.now is not None:
            self.context.inputs.update(_sources(self.opening.now.scan.source, self.session.truth))
        self._read_comments(case_id)
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

    # ---- what becomes of the open case

    def _on_edited(self, _entry: object) -> None:
        now = self.opening.now
        row = None if now is None else self._row(now.id)
        if now is None or row is None or now.mode != "edit" or row.state == "in review" or row.finished:
            return
        case, reviewer = now.id, now.reviewer
        self.panel.show_state(case, "in review")  # At once, so that the next stroke does not ask again.

        def begin(study: Study) -> CaseSummary:
            from napari_lesionseg.study.decide import begin_review

            return begin_review(study, case, reviewer)

        self._ask(begin, self.panel.show_row)

    def _on_accept(self) -> None:
        self._decide("approved")

    def _on_reject(self) -> None:
        self._decide_with_reason("rejected")

    def _on_skip(self) -> None:
        self._decide_with_reason("skipped")

    def _on_reopen(self) -> None:
        self._decide("reopened")

    def _decide_with_reason(self, to: State) -> None:
        now = self.opening.now
        if now is None or not now.decides:
            return
        said = ask_reason(now.id, to, self._voxel(), self.panel.window())
        if said is not None and self.opening.now is now:
            self._decide(to, said)

    def _decide(self, to: State, said: Reason | None = None) -> None:
        from napari_lesionseg.study.decide import Decision

        now, mask = self.opening.now, self.session.mask
        if now is None or mask is None or not now.decides or not self._flushed():
            return
        drawn = now.draws and to in FINISHED
        worked = now.worked(Mask(mask.array.copy(), mask.geometry)) if drawn else None
        words = ("", "", None) if said is None else (said.reason, said.comment, said.voxel)
        decision, reviewer = Decision(to, *words), self.context.settings.reviewer
        self.panel.show_busy(True)
        self.session.set_editable(False)  # What is drawn now would be neither decided on nor expected.

        def decide(study: Study) -> CaseSummary:
            from napari_lesionseg.study import decide

            return decide.decide(study, now.id, decision, reviewer, worked)

        def failed(error: Exception) -> None:
            self.panel.show_busy(False)
            if self.opening.now is now:
                self.session.set_editable(now.draws)
            self.context.report(error)

        self._ask(decide, lambda row: self._on_decided(row, decision), failed)

    def _on_decided(self, row: CaseSummary, decision: Decision) -> None:
        self.panel.show_busy(False)
        self.panel.show_row(row)
        self.context.say(f"Case {row.id} is {row.state}.")
        now = self.opening.now
        if now is None or now.id != row.id:
            return
        self._read_comments(row.id)
        if not row.finished and now.draws:
            self.session.set_editable(True)
        elif not row.finished:
            self._open(row.id, "edit")

    def _flushed(self) -> bool:
        if self.context.is_kept() or self.context.recorder.state.kind == "reading":
            return True
        self.context.complain("The last edits are not on the disk yet; try again as soon as they are saved.")
        return False

    # ---- comments

    def _on_comment(self) -> None:
        now = self.opening.now
        said = None if now is None else ask_reason(now.id, "", self._voxel(), self.panel.window())
        if now is None or said is None:
            return
        case, reviewer = now.id, self.context.settings.reviewer

        def comment(study: Study) -> object:
            from napari_lesionseg.study.workflow import Workflow

            return Workflow(study).comment(case, said.comment, reviewer, said.voxel)

        self._ask(comment, lambda _: self._read_comments(case))

    def _read_comments(self, case_id: str) -> None:
        def read(study: Study) -> list[Any]:
            from napari_lesionseg.study.workflow import Workflow

            return Workflow(study).comments(case_id)

        def show(comments: list[Any]) -> None:
            if self.opening.now is not None and self.opening.now.id == case_id:
                self.panel.comments.show_comments(comments)

        self._ask(read, show)

    def _on_place(self, voxel: tuple[int, int, int]) -> None:
        scan = self.session.scan
        if scan is not None:
            self.session.set_slice(voxel[0])
            place = tuple(float(at * side) for at, side in zip(voxel, scan.geometry.spacing, strict=True))
            self.context.viewer.scene.camera.center = (0.0, *place[1:])

    def _voxel(self) -> tuple[int, int, int] | None:
        """The display voxel in the middle of what is seen."""
        scan = self.session.scan
        if scan is None:
            return None
        centre = np.array(self.context.viewer.scene.camera.center[-2:]) / scan.geometry.spacing[1:]
        y, x = np.clip(np.round(centre), 0, np.array(scan.array.shape[1:]) - 1)
        return self.session.slice_index, int(y), int(x)

    # ---- small change

    def _on_reviewer(self, name: str) -> None:
        if name:
            self.context.settings.remember(reviewer=name)
        else:
            self.panel.reviewer.setText(self.context.settings.reviewer)

    def _row(self, case_id: str) -> CaseSummary | None:
        return next((row for row in self.panel.model.rows if row.id == case_id), None)

    def _ask(
        self,
        work: Callable[[Study], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        study = self.context.study
        if study is not None and not self._gone:
            # A panel that was closed meanwhile has nothing left to show it on.
            report = failed or self.context.report
            study.ask(work, self._while_here(done), self._while_here(report))

    def _while_here(self, answer: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda told: None if self._gone else answer(told)


def _read_rows(study: Study) -> Sequence[CaseSummary]:
    from napari_lesionseg.study.queue import case_rows

    return case_rows(study)


def _sources(scan: Path | None, truth: Mask | None) -> set[Path]:
    found = (scan, None if truth is None else truth.source)
    return {path.resolve() for path in found if path is not None}
