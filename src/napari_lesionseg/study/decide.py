"""What becomes of a case that was worked on: its mask is kept as a revision, and the case moves on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.drafts import Draft
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.queue import CaseSummary, case_rows
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.states import MOVES, NEED_REASON, State, check_state
from napari_lesionseg.study.store import Study
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask

ON_THE_WAY: Final[tuple[State, ...]] = ("in review", "corrected")  # What a decision may pass through.


@dataclass(frozen=True, eq=False)
class Worked:
    """A mask as its reviewer left it.

    Parameters
    ----------
    draft
        The draft it was drawn in.
    position
        The last line of the draft's journal that is in it.
    mask
        On the scan's grid; nobody draws on it any more.
    corrected
        Display slices (z) that the reviewer corrected.
    reviewer
        Who that is.
    """

    draft: Draft
    position: int
    mask: Mask
    corrected: frozenset[int]
    reviewer: str


@dataclass(frozen=True)
class Decision:
    """What a reviewer decided: the state a case shall have, why, and what they say of it (see ``Workflow.move``)."""

    to: State
    reason: str = ""
    comment: str = ""
    voxel: tuple[int, int, int] | None = None


def keep(study: Study, worked: Worked, *, whole: bool = False) -> Revision | None:
    """Keep the mask as a correction, if it is not the one that was kept last; return the new revision.

    Parameters
    ----------
    whole
        The reviewer vouches for every slice, not only for the corrected ones; so a prediction that was right as it
        is becomes a revision, too.

    Raises
    ------
    LesionsegError
        If the mask cannot be written; its edits are in the journal all the same.
    """
    draft, case = worked.draft, study.case(worked.draft.case)
    kept = [revision for revision in study.revisions(case.id) if revision.draft == draft.id]
    last = kept[-1] if kept else None
    start = last or draft.base
    vouched = whole and not (last is not None and last.corrected_slices is None)
    if not vouched:
        if worked.position <= ((last.position or 0) if last is not None else 0):
            return None
        if np.array_equal(read_labels(case, start), worked.mask.array):
            return None  # Drawn and undone.
    return study.add_revision(
        case.id,
        "correction",
        worked.mask,
        reviewer=worked.reviewer,
        model=start.model if start is not None else "",
        parent=None if start is None else start.id,
        corrected_slices=None if whole else sorted(worked.corrected),
        draft=draft.id,
        position=worked.position,
    )


def decide(study: Study, case_id: str, decision: Decision, reviewer: str, worked: Worked | None = None) -> CaseSummary:
    """Keep what was drawn, and let the case become what was decided, by as many moves as that takes.

    Raises
    ------
    LesionsegError
        If the case cannot become that, or a reason or the reviewer is missing; it is where it was then.
    """
    state = case_rows(study, case_id)[0].state
    steps = way(case_id, state, decision.to)
    if decision.to in NEED_REASON and not decision.reason.strip():
        raise LesionsegError(f"Case {case_id} cannot become {decision.to} without a reason; give one.")
    if worked is not None:
        keep(study, worked, whole=decision.to == "approved")
    workflow = Workflow(study)
    for step in steps[:-1]:
        workflow.move(case_id, step, reviewer)
    workflow.move(case_id, decision.to, reviewer, decision.reason, decision.comment, decision.voxel)
    return case_rows(study, case_id)[0]


def begin_review(study: Study, case_id: str, reviewer: str) -> CaseSummary:
    """Let a case that is drawn on be in review, if it is not yet."""
    state = case_rows(study, case_id)[0].state
    if "in review" in MOVES[state]:
        Workflow(study).move(case_id, "in review", reviewer)
    return case_rows(study, case_id)[0]


def way(case_id: str, before: State, after: str) -> list[State]:
    """Find the shortest way from one state to another through ``ON_THE_WAY``; the last step is ``after``.

    Raises
    ------
    LesionsegError
        If there is none.
    """
    wanted = check_state(after)
    ways: deque[list[State]] = deque([[before]])
    while ways:
        done = ways.popleft()
        for step in MOVES[done[-1]]:
            if step == wanted:
                return [*done[1:], step]
            if step in ON_THE_WAY and step not in done:
                ways.append([*done, step])
    raise LesionsegError(f"Case {case_id} is {before} and cannot become {wanted}; reopen it first.")
