"""What a study has already: scans by their content, and masks by their voxels."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.found import FoundMask
from napari_lesionseg.study.glance import Glance, hash_voxels
from napari_lesionseg.study.records import Case
from napari_lesionseg.study.rows import NEUTRAL
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask, read_scan

_NEUTRAL: Final = re.compile(rf"{NEUTRAL}-\d+", re.IGNORECASE)


def is_neutral(name: str) -> bool:
    """Whether an id is one that every study gives out: in another study it means nothing."""
    return _NEUTRAL.fullmatch(name) is not None


class KnownCases:
    """The cases of a study as they were when this was made, those taken out of it too."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self.cases = study.cases()
        self._removed = {case.id: case for case in study.cases(removed=True)}
        for case in self.cases:
            self._removed.pop(case.id, None)
        self.all = [*self.cases, *self._removed.values()]
        self._by_sha256 = {case.sha256: case for case in reversed(self.all)}
        self._by_path = {case.scan: case for case in self.all}
        self._taken = {name.lower() for case in self.all for name in (case.id, case.patient)}
        self._hash = cache(_hash_copy)

    def find(self, seen: Glance) -> Case | None:
        """The case of this scan: by the SHA-256 of its file, or because the study's copy has the same voxels."""
        if seen.sha256 in self._by_sha256:
            return self._by_sha256[seen.sha256]
        copies = (case for case in self.all if self._is_copy(case) and case.geometry.same_grid(seen.geometry))
        return next((case for case in copies if self._hash(case.scan) == seen.voxels), None)

    def at(self, path: Path) -> Case | None:
        """The case whose scan lies, or lay, at ``path``."""
        return self._by_path.get(path.resolve())

    def is_removed(self, case: Case) -> bool:
        """Whether the case was taken out of the study."""
        return case.id in self._removed

    def free(self, case_id: str | None) -> str | None:
        """``case_id`` if it says something and no case has it, which is then taken; else None, for a neutral one."""
        if case_id is None or case_id.lower() in self._taken or is_neutral(case_id):
            return None
        self._taken.add(case_id.lower())
        return case_id

    def has_mask(self, case: Case, mask: FoundMask) -> bool:
        """Whether a revision in the mask's role has its very voxels.

        Raises
        ------
        LesionsegError
            If the mask cannot be read on the grid of the case.
        """
        wanted = read_mask(mask.path, like=case.geometry).array
        kept = (one for one in reversed(self._study.revisions(case.id)) if one.role == mask.role)
        return any(np.array_equal(read_mask(one.path, like=case.geometry).array, wanted) for one in kept)

    def _is_copy(self, case: Case) -> bool:
        return case.scan.parent == self._study.folder / "scans"


def _hash_copy(scan: Path) -> str:
    try:
        return hash_voxels(read_scan(scan))
    except LesionsegError:
        return ""  # Missing or damaged: the verification tells, this is only looking for a twin.
