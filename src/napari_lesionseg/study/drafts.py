"""Masks being worked on: where each began, who draws it, and what it branched from."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import blind, rows
from napari_lesionseg.study.database import now
from napari_lesionseg.study.records import Purpose, Revision
from napari_lesionseg.study.schema import CaseRow, DraftRow, EntryRow, RevisionRow
from napari_lesionseg.study.store import Study


@dataclass(frozen=True)
class Draft:
    """A mask being worked on: a start, and the journal of every edit since.

    Parameters
    ----------
    id, number
        Unique in the study; ``number`` grows with time.
    case
        The case's id.
    purpose
        ``main``, which a case has one of; ``branch``, another reviewer's way on from it; ``reading``, one of two blind
        ones; ``adjudication``, which settles those.
    reviewer
        Who began it.
    base
        The revision it began with; None: an empty mask.
    parent, branched_at
        Id of the draft it branched from, and the last line of that draft's journal that is its own, too.
    started, closed
        UTC, ISO 8601; an open draft has no ``closed``.
    """

    id: str
    number: int
    case: str
    purpose: Purpose
    reviewer: str
    base: Revision | None
    parent: str | None
    branched_at: int | None
    started: str
    closed: str | None


class Drafts:
    """The drafts of a study; every method is one transaction."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def open_main(self, case_id: str, reviewer: str, base: Revision | None = None) -> Draft:
        """Return the open main draft of a case, or begin one.

        Parameters
        ----------
        base
            What a new draft begins with; left out, the newest correction, else the newest prediction, else nothing.

        Raises
        ------
        LesionsegError
            If there is no such case, or ``base`` is not a revision of it.
        """
        with self._study._session(write=True) as session:
            case = rows.find_case(session, case_id)
            row = _newest(session, case, DraftRow.purpose == "main")
            if row is None:
                number = _base_number(session, case, base, ("correction", "prediction"))
                row = _begin(session, case, "main", reviewer, number)
            return self._record(session, row)

    def find_main(self, case_id: str) -> Draft | None:
        """Return the open main draft of a case, if there is one."""
        with self._study._session() as session:
            row = _newest(session, rows.find_case(session, case_id), DraftRow.purpose == "main")
            return None if row is None else self._record(session, row)

    def branch(self, draft: Draft, reviewer: str, at: int) -> Draft:
        """Begin a draft that shares the first ``at`` lines of ``draft``, and goes on from there by itself.

        Raises
        ------
        LesionsegError
            If ``draft`` has fewer lines.
        """
        with self._study._session(write=True) as session:
            parent = session.get_one(DraftRow, draft.number)
            blind.refuse_other_reader(session, parent.number, reviewer)
            last = select(func.max(EntryRow.position)).where(EntryRow.draft_number == parent.number)
            if not 0 <= at <= (session.scalars(last).one() or parent.branched_at or 0):
                raise LesionsegError(f"Draft {draft.id} has no line {at} to branch at; choose one of its lines.")
            case = session.get_one(CaseRow, parent.case_number)
            row = _begin(session, case, "branch", reviewer, parent.base_number, (parent.number, at))
            return self._record(session, row)

    def find_branch(self, draft: Draft, reviewer: str) -> Draft | None:
        """Return the newest open branch of ``draft`` that ``reviewer`` began, if there is one."""
        with self._study._session() as session:
            case = rows.find_case(session, draft.case)
            own = (DraftRow.parent_number == draft.number, DraftRow.reviewer == reviewer)
            row = _newest(session, case, DraftRow.purpose == "branch", *own)
            return None if row is None else self._record(session, row)

    def start_reading(self, case_id: str, reviewer: str) -> Draft:
        """Return the open reading of a case by ``reviewer``, or begin one with the newest prediction.

        It never begins with what another reviewer drew.

        Raises
        ------
        LesionsegError
            If there is no such case, or ``reviewer`` may not begin a reading of it (see ``blind``).
        """
        with self._study._session(write=True) as session:
            case = rows.find_case(session, case_id)
            row = _newest(session, case, DraftRow.purpose == "reading", DraftRow.reviewer == reviewer)
            if row is None:
                blind.refuse_reader(session, case, reviewer)
                row = _begin(session, case, "reading", reviewer, _base_number(session, case, None, ("prediction",)))
            return self._record(session, row)

    def start_adjudication(self, case_id: str, reviewer: str, base_mask: Revision) -> Draft:
        """Return the open adjudication of a case by ``reviewer``, or begin one with ``base_mask``."""
        with self._study._session(write=True) as session:
            case = rows.find_case(session, case_id)
            number = _base_number(session, case, base_mask, ())
            own = (DraftRow.reviewer == reviewer, DraftRow.base_number == number)
            row = _newest(session, case, DraftRow.purpose == "adjudication", *own)
            if row is None:
                row = _begin(session, case, "adjudication", reviewer, number)
            return self._record(session, row)

    def close(self, draft: Draft) -> None:
        """Take note that the draft is done; its journal stays, and takes no more lines."""
        with self._study._session(write=True) as session:
            row = session.get_one(DraftRow, draft.number)
            row.closed = row.closed or now()

    def of(self, case_id: str) -> list[Draft]:
        """Return all drafts of a case, oldest first."""
        with self._study._session() as session:
            case = rows.find_case(session, case_id)
            wanted = select(DraftRow).where(DraftRow.case_number == case.number).order_by(DraftRow.number)
            return [self._record(session, row) for row in session.scalars(wanted)]

    def _record(self, session: Session, row: DraftRow) -> Draft:
        base = None if row.base_number is None else session.get_one(RevisionRow, row.base_number)
        parent = None if row.parent_number is None else session.get_one(DraftRow, row.parent_number)
        return Draft(
            id=row.id,
            number=row.number,
            case=session.get_one(CaseRow, row.case_number).id,
            purpose=cast(Purpose, row.purpose),  # The table's own check knows them.
            reviewer=row.reviewer,
            base=None if base is None else rows.to_revision(base, self._study.folder),
            parent=None if parent is None else parent.id,
            branched_at=row.branched_at,
            started=row.started,
            closed=row.closed,
        )


def _newest(session: Session, case: CaseRow, *conditions: object) -> DraftRow | None:
    wanted = select(DraftRow).where(DraftRow.case_number == case.number, DraftRow.closed.is_(None), *conditions)  # type: ignore[arg-type]
    return session.scalars(wanted.order_by(DraftRow.number.desc()).limit(1)).first()


def _begin(
    session: Session,
    case: CaseRow,
    purpose: Purpose,
    reviewer: str,
    base: int | None,
    left: tuple[int, int] | tuple[None, None] = (None, None),
) -> DraftRow:
    """Add a draft; ``left`` is the number of the draft it branches from, and at which line."""
    row = DraftRow(
        id=f"draft-{uuid.uuid4().hex[:12]}",
        case_number=case.number,
        purpose=purpose,
        reviewer=reviewer,
        base_number=base,
        parent_number=left[0],
        branched_at=left[1],
        started=now(),
    )
    session.add(row)
    session.flush()
    return row


def _base_number(session: Session, case: CaseRow, base: Revision | None, roles: tuple[str, ...]) -> int | None:
    """The number of ``base``; without one, of the newest revision in the first of ``roles`` that there is."""
    if base is not None:
        return rows.find_parent(session, case.id, base.id)
    for role in roles:
        wanted = select(RevisionRow.number).where(RevisionRow.case_number == case.number, RevisionRow.role == role)
        number = session.scalars(wanted.order_by(RevisionRow.number.desc()).limit(1)).first()
        if number is not None:
            return number
    return None
