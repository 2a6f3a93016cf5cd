"""Questions to the tables inside a transaction, and the way from a row to a record."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import blind
from napari_lesionseg.study.chain import line_hash
from napari_lesionseg.study.files import stored_path
from napari_lesionseg.study.records import Case, Revision, check_role
from napari_lesionseg.study.schema import CaseRow, PatientRow, RevisionRow, StudyRow
from napari_lesionseg.study.split import Split, check_split, choose_split
from napari_lesionseg.study.states import check_state
from napari_lesionseg.volumes.names import next_name

NEUTRAL = "case"  # Ids made from file names would carry patients' names into masks, cards and reports.


def read_cases(session: Session, folder: Path, *conditions: ColumnElement[bool]) -> list[Case]:
    """Return the cases of the study in ``folder`` that meet ``conditions``, in the order they were added."""
    # Plain columns: 10,000 mapped objects would take a second, their values a fifth of it.
    columns = select(
        CaseRow.id,
        PatientRow.id,
        CaseRow.scan,
        CaseRow.sha256,
        PatientRow.split,
        CaseRow.shape,
        CaseRow.affine,
        CaseRow.state,
        CaseRow.removed,
    )
    wanted = columns.join(CaseRow.patient).where(*conditions).order_by(CaseRow.number)
    return [
        Case(
            case,
            patient,
            stored_path(folder, scan),
            sha256,
            check_split(split),
            (i, j, k),
            tuple(affine),
            check_state(state),
            removed,
        )
        for case, patient, scan, sha256, split, (i, j, k), affine, state, removed in session.execute(wanted)
    ]


def read_case(session: Session, folder: Path, case_id: str) -> Case:
    """Return one case of the study in ``folder``, or raise one sentence."""
    found = read_cases(session, folder, CaseRow.id == case_id)
    if not found:
        raise _no_such_case(case_id)
    return found[0]


def to_revision(row: RevisionRow, folder: Path) -> Revision:
    """Make the record of a mask revision of the study in ``folder``."""
    return Revision(
        id=row.id,
        case=row.case.id,
        role=check_role(row.role),
        path=stored_path(folder, row.file),
        sha256=row.sha256,
        created=row.created,
        reviewer=row.reviewer,
        model=row.model,
        parent=row.parent.id if row.parent is not None else None,
        corrected_slices=None if row.corrected_slices is None else tuple(row.corrected_slices),
        draft=row.draft.id if row.draft is not None else None,
        position=row.position,
        sources=tuple(row.sources or ()),
        result_key=row.result_key,
    )


def find_case(session: Session, case_id: str) -> CaseRow:
    """Return the row of a case, or raise one sentence."""
    row = session.scalars(select(CaseRow).where(CaseRow.id == case_id)).first()
    if row is None:
        raise _no_such_case(case_id)
    return row


def _no_such_case(case_id: str) -> LesionsegError:
    return LesionsegError(f"The study has no case {case_id!r}; see its cases with 'lesionseg study list'.")


def find_parent(session: Session, case_id: str, parent: str | None) -> int | None:
    """Return the number of the revision ``parent`` of the case, or raise one sentence."""
    if parent is None:
        return None
    case = find_case(session, case_id)
    wanted = select(RevisionRow.number).where(RevisionRow.case_number == case.number, RevisionRow.id == parent)
    number = session.scalars(wanted.where(blind.given_out(session, case.number))).first()
    if number is None:
        raise LesionsegError(f"Case {case_id} has no revision {parent!r} to be the parent; see 'lesionseg study show'.")
    return number


def find_or_add_patient(session: Session, patient: str, split: Split | None) -> PatientRow:
    """Return the patient, who gets a line in the ledger on the first call and never moves."""
    row = session.scalars(select(PatientRow).where(PatientRow.id == patient)).first()
    if row is None:
        row = _add_patient(session, patient, split)
    elif split is not None and split != row.split:
        raise LesionsegError(
            f"Patient {row.id} is in the split {row.split} and cannot join {split}; add this scan without a split."
        )
    return row


def _add_patient(session: Session, patient: str, split: Split | None) -> PatientRow:
    counted = session.execute(select(PatientRow.split, func.count()).group_by(PatientRow.split))
    counts = {check_split(name): count for name, count in counted}
    seed = session.scalars(select(StudyRow.seed)).one()
    chosen = split or choose_split(counts, seed, patient)
    last = session.scalars(select(PatientRow.hash).order_by(PatientRow.number.desc()).limit(1)).first()
    row = PatientRow(id=patient, split=chosen, hash=line_hash(last or "", patient, chosen))
    session.add(row)
    session.flush()
    return row


def free_id(session: Session) -> str:
    """Return the next neutral id that neither a case nor a patient has."""
    return next_name(NEUTRAL, [*session.scalars(select(CaseRow.id)), *session.scalars(select(PatientRow.id))])


def refuse_known_case(session: Session, case_id: str) -> None:
    """Raise one sentence if a case of this id exists."""
    known = session.scalars(select(CaseRow.id).where(CaseRow.id == case_id)).first()
    if known is not None:
        raise LesionsegError(f"The study has a case {known} already; choose another id for this scan.")


def refuse_scan_of_other_patient(session: Session, scan: Path, sha256: str, patient: PatientRow) -> None:
    """Raise one sentence if the same file belongs to another patient, who may be in another split."""
    others = select(CaseRow).where(CaseRow.sha256 == sha256, CaseRow.patient_number != patient.number)
    other = session.scalars(others).first()
    if other is not None:
        raise LesionsegError(
            f"{scan} is the scan of case {other.id} (patient {other.patient.id}) already; "
            f"add it under that patient, or choose the file of patient {patient.id}."
        )
