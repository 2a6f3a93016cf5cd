"""Prove a whole study: its database, every scan and mask, every journal; and tell what belongs to nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.checks import check_scan
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.ledger import check_ledger
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.store import Study
from napari_lesionseg.study.verify_journal import check_draft
from napari_lesionseg.volumes.read import read_mask, read_scan

_TEMPORARY: Final = re.compile(r"\.[0-9a-f]{8}\..+")
Progress = Callable[[int, int], None]


@dataclass
class Verified:
    """What was looked at, and what is wrong.

    Parameters
    ----------
    scans, masks, drafts, lines
        How many were proved; ``lines`` are those of all journals.
    problems
        One sentence for each thing that is wrong.
    notes
        What is harmless, such as the rest of a save that was interrupted.
    """

    scans: int = 0
    masks: int = 0
    drafts: int = 0
    lines: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify_study(study: Study, *, progress: Progress | None = None) -> Verified:
    """Prove every file of an open study, and replay every journal from its start.

    Opening the study has proved the database by then. Each scan and mask is hashed, read to its end and held against
    the grid that was noted; each journal is replayed line by line and held against the masks kept from it.

    Parameters
    ----------
    progress
        Called with (cases done, cases in all); an exception that it raises ends the work.
    """
    done = Verified()
    _note(done, lambda: check_ledger(study))
    cases = {case.id: case for case in [*study.cases(), *study.cases(removed=True)]}
    known: set[Path] = set()
    for number, case in enumerate(cases.values()):
        if progress is not None:
            progress(number, len(cases))
        revisions = study._all_revisions(case.id)
        known |= {case.scan, *(revision.path for revision in revisions)}
        done.scans += _note(done, lambda case=case: _prove_scan(case))  # type: ignore[misc]
        for revision in revisions:
            done.masks += _note(done, lambda case=case, revision=revision: _prove_mask(case, revision))  # type: ignore[misc]
        for draft in Drafts(study).of(case.id):
            lines = _note_lines(done, lambda draft=draft, kept=revisions: check_draft(study, draft, kept))  # type: ignore[misc]
            done.drafts, done.lines = done.drafts + 1, done.lines + lines
    for path in _strangers(study.folder, known):
        name = path.relative_to(study.folder).as_posix()
        if _TEMPORARY.fullmatch(path.name):
            done.notes.append(f"{name} is the rest of a save that was interrupted; it may be deleted.")
        else:
            done.problems.append(f"{name} belongs to no case; move it out of the study, or restore study.db.")
    if progress is not None:
        progress(len(cases), len(cases))
    return done


def _prove_scan(case: Case) -> None:
    check_scan(case)
    if not read_scan(case.scan).geometry.same_grid(case.geometry):
        raise LesionsegError(f"The scan of case {case.id} lies on another grid than the study notes; restore study.db.")


def _prove_mask(case: Case, revision: Revision) -> None:
    if not revision.path.is_file():
        raise LesionsegError(f"The mask {revision.id} of case {case.id} is missing; restore {revision.path}.")
    if sha256_of(revision.path) != revision.sha256:
        raise LesionsegError(
            f"The mask {revision.id} of case {case.id} is no longer the file that was kept; restore {revision.path}."
        )
    read_mask(revision.path, like=case.geometry)


def _strangers(folder: Path, known: set[Path]) -> Iterator[Path]:
    """Files among the masks and scans that no row names."""
    for room in ("masks", "scans"):
        yield from (path for path in sorted((folder / room).rglob("*")) if path.is_file() and path not in known)


def _note(done: Verified, check: Callable[[], None]) -> bool:
    try:
        check()
    except LesionsegError as error:
        done.problems.append(str(error))
        return False
    return True


def _note_lines(done: Verified, check: Callable[[], int]) -> int:
    try:
        return check()
    except LesionsegError as error:
        done.problems.append(str(error))
        return 0
