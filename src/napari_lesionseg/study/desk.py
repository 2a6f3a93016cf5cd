"""The desk: the user's own study of scans that were opened without one, so that a crash loses nothing there either.

It knows a scan by its voxels and its place in space, and keeps labels, ids and times, no voxels of the scan. Nothing
here imports SQLAlchemy before it is needed: a window may import it at any time.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.writer import Listener, Mode, Writer

if TYPE_CHECKING:
    from napari_lesionseg.study.store import Study
    from napari_lesionseg.volumes import Geometry, Volume

__all__ = ["desk_case", "desk_folder", "desk_writer", "open_desk"]


def desk_folder() -> Path:
    """Where the desk is: ``LESIONSEG_DESK``, else in ``LESIONSEG_HOME``, else the system's place for user state."""
    if chosen := os.environ.get("LESIONSEG_DESK"):
        return Path(chosen)
    home = os.environ.get("LESIONSEG_HOME")
    return (Path(home) if home else Path(platformdirs.user_state_dir("napari-lesionseg", appauthor=False))) / "desk"


def open_desk(folder: Path) -> Study:
    """Open the desk, or make it; two programs may do so at once.

    Raises
    ------
    LesionsegError
        If ``folder`` is something else, or cannot be written to.
    """
    from napari_lesionseg.study.reopen import reopen_study
    from napari_lesionseg.study.store import DATABASE

    if not (folder / DATABASE).is_file():
        _make_desk(folder)
    return reopen_study(folder)


def _make_desk(folder: Path) -> None:
    """Made beside, then renamed: a desk is there whole or not at all, and readable by its user only."""
    from napari_lesionseg.study.store import DATABASE, Study
    from napari_lesionseg.volumes.atomic import sync_folder

    made = folder.with_name(f".{uuid.uuid4().hex[:8]}.{folder.name}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        Study.create(made)
        made.chmod(0o700)
        os.rename(made, folder)
        sync_folder(folder.parent)
    except OSError as error:
        if not (folder / DATABASE).is_file():  # Another program may have been faster.
            raise LesionsegError(
                f"The journal for scans without a study could not be made in {folder}: {error.strerror}; "
                "free some space, or set LESIONSEG_DESK to a folder that can be written to."
            ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def desk_case(folder: Path, fingerprint: str, geometry: Geometry) -> str:
    """Return the id of the desk's case of a scan; it is added on the first call.

    Parameters
    ----------
    folder
        The desk (see ``desk_folder``).
    fingerprint, geometry
        Of the scan.

    Raises
    ------
    LesionsegError
        If the desk cannot be opened or written to.
    """
    from sqlalchemy import select

    from napari_lesionseg.study import rows
    from napari_lesionseg.study.database import now
    from napari_lesionseg.study.schema import CaseRow

    case_id = f"scan-{fingerprint[:24]}"
    with open_desk(folder)._session(write=True) as session:
        if session.scalars(select(CaseRow.number).where(CaseRow.id == case_id)).first() is None:
            # Sealed: nobody learns from a scan that cannot be proved to be the one that was drawn on.
            patient = rows.find_or_add_patient(session, case_id, "test")
            session.add(
                CaseRow(
                    id=case_id,
                    patient=patient,
                    scan="",
                    sha256=fingerprint,
                    shape=list(geometry.shape),
                    affine=geometry.affine.ravel().tolist(),
                    added=now(),
                )
            )
    return case_id


def desk_writer(
    scan: Volume,
    reviewer: str,
    listener: Listener,
    *,
    folder: Path | None = None,
    mode: Mode = "edit",
    clock: Callable[[], float] = time.time,
) -> Writer:
    """Make the writer of a scan that was opened without a study; ``start`` it.

    The scan is hashed, and its case found or added, in the writer's thread.
    """
    desk = desk_folder() if folder is None else folder
    writer = Writer(desk, "", reviewer, listener, mode=mode, clock=clock)
    writer.place = lambda: (desk, desk_case(desk, scan.fingerprint, scan.geometry))
    return writer
