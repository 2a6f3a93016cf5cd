"""What a new mask has to name, and what it makes of its case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import rows
from napari_lesionseg.study.schema import CaseRow, DraftRow, EntryRow, MoveRow, RevisionRow

# Whose lesion volume the list of cases shows; not a pseudo label's, and not a blind reading's.
_SHOWN = ("correction", "prediction", "truth")


@dataclass(frozen=True)
class Links:
    """What a mask comes from, as rows of the study."""

    parent: int | None
    draft: int | None


def find_links(
    session: Session,
    case_id: str,
    parent: str | None,
    draft: str | None,
    position: int | None,
    sources: Sequence[str],
) -> Links:
    """Find the rows that a new mask of a case names, all of the same case.

    Raises
    ------
    LesionsegError
        If one is not there, or the draft's journal has no line ``position``.
    """
    case = rows.find_case(session, case_id)
    for source in sources:
        _find_source(session, case, source)
    return Links(rows.find_parent(session, case_id, parent), _find_draft(session, case, draft, position))


def note(session: Session, row: RevisionRow, lesion_ml: float, uncertainty: float | None) -> None:
    """Write into the case of a new mask what the list of cases shows; a first prediction makes it ``predicted``."""
    case = row.case
    case.touched = row.created
    if uncertainty is not None:
        case.uncertainty = uncertainty
    if row.role in _SHOWN:
        case.reviewer = row.reviewer or case.reviewer
        if _best_role(session, case) == row.role:
            case.lesion_ml = lesion_ml
    if row.role == "prediction" and case.state == "unlabelled":
        session.add(
            MoveRow(
                case_number=case.number,
                before="unlabelled",
                after="predicted",
                reviewer=row.reviewer,
                time=row.created,
                reason="",
            )
        )
        session.flush()
        case.state = "predicted"


def _best_role(session: Session, case: CaseRow) -> str | None:
    there = set(session.scalars(select(RevisionRow.role).where(RevisionRow.case_number == case.number).distinct()))
    return next((role for role in _SHOWN if role in there), None)


def _find_source(session: Session, case: CaseRow, source: str) -> None:
    wanted = select(RevisionRow.number).where(RevisionRow.case_number == case.number, RevisionRow.id == source)
    if session.scalars(wanted).first() is None:
        raise LesionsegError(f"Case {case.id} has no revision {source!r} to be a source; see 'lesionseg study show'.")


def _find_draft(session: Session, case: CaseRow, draft: str | None, position: int | None) -> int | None:
    if draft is None:
        if position is not None:
            raise LesionsegError(f"A mask of case {case.id} names line {position} of no draft; name the draft, too.")
        return None
    row = session.scalars(select(DraftRow).where(DraftRow.case_number == case.number, DraftRow.id == draft)).first()
    if row is None:
        raise LesionsegError(f"Case {case.id} has no draft {draft!r}; name one of its own.")
    last = select(func.max(EntryRow.position)).where(EntryRow.draft_number == row.number)
    lines = session.scalars(last).one() or row.branched_at or 0
    if position is not None and not 0 <= position <= lines:
        raise LesionsegError(f"The journal of draft {draft} has {lines} lines; name one of them, not {position}.")
    return row.number
