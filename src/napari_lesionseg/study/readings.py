"""Independent double reading: two blind readings of a case, how far they agree, and the mask that settles them."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.agreement import Agreement, measure_agreement
from napari_lesionseg.study import blind, locks, rows
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.states import FINISHED, MOVES, State
from napari_lesionseg.study.store import Study
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask


@dataclass(frozen=True)
class ReadingState:
    """How far the double reading of a case is; it tells nothing of what was drawn.

    Parameters
    ----------
    case
        The case's id.
    readers, finished
        Who began, in that order, and who of them has finished.
    settled
        Whether a mask settles the two.
    """

    case: str
    readers: tuple[str, ...]
    finished: tuple[str, ...]
    settled: bool

    @property
    def complete(self) -> bool:
        """Whether both have finished."""
        return len(self.finished) == 2


class Readings:
    """The double readings of a study."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._drafts = Drafts(study)

    def start(self, case_id: str, reviewer: str) -> Draft:
        """Begin a reading, or go on with one's own; it starts from the newest prediction, never from another reader.

        Raises
        ------
        LesionsegError
            If there is no such case, its review is finished, it has two readings that are not settled, or ``reviewer``
            has finished the first.
        """
        self._refuse_finished(case_id)
        draft = self._drafts.start_reading(case_id, reviewer)
        self._bring(case_id, "in review", reviewer)
        return draft

    def finish(self, draft: Draft, mask: Mask, position: int | None = None) -> Revision:
        """Keep a reading as it is now; it cannot be changed any more.

        Parameters
        ----------
        draft
            What ``start`` gave, or a branch of it.
        position
            The last line of the draft's journal that is in ``mask``.

        Raises
        ------
        LesionsegError
            If the draft is no reading or has been finished, or the mask lies on another grid or cannot be written.
            The reading is open then.
        """
        known = {one.id: one for one in self._drafts.of(draft.case)}
        reading = known.get(draft.id, draft)
        while reading.purpose == "branch" and reading.parent in known:
            reading = known[reading.parent]
        if reading.purpose != "reading" or reading.closed is not None:
            raise LesionsegError(f"Draft {draft.id} of case {draft.case} is no open reading; begin one.")
        kept = self._study.add_revision(
            reading.case,
            "reading",
            mask,
            reviewer=reading.reviewer,
            parent=None if reading.base is None else reading.base.id,
            draft=reading.id,
            position=position if reading.id == draft.id else None,
        )
        for one in {draft.id: draft, reading.id: reading}.values():  # The reading last: by that it is finished.
            self._drafts.close(one)
        return kept

    def withdraw(self, draft: Draft) -> None:
        """End a reading without a mask; its journal stays, is never shown, and another reviewer may read instead."""
        if draft.purpose != "reading":
            raise LesionsegError(f"Draft {draft.id} of case {draft.case} is no reading and cannot be withdrawn.")
        self._drafts.close(draft)

    def state(self, case_id: str) -> ReadingState:
        """Say how far the newest double reading of a case is."""
        with self._study._session() as session:
            case = rows.find_case(session, case_id)
            found = blind.pairs(session, case.number)
            last = found[-1] if found else []
            readers = tuple(one.reviewer for one in last)
            finished = tuple(one.reviewer for one in last if one.finished)
            return ReadingState(case.id, readers, finished, blind.is_settled(session, case.number, last))

    def pair(self, case_id: str) -> tuple[Revision, Revision]:
        """Return the two masks of the newest double reading, A and B in the order they were begun.

        Raises
        ------
        LesionsegError
            If both readers have not finished.
        """
        with self._study._session() as session:
            case = rows.find_case(session, case_id)
            found = blind.pairs(session, case.number)
            if not found or not blind.is_complete(found[-1]):
                raise LesionsegError(f"Case {case.id} does not have two finished readings; let two reviewers finish.")
            first, second = blind.reading_masks(session, found[-1])
            return rows.to_revision(first, self._study.folder), rows.to_revision(second, self._study.folder)

    def masks(self, case_id: str) -> tuple[Mask, Mask]:
        """Read the masks of ``pair`` (uint8), each proved to be the file that was kept; raises as ``pair`` does."""
        case = self._study.case(case_id)
        first, second = (Mask(read_labels(case, one), case.geometry, one.path) for one in self.pair(case_id))
        return first, second

    def agreement(self, case_id: str) -> Agreement:
        """Measure how far the two readings agree; raises as ``masks`` does."""
        return measure_agreement(*self.masks(case_id))

    def settle(
        self, case_id: str, reviewer: str, mask: Mask, draft: Draft | None = None, position: int | None = None
    ) -> Revision:
        """Keep the mask that settles the two readings as a correction of every slice; the case becomes corrected.

        Parameters
        ----------
        draft, position
            The adjudication it was drawn in, which is closed, and the last line of its journal that is in ``mask``.

        Raises
        ------
        LesionsegError
            If both readings are not finished, the review of the case is, the reviewer is missing, or the mask lies on
            another grid or cannot be written.
        """
        if not reviewer.strip():
            raise LesionsegError(f"The readings of case {case_id} cannot be settled by nobody; name the reviewer.")
        self._refuse_finished(case_id)
        pair = self.pair(case_id)
        kept = self._study.add_revision(
            case_id,
            "correction",
            mask,
            reviewer=reviewer,
            parent=None if draft is None or draft.base is None else draft.base.id,
            draft=None if draft is None else draft.id,
            position=position,
            sources=tuple(one.id for one in pair),
        )
        if draft is not None:
            self._drafts.close(draft)
        main = self._drafts.find_main(case_id)
        if main is not None and locks.holder(self._study, main) is None:
            self._drafts.close(main)  # The next one begins with the settled mask; this one's journal stays.
        for state in ("in review", "corrected"):
            self._bring(case_id, state, reviewer)
        return kept

    def _refuse_finished(self, case_id: str) -> None:
        case = self._study.case(case_id)
        if case.state in FINISHED:
            raise LesionsegError(f"Case {case.id} is {case.state}; reopen it first.")

    def _bring(self, case_id: str, to: State, reviewer: str) -> None:
        """Move the case on to ``to`` if that is its next state; it may have gone there at this moment by itself."""
        if to not in MOVES[self._study.case(case_id).state]:
            return
        try:
            Workflow(self._study).move(case_id, to, reviewer)
        except LesionsegError:
            if self._study.case(case_id).state != to:
                raise
