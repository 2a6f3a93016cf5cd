"""What becomes of the open case: in review with the first stroke, then approved, rejected, skipped or reopened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_lesionseg.study.queue import CaseSummary
from napari_lesionseg.study.states import FINISHED
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.cases_panel import CasesPanel
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.presenters.approval import Approval
from napari_lesionseg.widgets.presenters.case_comments import CaseComments
from napari_lesionseg.widgets.presenters.study_asker import StudyAsker
from napari_lesionseg.widgets.reason_dialog import Reason, ask_reason

if TYPE_CHECKING:
    from napari_lesionseg.study import Study
    from napari_lesionseg.study.decide import Decision
    from napari_lesionseg.study.states import State


class CaseDecisions:
    """Answers what the cases panel wants decided.

    Parameters
    ----------
    comments
        Of the open case: a decision may come with one.
    open_to_draw
        Opens a case by its id, to be drawn on.
    """

    def __init__(
        self,
        panel: CasesPanel,
        context: Context,
        asker: StudyAsker,
        comments: CaseComments,
        open_to_draw: Callable[[str], None],
    ) -> None:
        self.panel, self.context, self.session, self.opening = panel, context, context.session, context.opening
        self._asker, self._comments, self._open = asker, comments, open_to_draw
        self._approval = Approval(panel, context, lambda said: self._decide("approved", said))
        panel.reject_requested.connect(self._on_reject)
        panel.skip_requested.connect(self._on_skip)
        panel.reopen_requested.connect(self._on_reopen)
        listen(self.session.edited, self._on_edited, panel)

    def _on_edited(self, _entry: object) -> None:
        now = self.opening.now
        row = None if now is None else self.panel.row(now.id)
        if now is None or row is None or now.mode != "edit" or row.state == "in review" or row.finished:
            return
        case, reviewer = now.id, now.reviewer
        self.panel.show_state(case, "in review")  # At once, so that the next stroke does not ask again.

        def begin(study: Study) -> CaseSummary:
            from napari_lesionseg.study.decide import begin_review

            return begin_review(study, case, reviewer)

        self._asker.ask(begin, self.panel.show_row)

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
        said = ask_reason(now.id, to, self._comments.voxel(), self.panel.window())
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

        self._asker.ask(decide, lambda row: self._on_decided(row, decision), failed)

    def _on_decided(self, row: CaseSummary, decision: Decision) -> None:
        self.panel.show_busy(False)
        self.panel.show_row(row)
        self.context.say(f"Case {row.id} is {row.state}.")
        now = self.opening.now
        if now is None or now.id != row.id:
            return
        self._comments.read(row.id)
        if not row.finished and now.draws:
            self.session.set_editable(True)
        elif not row.finished:
            self._open(row.id)

    def _flushed(self) -> bool:
        if self.context.is_kept() or self.context.recorder.state.kind == "reading":
            return True
        self.context.complain("The last edits are not on the disk yet; try again as soon as they are saved.")
        return False
