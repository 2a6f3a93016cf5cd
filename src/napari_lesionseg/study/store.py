"""The study folder: cases, patients, mask revisions and splits, on disk before they are acknowledged."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import blind, case_changes, new_revision, rows
from napari_lesionseg.study.checks import check_grid, check_scan, check_slices
from napari_lesionseg.study.database import connect, create_database, now, prepare_database, translated
from napari_lesionseg.study.files import make_empty_folder, make_folder, path_to_store, sha256_of
from napari_lesionseg.study.new_scan import NewScan
from napari_lesionseg.study.records import Case, Revision, Role, check_id, check_role
from napari_lesionseg.study.schema import CaseRow, PatientRow, RevisionRow, StudyRow
from napari_lesionseg.study.split import SPLITS, Split, check_split
from napari_lesionseg.volumes import Mask

DATABASE: Final = "study.db"
FOLDERS: Final = ("masks", "models", "runs", "exports")


class Study:
    """A study folder, the unit a user backs up.

    Use ``Study.create`` or ``Study.open``. Every method is one transaction; nothing is kept open in
    between, so a study may be used from threads and from several processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = folder / DATABASE
        self._engine = connect(self._database)

    @classmethod
    def create(cls, folder: str | Path, *, seed: int = 0) -> Study:
        """Make an empty study in a new or empty folder.

        Raises
        ------
        LesionsegError
            If the folder holds files already, or cannot be written to.
        """
        folder = Path(folder).resolve()
        make_empty_folder(folder)
        for name in FOLDERS:
            make_folder(folder / name)
        create_database(folder / DATABASE, seed)
        return cls(folder)

    @classmethod
    def open(cls, folder: str | Path) -> Study:
        """Open a study; one of an older version is migrated, after a backup of its database.

        Raises
        ------
        LesionsegError
            If there is no study, its schema is newer than this program, its database is damaged, or it could not be
            migrated from an older version.
        """
        folder = Path(folder).resolve()
        if not (folder / DATABASE).is_file():
            raise LesionsegError(
                f"{folder} is not a study (it has no {DATABASE}); choose a folder made by 'lesionseg study create'."
            )
        prepare_database(folder / DATABASE)
        return cls(folder)

    @property
    def seed(self) -> int:
        """The seed the study was created with."""
        with self._session() as session:
            return session.scalars(select(StudyRow.seed)).one()

    def add_case(
        self,
        case_id: str | None,
        patient: str | None,
        scan: str | Path,
        *,
        copy: bool = False,
        split: str | None = None,
        series: str | None = None,
        geometry: str | None = None,
    ) -> Case:
        """Add a scan; a patient who is new joins ``split``, or the one that the ledger draws.

        Parameters
        ----------
        case_id, patient
            1 to 64 letters, digits, ``_`` or ``-``; compared without regard to case. None for the case is the next
            of ``case-0001``, ``case-0002`` and on, which tells nothing of the file; None for the patient, the case's.
        scan
            A scan in one file (NIfTI, NRRD, MetaImage). It is read once as a proof, and stays where it is.
        copy
            Write the scan to ``scans/`` in the study, as NIfTI with a fresh header: nothing that the original says of
            its patient comes along. Needed for a scan of several files, such as a DICOM series.
        split
            Must be the patient's split if the patient is known: a patient is never moved.
        series, geometry
            As in ``read_scan``. Kept only in a copy: the next reader of the original would be asked again.

        Raises
        ------
        LesionsegError
            If an id or the split is bad, the case exists, the scan cannot be read, the patient is
            in another split, or the same file belongs to another patient.
        """
        for kind, given in (("case", case_id), ("patient", patient)):
            if given is not None:
                check_id(kind, given)
        chosen = check_split(split) if split is not None else None
        new = NewScan.read(Path(scan), copy=copy, series=series, geometry=geometry)
        with self._session(write=True) as session:
            added = case_changes.add(session, self.folder, new, case_id, patient, chosen)
            return rows.read_case(session, self.folder, added)

    def remove_case(self, case_id: str, reason: str, *, reviewer: str = "") -> None:
        """Take a case out of the lists and of training; its files, its history and its patient's split stay.

        Raises
        ------
        LesionsegError
            If there is no such case, it has been removed already, or there is no reason.
        """
        with self._session(write=True) as session:
            case_changes.remove(session, case_id, reason, reviewer)

    def restore_case(self, case_id: str, *, reviewer: str = "") -> None:
        """Bring back a case that was removed, as it was.

        Raises
        ------
        LesionsegError
            If there is no such case, or it has not been removed.
        """
        with self._session(write=True) as session:
            case_changes.restore(session, case_id, reviewer)

    def rename_case(self, old: str, new: str, *, reviewer: str = "") -> None:
        """Give a case another id; its masks and its copied scan keep their file names, and its patient their id.

        Raises
        ------
        LesionsegError
            If there is no such case, or the new id is bad or taken.
        """
        with self._session(write=True) as session:
            case_changes.rename(session, old, new, reviewer)

    def relink_case(self, case_id: str, scan: str | Path) -> None:
        """Note where the scan of a case lies now.

        Raises
        ------
        LesionsegError
            If there is no such case, or the file is missing or has another SHA-256.
        """
        with self._session(write=True) as session:
            case_changes.relink(session, self.folder, case_id, Path(scan))

    def cases(self, *, removed: bool = False) -> list[Case]:
        """Return all cases, or those that were removed, in the order they were added; no scan is touched."""
        taken_out = CaseRow.removed.is_not(None) if removed else CaseRow.removed.is_(None)
        with self._session() as session:
            return rows.read_cases(session, self.folder, taken_out)

    def case(self, case_id: str) -> Case:
        """Return one case, removed or not.

        Raises
        ------
        LesionsegError
            If there is none of this id.
        """
        with self._session() as session:
            return rows.read_case(session, self.folder, case_id)

    def check_scan(self, case: Case) -> None:
        """Prove that the case's scan is still the file that was added.

        Raises
        ------
        LesionsegError
            If it is missing or has changed.
        """
        check_scan(case)

    def add_revision(  # noqa: PLR0913 - a mask has the provenance it has
        self,
        case_id: str,
        role: str,
        mask: Mask,
        *,
        reviewer: str = "",
        model: str = "",
        parent: str | None = None,
        corrected_slices: Iterable[int] | None = None,
        result_key: str | None = None,
        draft: str | None = None,
        position: int | None = None,
        sources: Iterable[str] = (),
        uncertainty: float | None = None,
    ) -> Revision:
        """Keep ``mask`` as a new revision; the file is on disk and proved before the row is.

        The case notes the mask's volume, reviewer and time; its first prediction makes it ``predicted``.

        Parameters
        ----------
        case_id, role
            What it is a mask of, and what it is: truth, prediction, correction, pseudo or reading.
        mask
            On the scan's own grid.
        reviewer, model, parent
            Where it comes from; ``parent`` is the id of a revision of the same case.
        corrected_slices
            Display z of the slices a human vouches for; None means every slice.
        result_key
            Which scan, weights and configuration a prediction belongs to.
        draft, position
            Id of the draft it was kept from, and the last line of the draft's journal that is in it.
        sources
            Ids of the readings that it settles.
        uncertainty
            How unsure the model is of the case, for the list of cases; None leaves what is noted.

        Raises
        ------
        LesionsegError
            If the case, role, parent, draft, line or a source is unknown, a slice is not in the scan, the mask lies on
            another grid, or it cannot be written. Nothing has been added then.
        """
        from napari_lesionseg.volumes import nifti  # It brings nibabel: not for every reader of a study.

        case = self.case(case_id)
        known_role = check_role(role)
        slices = check_slices(case, corrected_slices)
        check_grid(case, mask)
        settled = tuple(sources)
        with self._session() as session:
            links = new_revision.find_links(session, case.id, parent, draft, position, settled)
        revision = f"{known_role}-{uuid.uuid4().hex[:12]}"
        path = self.folder / "masks" / case.id / f"{revision}.nii.gz"
        make_folder(path.parent)
        nifti.write_mask(path, mask)
        with self._session(write=True) as session:
            row = RevisionRow(
                id=revision,
                case=rows.find_case(session, case.id),
                role=known_role,
                file=path_to_store(self.folder, path),
                sha256=sha256_of(path),
                created=now(),
                reviewer=reviewer,
                model=model,
                parent_number=links.parent,
                corrected_slices=slices,
                draft_number=links.draft,
                position=position,
                sources=list(settled) or None,
                result_key=result_key,
            )
            session.add(row)
            session.flush()
            lesion_ml = np.count_nonzero(mask.array) * case.geometry.voxel_ml
            new_revision.note(session, row, lesion_ml, uncertainty)
            session.flush()
            return rows.to_revision(row, self.folder)

    def revisions(self, case_id: str) -> list[Revision]:
        """Return all revisions of a case, oldest first; readings only when both of a pair are finished."""
        with self._session() as session:
            case = rows.find_case(session, case_id)
            return self._read_revisions(session, case, blind.given_out(session, case.number))

    def _all_revisions(self, case_id: str) -> list[Revision]:
        """Return also the readings that nobody may see yet; for proofs, whose results do not show them."""
        with self._session() as session:
            return self._read_revisions(session, rows.find_case(session, case_id))

    def _read_revisions(self, session: Session, case: CaseRow, *conditions: ColumnElement[bool]) -> list[Revision]:
        wanted = select(RevisionRow).where(RevisionRow.case_number == case.number, *conditions)
        return [rows.to_revision(row, self.folder) for row in session.scalars(wanted.order_by(RevisionRow.number))]

    def latest(self, case_id: str, role: Role) -> Revision | None:
        """Return the newest revision of a case in ``role``, or None if there is none."""
        with self._session() as session:
            case = rows.find_case(session, case_id)
            newest = (
                select(RevisionRow)
                .where(RevisionRow.case_number == case.number)
                .where(RevisionRow.role == check_role(role), blind.given_out(session, case.number))
            )
            row = session.scalars(newest.order_by(RevisionRow.number.desc()).limit(1)).first()
            return rows.to_revision(row, self.folder) if row is not None else None

    def corrected_slices(self, revision: Revision) -> list[int] | None:
        """Return the display z of the slices a human vouches for in ``revision``; None means all."""
        return None if revision.corrected_slices is None else list(revision.corrected_slices)

    def role_counts(self) -> dict[str, dict[str, int]]:
        """Return how many revisions each case has of each role; a case without a mask is left out."""
        counted = select(CaseRow.id, RevisionRow.role, func.count()).join(RevisionRow.case)
        counts: dict[str, dict[str, int]] = {}
        with self._session() as session:
            for case_id, role, count in session.execute(counted.group_by(CaseRow.id, RevisionRow.role)):
                counts.setdefault(case_id, {})[role] = count
        return counts

    def ledger(self) -> list[tuple[str, Split, str]]:
        """Return the lines of the ledger: patient, split and hash, in the order the patients were added."""
        lines = select(PatientRow.id, PatientRow.split, PatientRow.hash).order_by(PatientRow.number)
        with self._session() as session:
            return [(patient, check_split(split), noted) for patient, split, noted in session.execute(lines)]

    def split(self) -> dict[Split, list[str]]:
        """Return the patients of each split, in the order they were added."""
        patients: dict[Split, list[str]] = {name: [] for name in SPLITS}
        with self._session() as session:
            for row in session.scalars(select(PatientRow).order_by(PatientRow.number)):
                patients[check_split(row.split)].append(row.id)
        return patients

    @contextmanager
    def _session(self, *, write: bool = False) -> Iterator[Session]:
        engine = self._engine.execution_options(write=write)
        with translated(self._database), Session(engine) as session, session.begin():
            yield session
