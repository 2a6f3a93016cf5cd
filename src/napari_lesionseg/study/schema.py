"""The tables of ``study.db``, version 1.

The version is SQLite's ``user_version``, which stands in the file's first 100 bytes: a program can
refuse a newer study without opening it as a database. Raise ``VERSION`` with every change here.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from napari_lesionseg.study.records import ROLES
from napari_lesionseg.study.split import SPLITS

VERSION: Final = 1
APPLICATION_ID: Final = 0x4C534547  # "LSEG": tells a study from any other SQLite file

# "P1" and "p1" are one patient, and one folder on many disks: ids compare without regard to case.
_Id = String(64, collation="NOCASE")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=f"{column}_is_known")


class Base(DeclarativeBase):
    """All tables of a study."""


class StudyRow(Base):
    """The study itself; one row."""

    __tablename__ = "study"

    id: Mapped[int] = mapped_column(primary_key=True)
    seed: Mapped[int]
    created: Mapped[str]


class PatientRow(Base):
    """A patient and the split they stay in; ``number`` is the order in which they came."""

    __tablename__ = "patients"
    __table_args__ = (_one_of("split", SPLITS),)

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(_Id, unique=True)
    split: Mapped[str]


class CaseRow(Base):
    """A scan: where it is, what it was, and its grid. ``scan`` is relative if inside the study."""

    __tablename__ = "cases"

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(_Id, unique=True)
    patient_number: Mapped[int] = mapped_column(ForeignKey("patients.number"), index=True)
    scan: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    shape: Mapped[list[int]] = mapped_column(JSON)
    affine: Mapped[list[float]] = mapped_column(JSON)
    added: Mapped[str]

    patient: Mapped[PatientRow] = relationship(lazy="joined", innerjoin=True)


class RevisionRow(Base):
    """A mask file; ``number`` grows with time, whatever the clock says."""

    __tablename__ = "revisions"
    __table_args__ = (_one_of("role", ROLES), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(_Id, unique=True)
    case_number: Mapped[int] = mapped_column(ForeignKey("cases.number"), index=True)
    role: Mapped[str]
    file: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    created: Mapped[str]
    reviewer: Mapped[str]
    model: Mapped[str]
    parent_number: Mapped[int | None] = mapped_column(ForeignKey("revisions.number"))
    corrected_slices: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))

    case: Mapped[CaseRow] = relationship(lazy="joined", innerjoin=True)
    parent: Mapped[RevisionRow | None] = relationship(lazy="joined", join_depth=1, remote_side=[number])
