"""How far the review of each case is: moves from state to state, and comments pinned to voxels. Both are only added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import rows
from napari_lesionseg.study.database import now
from napari_lesionseg.study.schema import CaseRow, CommentRow, MoveRow
from napari_lesionseg.study.states import NEED_REASON, State, check_move, check_state
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Geometry

Voxel = tuple[int, int, int]
LONGEST_TEXT: Final = 4000  # Letters.


@dataclass(frozen=True)
class Move:
    """A case that went from one state to another.

    Parameters
    ----------
    number
        Grows with time, in the whole study.
    case, before, after
        The case's id, its state until then and since then.
    reviewer
        Who moved it; empty if it was a program.
    time
        UTC, ISO 8601.
    reason
        Why, in one line; empty where none is needed.
    """

    number: int
    case: str
    before: State
    after: State
    reviewer: str
    time: str
    reason: str


@dataclass(frozen=True)
class Comment:
    """What a reviewer says of a case.

    Parameters
    ----------
    number
        Grows with time, in the whole study.
    case, text, reviewer, time
        Of which case, what, who and when (UTC, ISO 8601).
    voxel
        The display voxel (z, y, x) it is pinned to, if any.
    move
        The number of the move it explains, if any.
    """

    number: int
    case: str
    text: str
    reviewer: str
    time: str
    voxel: Voxel | None = None
    move: int | None = None


class Workflow:
    """Moves cases along ``states.MOVES``, and keeps who did it, when and why.

    Parameters
    ----------
    study
        Each method is one transaction of it.
    """

    def __init__(self, study: Study) -> None:
        self._study = study

    def move(
        self,
        case_id: str,
        to: str,
        reviewer: str,
        reason: str = "",
        comment: str = "",
        voxel: Sequence[int] | None = None,
    ) -> Move:
        """Let a case become ``to``.

        Parameters
        ----------
        reason
            Needed to reject and to skip.
        comment, voxel
            A comment that belongs to the move, pinned to a display voxel (z, y, x); of a voxel without a comment, the
            reason is the comment.

        Raises
        ------
        LesionsegError
            If the case or the state is unknown, the move is not allowed, the reason or the reviewer is missing, or the
            voxel is not in the scan. Nothing has changed then.
        """
        after, reason, reviewer = check_state(to), reason.strip(), reviewer.strip()
        text = comment.strip() or (reason if voxel is not None else "")
        if after in NEED_REASON and not reason:
            raise LesionsegError(f"Case {case_id} cannot become {after} without a reason; give one.")
        if not reviewer and after != "predicted":
            raise LesionsegError(f"Case {case_id} cannot become {after} by nobody; name the reviewer.")
        with self._study._session(write=True) as session:
            row = _find_case(session, case_id)
            check_move(row.id, check_state(row.state), after)
            move = MoveRow(
                case_number=row.number, before=row.state, after=after, reviewer=reviewer, time=now(), reason=reason
            )
            session.add(move)
            session.flush()
            if text or voxel is not None:
                session.add(_comment_row(row, text, reviewer, voxel, move))
            row.state, row.touched = after, move.time
            row.reviewer = reviewer or row.reviewer
            session.flush()
            return _to_move(move, row.id)

    def moves(self, case_id: str) -> list[Move]:
        """Return every move of a case, oldest first; raises LesionsegError if there is no such case."""
        with self._study._session() as session:
            case = rows.find_case(session, case_id)
            found = session.scalars(select(MoveRow).where(MoveRow.case_number == case.number).order_by(MoveRow.number))
            return [_to_move(move, case.id) for move in found]

    def comment(self, case_id: str, text: str, reviewer: str, voxel: Sequence[int] | None = None) -> Comment:
        """Keep what ``reviewer`` says of a case, pinned to a display voxel (z, y, x) if there is one.

        Raises
        ------
        LesionsegError
            If there is no such case or voxel, or the text or the reviewer is missing.
        """
        if not reviewer.strip():
            raise LesionsegError(f"A comment on case {case_id} needs a reviewer; name the reviewer.")
        with self._study._session(write=True) as session:
            row = _find_case(session, case_id)
            kept = _comment_row(row, text.strip(), reviewer.strip(), voxel, None)
            session.add(kept)
            row.touched = kept.time
            session.flush()
            return _to_comment(kept, row.id)

    def comments(self, case_id: str | None = None) -> list[Comment]:
        """Return the comments on a case, or on all cases (None), oldest first.

        Raises
        ------
        LesionsegError
            If there is no such case.
        """
        with self._study._session() as session:
            wanted = select(CommentRow, CaseRow.id).join(CaseRow, CaseRow.number == CommentRow.case_number)
            if case_id is not None:
                wanted = wanted.where(CommentRow.case_number == rows.find_case(session, case_id).number)
            return [_to_comment(row, case) for row, case in session.execute(wanted.order_by(CommentRow.number))]


def _find_case(session: Session, case_id: str) -> CaseRow:
    row = rows.find_case(session, case_id)
    if row.removed is not None:
        raise LesionsegError(f"Case {row.id} has been removed from the study; restore it first.")
    return row


def _comment_row(
    case: CaseRow, text: str, reviewer: str, voxel: Sequence[int] | None, move: MoveRow | None
) -> CommentRow:
    if not text:
        raise LesionsegError(f"A comment on case {case.id} is empty; write what is to be said.")
    if len(text) > LONGEST_TEXT:
        raise LesionsegError(f"A comment on case {case.id} is longer than {LONGEST_TEXT} letters; shorten it.")
    return CommentRow(
        case_number=case.number,
        move_number=None if move is None else move.number,
        reviewer=reviewer,
        time=now(),
        text=text,
        voxel=None if voxel is None else list(_check_voxel(case, voxel)),
    )


def _check_voxel(case: CaseRow, voxel: Sequence[int]) -> Voxel:
    i, j, k = case.shape
    shape = Geometry((i, j, k), np.reshape(case.affine, (4, 4))).display_shape
    if len(voxel) != 3 or not all(0 <= int(at) < length for at, length in zip(voxel, shape, strict=True)):
        raise LesionsegError(f"Voxel {tuple(voxel)} is not in the scan of case {case.id} (shape {shape}, z y x).")
    z, y, x = (int(at) for at in voxel)
    return z, y, x


def _to_move(row: MoveRow, case_id: str) -> Move:
    before, after = check_state(row.before), check_state(row.after)
    return Move(row.number, case_id, before, after, row.reviewer, row.time, row.reason)


def _to_comment(row: CommentRow, case_id: str) -> Comment:
    voxel = None if row.voxel is None else (row.voxel[0], row.voxel[1], row.voxel[2])
    return Comment(row.number, case_id, row.text, row.reviewer, row.time, voxel, row.move_number)
