"""A line of the journal as a row of the database, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Change, Entry, Marks
from napari_lesionseg.study.schema import EntryRow

PLAIN: Final = (
    EntryRow.position,
    EntryRow.kind,
    EntryRow.tool,
    EntryRow.slice,
    EntryRow.voxels,
    EntryRow.time,
    EntryRow.target,
    EntryRow.marks,
)
WHOLE: Final = (*PLAIN, EntryRow.box, EntryRow.before, EntryRow.after)


def to_values(entry: Entry, draft: int, reviewer: str) -> dict[str, Any]:
    """Return the columns of ``entry`` in the journal of the draft of this number."""
    change = entry.change
    return {
        "draft_number": draft,
        "position": entry.position,
        "kind": entry.kind,
        "target": entry.target,
        "tool": entry.tool,
        "slice": entry.slice,
        "voxels": entry.voxels,
        "reviewer": reviewer,
        "time": entry.time,
        "box": None if change is None else list(change.box),
        "before": None if change is None else change.before,
        "after": None if change is None else change.after,
        "marks": _marks_to_json(entry.marks),
    }


def to_entry(row: Row[Any]) -> Entry:
    """Make the entry of a row of the columns ``PLAIN``, without its voxels, or ``WHOLE``.

    Raises
    ------
    LesionsegError
        If the row is not one that ``to_values`` made.
    """
    position, kind, tool, z, voxels, time, target, marks, *voxel_columns = tuple(row)
    try:
        change = _to_change(voxel_columns)
        return Entry(position, kind, tool, z, voxels, time, change, target, _marks_from_json(marks))
    except (TypeError, ValueError, KeyError) as error:
        raise LesionsegError(f"Line {position} of the journal is damaged; restore the study from a backup.") from error


def _to_change(columns: Sequence[Any]) -> Change | None:
    if not columns or columns[0] is None:
        return None
    box, before, after = columns
    z0, z1, y0, y1, x0, x1 = (int(end) for end in box)
    return Change((z0, z1, y0, y1, x0, x1), bytes(before), bytes(after))


def _marks_to_json(marks: Marks) -> dict[str, object] | None:
    noted: dict[str, object] = {
        "corrected": list(marks.corrected),
        "uncorrected": list(marks.uncorrected),
        "threshold": None if marks.threshold is None else list(marks.threshold),
        "model": marks.model,
    }
    return {name: value for name, value in noted.items() if value} or None


def _marks_from_json(noted: dict[str, Any] | None) -> Marks:
    if not noted:
        return Marks()
    threshold = noted.get("threshold")
    return Marks(
        corrected=tuple(noted.get("corrected", ())),
        uncorrected=tuple(noted.get("uncorrected", ())),
        threshold=None if threshold is None else (threshold[0], threshold[1]),
        model=noted.get("model", ""),
    )
