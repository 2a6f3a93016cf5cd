"""Who the patient of a new scan is: somebody the study knows, or somebody new; never two people by accident."""

from __future__ import annotations

import re
from typing import Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.found import FoundScan
from napari_lesionseg.study.glance import Glances
from napari_lesionseg.study.known import KnownCases, is_neutral
from napari_lesionseg.study.store import Study

_PHANTOM: Final = re.compile(r"phantom-\d{4,9}", re.IGNORECASE)  # Generated: the same one in two studies is nobody.


class PatientIds:
    """Finds or makes the patient of each new scan of a source."""

    def __init__(self, study: Study, known: KnownCases, glances: Glances) -> None:
        self._study, self._known, self._glances = study, known, glances
        self._groups: dict[str, set[str]] = {}
        self._taken = {name.lower() for members in study.split().values() for name in members}
        self._claimed: dict[str, str] = {}

    def learn(self, scan: FoundScan) -> None:
        """Note the patient of a scan that the study has already, for the others of its group."""
        try:
            case = self._known.find(self._glances.at(scan.path))
        except LesionsegError:
            return
        if case is not None and scan.group:
            self._groups.setdefault(scan.group, set()).add(case.patient)

    def of(self, scan: FoundScan) -> tuple[str | None, str]:
        """The patient's id, None for a new neutral one, and what the table should say about it.

        Raises
        ------
        LesionsegError
            If the other scans of its group are of several patients in the study.
        """
        members = self._groups.get(scan.group, set()) if scan.group else set()
        if len(members) > 1:
            raise LesionsegError(f"{scan.group} holds scans of several patients of the study; add it with study add.")
        if members:
            (patient,) = members
            return patient, f"another scan of patient {patient}"
        if scan.patient is None:
            return None, f"patient by folder {scan.group}" if scan.group else ""
        if is_neutral(scan.patient):
            return None, ""
        if scan.patient.lower() not in self._taken or self._claimed.get(scan.patient.lower()) == scan.group:
            self._taken.add(scan.patient.lower())
            self._claimed[scan.patient.lower()] = scan.group
            return scan.patient, ""
        if _PHANTOM.fullmatch(scan.patient):
            return None, f"{scan.patient} is somebody else here"
        # To take one patient for two would leak between splits; to take two for one does not.
        return scan.patient, f"taken for the patient {scan.patient} that the study has"
