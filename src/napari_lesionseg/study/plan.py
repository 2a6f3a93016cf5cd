"""What adding a source would do to a study, scan by scan with the reason, before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.found import Found, FoundMask, FoundScan
from napari_lesionseg.study.glance import Glance, Glances
from napari_lesionseg.study.known import KnownCases
from napari_lesionseg.study.new_scan import ONE_FILE
from napari_lesionseg.study.patients import PatientIds
from napari_lesionseg.study.records import Case
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask

Action = Literal["add", "add masks", "relink", "known", "missing", "left out"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    action
        ``add`` a new case, ``add masks`` to a known one, ``relink`` a case to where its scan lies now (with its new
        masks); ``known``, ``missing`` and ``left out`` do nothing.
    file
        The scan; of what is left out, the file.
    masks
        Those that would be kept.
    case
        The case's id, None where it will get a neutral one.
    patient
        The patient's id, None where it will be the case's.
    group
        Rows of one group that have no patient yet become one patient.
    reason
        In words.
    """

    action: Action
    file: Path
    reason: str
    masks: tuple[FoundMask, ...] = ()
    case: str | None = None
    patient: str | None = None
    group: str = ""


@dataclass(frozen=True)
class Plan:
    """The whole table; ``copy`` says whether new scans are copied into the study."""

    rows: tuple[Row, ...]
    copy: bool = False

    @property
    def changes(self) -> bool:
        """Whether carrying it out would do anything."""
        return any(row.action in ("add", "add masks", "relink") for row in self.rows)

    def count(self, *actions: Action) -> int:
        """How many rows do one of ``actions``."""
        return sum(row.action in actions for row in self.rows)


def make_plan(
    study: Study,
    found: Found,
    glances: Glances,
    *,
    source: Path,
    copy: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Hold what was found against what the study knows.

    A scan is known by the SHA-256 of its file, or by its voxels if the study has a copy of it. Nothing is ever taken
    out of the study: cases whose scan has gone from the source are told.

    Parameters
    ----------
    source
        Where it was found; cases whose scans should be there and are not are told as missing.
    copy
        Whether new scans will be copied into the study; a scan of several files can be added in no other way.
    progress
        Called with (scans done, scans in all); an exception that it raises ends the search.
    """
    planner = _Planner(study, glances, copy)
    planner.learn(found)
    rows: list[Row] = []
    for done, scan in enumerate(found.scans):
        if progress is not None:
            progress(done, len(found.scans))
        rows += planner.rows_for(scan)
    rows += [Row("left out", one.path, one.reason) for one in found.left_out]
    relinked = {row.case for row in rows if row.action == "relink"}
    rows += [
        Row("missing", case.scan, "no longer in the source; the case stays as it is", case=case.id)
        for case in planner.known.cases
        if case.id not in relinked and case.scan.is_relative_to(source) and not case.scan.exists()
    ]
    return Plan(tuple(rows), copy)


class _Planner:
    """Rows for one scan after the other; remembers which files it has seen."""

    def __init__(self, study: Study, glances: Glances, copy: bool) -> None:
        self.known = KnownCases(study)
        self._patients = PatientIds(study, self.known, glances)
        self._study, self._glances, self._copy = study, glances, copy
        self._seen: dict[str, Path] = {}

    def learn(self, found: Found) -> None:
        """Note whose scans the study has already: others of a group follow them."""
        for scan in found.scans:
            self._patients.learn(scan)

    def rows_for(self, scan: FoundScan) -> Iterator[Row]:
        """The row of the scan, and one for each mask that cannot be read on its grid."""
        if any("\ud800" <= sign <= "\udfff" for sign in str(scan.path)):  # A database stores text alone.
            yield Row("left out", scan.path, "its name is not valid text; rename it")
            return
        try:
            seen = self._glances.at(scan.path)
        except LesionsegError as error:
            yield Row("left out", scan.path, str(error))
            return
        if (first := self._seen.setdefault(seen.voxels, scan.path)) != scan.path:
            yield Row("left out", scan.path, f"the same scan as {first.name}")
            return
        masks = []
        case = self.known.find(seen)
        for mask in scan.masks:
            try:
                if case is None or not self.known.has_mask(case, mask):
                    read_mask(mask.path, like=seen.geometry)
                    masks.append(mask)
            except LesionsegError as error:
                yield Row("left out", mask.path, str(error))
        yield self._known(case, scan, tuple(masks)) if case is not None else self._new(scan, seen, tuple(masks))

    def _known(self, case: Case, scan: FoundScan, masks: tuple[FoundMask, ...]) -> Row:
        if self.known.is_removed(case):
            return Row("left out", scan.path, f"case {case.id} was taken out of the study on purpose", case=case.id)
        told = [mask.reason for mask in masks if mask.reason]
        facts = {"masks": masks, "case": case.id, "patient": case.patient}
        if not case.scan.exists() and scan.path.is_file():
            reason = f"renamed or moved: the scan of case {case.id} by its SHA-256"
            return Row("relink", scan.path, "; ".join([reason, *told]), **facts)  # type: ignore[arg-type]
        if masks:
            return Row("add masks", scan.path, "; ".join(["the scan is known", *told]), **facts)  # type: ignore[arg-type]
        return Row("known", scan.path, "in the study already", case=case.id, patient=case.patient)

    def _new(self, scan: FoundScan, seen: Glance, masks: tuple[FoundMask, ...]) -> Row:
        if (old := self.known.at(scan.path)) is not None:
            reason = f"no longer the file that was added as case {old.id}; restore it, or save the new one elsewhere"
            return Row("left out", scan.path, reason, case=old.id)
        if not self._copy and not (scan.path.is_file() and scan.path.name.lower().endswith(ONE_FILE)):
            return Row("left out", scan.path, "a scan of several files; copy scans into the study (--copy)")
        try:
            patient, told = self._patients.of(scan)
        except LesionsegError as error:
            return Row("left out", scan.path, str(error))
        reasons = [*(mask.reason for mask in masks if mask.reason), told] if masks else ["no mask found", told]
        case = self.known.free(scan.case)
        return Row("add", scan.path, "; ".join(filter(None, reasons)), masks, case, patient, scan.group)
