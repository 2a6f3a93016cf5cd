"""Who may see a reading: its reader, and everybody once both readings of the pair are finished.

Two readings of a case are a pair, in the order they were begun; a third one is begun only when the pair is settled.
What is asked here is asked by every way to a mask: the lists of revisions, the journal, locks and branches. A name
is taken for whom it names; who pretends to be the other reader, or looks into the folder, is not kept away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, or_, select
from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.schema import CaseRow, DraftRow, LockRow, RevisionRow


class Reading(NamedTuple):
    """A reading that was begun and not withdrawn: the draft's number, who reads, and whether they have finished."""

    draft: int
    reviewer: str
    finished: bool


Pair = list[Reading]


def pairs(database: Session | Connection, case: int) -> list[Pair]:
    """Return the pairs of readings of the case of number ``case``, oldest first; the last may be half a pair."""
    kept = select(RevisionRow.draft_number).where(RevisionRow.case_number == case, RevisionRow.role == "reading")
    with_mask = set(database.execute(kept).scalars())
    begun = select(DraftRow.number, DraftRow.reviewer, DraftRow.closed)
    begun = begun.where(DraftRow.case_number == case, DraftRow.purpose == "reading").order_by(DraftRow.number)
    readings = [
        Reading(number, reviewer, closed is not None)
        for number, reviewer, closed in database.execute(begun)
        if closed is None or number in with_mask  # Closed without a mask: withdrawn.
    ]
    return [readings[start : start + 2] for start in range(0, len(readings), 2)]


def is_complete(pair: Pair) -> bool:
    """Whether both readers have finished."""
    return len(pair) == 2 and all(one.finished for one in pair)


def given_out(database: Session | Connection, case: int) -> ColumnElement[bool]:
    """The condition for revisions that anybody may see; a reading that came without a draft was never blind."""
    complete = _complete(pairs(database, case))
    return or_(
        RevisionRow.role != "reading", RevisionRow.draft_number.is_(None), RevisionRow.draft_number.in_(complete)
    )


def refuse_other_reader(database: Session | Connection, draft: int, reviewer: str) -> None:
    """Raise one sentence if ``reviewer`` may not see the draft of number ``draft``."""
    sealed = _sealed_by(database, draft)
    if sealed is not None and not same_person(sealed, reviewer):
        raise LesionsegError(
            f"Another reviewer reads this case blind; what {sealed} draws is shown when both readings are finished."
        )


def refuse_without_lock(database: Session | Connection, draft: int, token: str) -> None:
    """Raise one sentence unless the draft may be seen by all, or by the reviewer who locked it with ``token``."""
    held = select(LockRow.reviewer).where(LockRow.draft_number == draft, LockRow.token == token)
    refuse_other_reader(database, draft, database.execute(held).scalar() or "")


def refuse_reader(session: Session, case: CaseRow, reviewer: str) -> None:
    """Raise one sentence if ``reviewer`` may not begin a reading of ``case`` now."""
    if not reviewer.strip():
        raise LesionsegError(f"Case {case.id} cannot be read by nobody; name the reviewer.")
    found = pairs(session, case.number)
    last = found[-1] if found else []
    if len(last) == 2 and not is_settled(session, case.number, last):
        raise LesionsegError(f"Case {case.id} has two readings already; settle them, or read another case.")
    if len(last) == 1 and same_person(last[0].reviewer, reviewer):
        raise LesionsegError(
            f"{last[0].reviewer} reads case {case.id} already; the second reading is another reviewer's."
        )


def same_person(one: str, other: str) -> bool:
    """Whether two names are one reviewer's, in whatever case and spaces they were typed."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def reading_masks(session: Session, pair: Pair) -> list[RevisionRow]:
    """Return the newest mask of each reading of a complete pair."""
    newest = select(RevisionRow).where(RevisionRow.role == "reading").order_by(RevisionRow.number.desc()).limit(1)
    return [session.scalars(newest.where(RevisionRow.draft_number == one.draft)).one() for one in pair]


def is_settled(session: Session, case: int, pair: Pair) -> bool:
    """Whether a mask names both readings of ``pair`` as its sources."""
    if not is_complete(pair):
        return False
    masks = {row.id for row in reading_masks(session, pair)}
    wanted = select(RevisionRow.sources).where(RevisionRow.case_number == case, RevisionRow.sources.is_not(None))
    return any(masks <= set(sources or ()) for sources in session.scalars(wanted))


def _sealed_by(database: Session | Connection, draft: int) -> str | None:
    """The reader of the reading that ``draft`` is or branched from, None unless it is still blind."""
    number: int | None = draft
    while number is not None:
        wanted = select(DraftRow.parent_number, DraftRow.case_number, DraftRow.purpose, DraftRow.reviewer)
        found = database.execute(wanted.where(DraftRow.number == number)).one_or_none()
        if found is None:
            return None
        if found.purpose == "reading":
            return None if number in _complete(pairs(database, found.case_number)) else found.reviewer
        number = found.parent_number
    return None


def _complete(found: Iterable[Pair]) -> set[int]:
    return {one.draft for pair in found if is_complete(pair) for one in pair}
