"""A case is added, taken out of the lists, comes back, gets another id or is found again; a comment says so."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import rows
from napari_lesionseg.study.database import now
from napari_lesionseg.study.files import path_to_store, sha256_of
from napari_lesionseg.study.new_scan import NewScan, check_one_file
from napari_lesionseg.study.records import check_id
from napari_lesionseg.study.schema import CaseRow, CommentRow
from napari_lesionseg.study.split import Split


def add(
    session: Session, folder: Path, new: NewScan, case_id: str | None, patient: str | None, split: Split | None
) -> str:
    """Add a case of a scan that was read, copied into ``folder`` if that was asked for, and return its id.

    Parameters
    ----------
    case_id, patient
        None for the next neutral id, and for a patient of the case's name.
    split
        Of a patient who is new; None for the one that the ledger draws.

    Raises
    ------
    LesionsegError
        If the case is known, its patient is in another split, or the file is another patient's.
    """
    case_id = case_id or rows.free_id(session)
    rows.refuse_known_case(session, case_id)
    owner = rows.find_or_add_patient(session, patient or case_id, split)

    def check(sha256: str) -> None:
        rows.refuse_scan_of_other_patient(session, new.path, sha256, owner)

    path, sha256 = new.place(folder, case_id, check)
    row = CaseRow(
        id=case_id,
        patient=owner,
        scan=path_to_store(folder, path),
        sha256=sha256,
        shape=list(new.volume.geometry.shape),
        affine=new.volume.geometry.affine.ravel().tolist(),
        added=now(),
    )
    session.add(row)
    session.flush()
    return case_id


def remove(session: Session, case_id: str, reason: str, reviewer: str) -> None:
    """Mark a case as taken out; its files, its history and its patient's line in the ledger stay."""
    row = rows.find_case(session, case_id)
    if not reason.strip():
        raise LesionsegError(f"Case {row.id} cannot be removed without a reason; give one.")
    if row.removed is not None:
        raise LesionsegError(f"Case {row.id} has been removed already; see 'lesionseg study show'.")
    row.removed = _note(session, row, f"Removed from the study: {reason.strip()}", reviewer)


def restore(session: Session, case_id: str, reviewer: str) -> None:
    """Bring a case back that was taken out."""
    row = rows.find_case(session, case_id)
    if row.removed is None:
        raise LesionsegError(f"Case {row.id} is in the study; only a case that was removed can be restored.")
    _note(session, row, "Restored to the study.", reviewer)
    row.removed = None


def rename(session: Session, old: str, new: str, reviewer: str) -> None:
    """Give a case another id; files that carry the old one keep their names."""
    row = rows.find_case(session, old)
    if check_id("case", new).lower() != row.id.lower():
        rows.refuse_known_case(session, new)
    if new != row.id:
        _note(session, row, f"Renamed from {row.id}.", reviewer)
        row.id = new


def relink(session: Session, folder: Path, case_id: str, scan: Path) -> None:
    """Note where the scan of a case lies now, if it is the same file."""
    check_one_file(scan)
    row = rows.find_case(session, case_id)
    if not scan.is_file():
        raise LesionsegError(f"{scan} is not a file; choose where the scan of case {row.id} lies now.")
    if sha256_of(scan) != row.sha256:
        raise LesionsegError(
            f"{scan} is not the scan of case {row.id}: its SHA-256 differs; choose the same file, or add a case."
        )
    row.scan = path_to_store(folder, scan)


def _note(session: Session, row: CaseRow, text: str, reviewer: str) -> str:
    time = now()
    session.add(CommentRow(case_number=row.number, reviewer=reviewer, time=time, text=text))
    row.touched = time
    return time
