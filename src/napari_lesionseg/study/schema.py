"""The tables of ``study.db``, version 2.

The version is SQLite's ``user_version``, which stands in the file's first 100 bytes: a program can
refuse a newer study without opening it as a database. Raise ``VERSION`` with every change here, and
write the step to it in ``migrations``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from napari_lesionseg.study.records import PURPOSES, ROLES
from napari_lesionseg.study.split import SPLITS
from napari_lesionseg.study.states import STATES

VERSION: Final = 2
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
    """A line of the split ledger: a patient and the split they stay in; ``number`` is the order in which they came.

    ``hash`` is the SHA-256 of this line and the hash of the line before (see ``ledger``).
    """

    __tablename__ = "patients"
    __table_args__ = (_one_of("split", SPLITS),)

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(_Id, unique=True)
    split: Mapped[str]
    hash: Mapped[str] = mapped_column(String(64), server_default="")


class CaseRow(Base):
    """A scan: where it is, what it was, and its grid. ``scan`` is relative if inside the study.

    The columns from ``state`` on are what the list of cases shows; ``removed`` is when the case was taken out.
    """

    __tablename__ = "cases"
    __table_args__ = (_one_of("state", STATES),)

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(_Id, unique=True)
    patient_number: Mapped[int] = mapped_column(ForeignKey("patients.number"), index=True)
    scan: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    shape: Mapped[list[int]] = mapped_column(JSON)
    affine: Mapped[list[float]] = mapped_column(JSON)
    added: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="unlabelled")
    reviewer: Mapped[str] = mapped_column(server_default="")
    lesion_ml: Mapped[float | None]
    uncertainty: Mapped[float | None]
    touched: Mapped[str | None]
    removed: Mapped[str | None]

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
    draft_number: Mapped[int | None] = mapped_column(ForeignKey("drafts.number"))
    position: Mapped[int | None]  # The last entry of the draft's journal that is in the mask.
    sources: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # Ids of readings it settles.
    result_key: Mapped[str | None]  # What a prediction belongs to (see inference.result_key).

    case: Mapped[CaseRow] = relationship(lazy="joined", innerjoin=True)
    parent: Mapped[RevisionRow | None] = relationship(lazy="joined", join_depth=1, remote_side=[number])
    draft: Mapped[DraftRow | None] = relationship(lazy="joined", foreign_keys=[draft_number])


class DraftRow(Base):
    """A mask being worked on: a start, and the journal of every edit since. One case has at most one open main draft.

    ``branched_at`` is the position in the parent draft's journal up to which the two are one.
    """

    __tablename__ = "drafts"
    __table_args__ = (
        _one_of("purpose", PURPOSES),
        Index(
            "one_open_main_draft",
            "case_number",
            unique=True,
            sqlite_where=text("purpose = 'main' AND closed IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(_Id, unique=True)
    case_number: Mapped[int] = mapped_column(ForeignKey("cases.number"), index=True)
    purpose: Mapped[str]
    reviewer: Mapped[str]
    base_number: Mapped[int | None] = mapped_column(ForeignKey("revisions.number"))  # None: an empty mask.
    parent_number: Mapped[int | None] = mapped_column(ForeignKey("drafts.number"))
    branched_at: Mapped[int | None]
    started: Mapped[str]
    closed: Mapped[str | None]


class EntryRow(Base):
    """One line of a draft's journal, never changed: an edit with its voxels before and after, an undo or a redo."""

    __tablename__ = "entries"
    __table_args__ = (
        _one_of("kind", ("edit", "undo", "redo")),
        UniqueConstraint("draft_number", "position"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    draft_number: Mapped[int] = mapped_column(ForeignKey("drafts.number"))
    position: Mapped[int]  # 1, 2, … in its draft.
    kind: Mapped[str]
    target: Mapped[int | None]  # The position of the edit that is undone or redone.
    tool: Mapped[str]
    slice: Mapped[int]  # The display slice looked at.
    voxels: Mapped[int]  # Lesion voxels gained.
    reviewer: Mapped[str]
    time: Mapped[str]
    box: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    before: Mapped[bytes | None]
    after: Mapped[bytes | None]
    marks: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))  # See review.changes.Marks.


class LookRow(Base):
    """How long a slice was really looked at in a draft, in seconds."""

    __tablename__ = "looks"

    draft_number: Mapped[int] = mapped_column(ForeignKey("drafts.number"), primary_key=True)
    slice: Mapped[int] = mapped_column(primary_key=True)
    seconds: Mapped[float]
    last: Mapped[str]


class LockRow(Base):
    """Who works on a draft; ``beat`` is the last sign of life, in seconds since 1970."""

    __tablename__ = "locks"

    draft_number: Mapped[int] = mapped_column(ForeignKey("drafts.number"), primary_key=True)
    token: Mapped[str]
    reviewer: Mapped[str]
    host: Mapped[str]
    beat: Mapped[float]


class MoveRow(Base):
    """A case that went from one state to another."""

    __tablename__ = "moves"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(primary_key=True)
    case_number: Mapped[int] = mapped_column(ForeignKey("cases.number"), index=True)
    before: Mapped[str]
    after: Mapped[str]
    reviewer: Mapped[str]
    time: Mapped[str]
    reason: Mapped[str]


class CommentRow(Base):
    """What a reviewer says of a case, pinned to a display voxel (z, y, x) if there is one."""

    __tablename__ = "comments"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(primary_key=True)
    case_number: Mapped[int] = mapped_column(ForeignKey("cases.number"), index=True)
    move_number: Mapped[int | None] = mapped_column(ForeignKey("moves.number"))
    reviewer: Mapped[str]
    time: Mapped[str]
    text: Mapped[str]
    voxel: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
