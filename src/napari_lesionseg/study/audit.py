"""The audit trail of a case: every edit, mask, move and comment, with who and when; and where the time went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import blind, rows
from napari_lesionseg.study.looks import looked_at, seconds_per_lesion, seconds_per_slice
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.schema import CaseRow, CommentRow, DraftRow, EntryRow, MoveRow
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.tables import write_csv

__all__ = ["AuditRow", "audit_rows", "looked_at", "seconds_per_lesion", "seconds_per_slice", "write_audit_csv"]
_SEALED = "shown when both readings are finished"


@dataclass(frozen=True)
class AuditRow:
    """One line of the audit trail.

    Parameters
    ----------
    time
        UTC, ISO 8601, to the millisecond.
    reviewer
        Who; empty for a model.
    what
        ``edit``, ``undo``, ``redo``, ``mask``, ``move`` or ``comment``.
    draft, position, target
        Of a line of a journal: the draft's id, its place, and the edit it undoes or redoes.
    tool, slice, voxels
        Of a line of a journal: the tool, the display slice, and the lesion voxels gained.
    text
        Of a mask: its role and id; of a move: both states and the reason; of a comment: the text and its voxel.
    """

    time: str
    reviewer: str
    what: str
    draft: str = ""
    position: int | None = None
    target: int | None = None
    tool: str = ""
    slice: int | None = None
    voxels: int | None = None
    text: str = ""


def audit_rows(study: Study, case_id: str) -> list[AuditRow]:
    """Return all that was done to a case, oldest first.

    Of a blind reading it tells when something was drawn, and what only when both readings are finished.

    Raises
    ------
    LesionsegError
        If there is no such case.
    """
    masks = study.revisions(case_id)
    with study._session() as session:
        case = rows.find_case(session, case_id)
        found = [*_lines(session, case), *_masks(masks), *_moves(session, case), *_comments(session, case)]
    return sorted(found, key=lambda row: row.time)


def write_audit_csv(path: Path, study: Study, case_id: str) -> None:
    """Write the audit trail of a case as a table; text that a spreadsheet might run is escaped.

    Raises
    ------
    LesionsegError
        If there is no such case, or the file cannot be written.
    """
    header = [field.name for field in fields(AuditRow)]
    write_csv(path, header, [astuple(row) for row in audit_rows(study, case_id)])


def _lines(session: Session, case: CaseRow) -> Iterator[AuditRow]:
    for draft in session.scalars(select(DraftRow).where(DraftRow.case_number == case.number)).all():
        is_sealed = _is_sealed(session, draft)
        columns = (EntryRow.time, EntryRow.reviewer, EntryRow.kind, EntryRow.position, EntryRow.target)
        more = (EntryRow.tool, EntryRow.slice, EntryRow.voxels)
        wanted = select(*columns, *more).where(EntryRow.draft_number == draft.number).order_by(EntryRow.position)
        for time, reviewer, kind, position, target, tool, z, voxels in session.execute(wanted):
            if is_sealed:
                yield AuditRow(time, reviewer, "edit", draft.id, position, text=_SEALED)
            else:
                yield AuditRow(time, reviewer, kind, draft.id, position, target, tool, z, voxels)


def _is_sealed(session: Session, draft: DraftRow) -> bool:
    try:
        blind.refuse_other_reader(session, draft.number, "")
    except LesionsegError:
        return True
    return False


def _masks(masks: list[Revision]) -> Iterator[AuditRow]:
    for mask in masks:
        by = f" by {mask.model}" if mask.model else ""
        yield AuditRow(
            mask.created, mask.reviewer, "mask", mask.draft or "", mask.position, text=f"{mask.role} {mask.id}{by}"
        )


def _moves(session: Session, case: CaseRow) -> Iterator[AuditRow]:
    for move in session.scalars(select(MoveRow).where(MoveRow.case_number == case.number).order_by(MoveRow.number)):
        why = f": {move.reason}" if move.reason else ""
        yield AuditRow(move.time, move.reviewer, "move", text=f"{move.before} to {move.after}{why}")


def _comments(session: Session, case: CaseRow) -> Iterator[AuditRow]:
    wanted = select(CommentRow).where(CommentRow.case_number == case.number).order_by(CommentRow.number)
    for comment in session.scalars(wanted):
        where = f" (voxel {', '.join(map(str, comment.voxel))})" if comment.voxel else ""
        yield AuditRow(comment.time, comment.reviewer, "comment", text=comment.text + where)
