"""What the store hands out: frozen records of a case and of a mask revision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.split import Split
from napari_lesionseg.study.states import State
from napari_lesionseg.volumes import Geometry
from napari_lesionseg.volumes.names import is_safe_name

Role = Literal["truth", "prediction", "correction", "pseudo", "reading"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Purpose = Literal["main", "branch", "reading", "adjudication"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
Mode = Literal["edit", "read", "branch", "reading", "adjudicate"]  # What a case is opened for.


@dataclass(frozen=True)
class Case:
    """One scan of one patient.

    Parameters
    ----------
    id, patient
        1 to 64 letters, digits, ``_`` or ``-``.
    scan
        Absolute path of the scan; it may be missing by now (see ``Study.check_scan``).
    sha256
        Of the scan file, as it was when the case was added.
    split
        The split of the patient.
    shape, affine
        The scan's stored grid: voxels (i, j, k), and the 4×4 RAS matrix (mm) row by row.
    state
        How far its review is (see ``states``).
    removed
        When it was taken out of the study (UTC, ISO 8601); None where it was not.
    """

    id: str
    patient: str
    scan: Path
    sha256: str
    split: Split
    shape: tuple[int, int, int]
    affine: tuple[float, ...]
    state: State = "unlabelled"
    removed: str | None = None

    @cached_property
    def geometry(self) -> Geometry:
        """The scan's grid, known without opening the scan."""
        return Geometry(self.shape, np.reshape(self.affine, (4, 4)))


@dataclass(frozen=True)
class Revision:
    """One immutable version of a mask.

    Parameters
    ----------
    id
        Unique in the study.
    case
        The case's id.
    role
        ``truth``, ``prediction``, ``correction``, ``pseudo``, or ``reading``: one of two blind ones.
    path
        Absolute path of the mask file.
    sha256
        Of the mask file.
    created
        UTC, ISO 8601.
    reviewer, model
        Who drew it, what predicted it; empty where that is nobody.
    parent
        Id of the revision it was made from.
    corrected_slices
        Display z of the slices a human vouches for; None means every slice.
    draft, position
        Id of the draft it was kept from, and the last entry of the draft's journal that is in it.
    sources
        Ids of the readings that it settles.
    result_key
        Which scan, weights and configuration a prediction belongs to (see ``inference.result_key``).
    """

    id: str
    case: str
    role: Role
    path: Path
    sha256: str
    created: str
    reviewer: str = ""
    model: str = ""
    parent: str | None = None
    corrected_slices: tuple[int, ...] | None = None
    draft: str | None = None
    position: int | None = None
    sources: tuple[str, ...] = ()
    result_key: str | None = None


def check_id(kind: str, value: str) -> str:
    """Return ``value`` if it can name a ``kind`` (case, patient).

    Raises
    ------
    LesionsegError
        If it is not 1 to 64 letters, digits, ``_`` or ``-``, or is a device of Windows (``CON``, ``COM1``).
    """
    if not is_safe_name(value):
        raise LesionsegError(
            f"{value!r} cannot name a {kind}; use 1 to 64 letters, digits, '_' or '-', and no device such as CON."
        )
    return value


def check_role(name: str) -> Role:
    """Return ``name`` as a role.

    Raises
    ------
    LesionsegError
        If there is no such role.
    """
    for role in ROLES:
        if name == role:
            return role
    raise LesionsegError(f"There is no role {name!r} for a mask; choose one of {', '.join(ROLES)}.")
