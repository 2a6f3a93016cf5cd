"""Which journals a draft's lines stand in: a branch shares its parent's up to where it branched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.orm import InstrumentedAttribute

from napari_lesionseg.study.schema import DraftRow, EntryRow


class Part(NamedTuple):
    """Lines ``first`` to ``last`` (None: the end) in the journal of the draft of number ``draft``."""

    draft: int
    first: int
    last: int | None


def find_parts(connection: Connection, draft: int) -> list[Part]:
    """Return where the lines 1, 2, … of a draft stand, in order."""
    parts: list[Part] = []
    number: int | None = draft
    limit: int | None = None
    while number is not None:
        wanted = select(DraftRow.parent_number, DraftRow.branched_at).where(DraftRow.number == number)
        parent, branched_at = connection.execute(wanted).one()
        first = (branched_at or 0) + 1
        if limit is None or first <= limit:
            parts.insert(0, Part(number, first, limit))
        number, limit = parent, branched_at if limit is None else min(limit, branched_at or 0)
    return parts


def read_rows(
    connection: Connection,
    parts: Sequence[Part],
    columns: Sequence[InstrumentedAttribute[Any]],
    first: int = 1,
    last: int | None = None,
) -> Iterator[Row[Any]]:
    """Read the lines ``first`` to ``last`` (None: the end), in order."""
    for part in parts:
        wanted = select(*columns).where(EntryRow.draft_number == part.draft)
        wanted = wanted.where(EntryRow.position >= max(first, part.first))
        for end in (part.last, last):
            wanted = wanted if end is None else wanted.where(EntryRow.position <= end)
        yield from connection.execute(wanted.order_by(EntryRow.position))


def last_position(connection: Connection, draft: int) -> int:
    """Return the position of the last line of a draft; 0 if there is none."""
    last = select(func.max(EntryRow.position)).where(EntryRow.draft_number == draft)
    branched_at = select(DraftRow.branched_at).where(DraftRow.number == draft)
    return int(connection.execute(last).scalar() or connection.execute(branched_at).scalar() or 0)
