"""Tables, indexes and triggers of a study, the same for a new and for a migrated one."""

from __future__ import annotations

import sqlite3

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from napari_lesionseg.study.schema import Base
from napari_lesionseg.study.triggers import make_triggers

__all__ = ["make_tables", "make_triggers"]

_DIALECT = sqlite.dialect()


def make_tables(connection: sqlite3.Connection) -> None:
    """Make all tables and indexes of the schema; the triggers come when the rows are in (``make_triggers``)."""
    for table in Base.metadata.tables.values():
        connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)).strip())
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(str(CreateIndex(index).compile(dialect=_DIALECT)).strip())
