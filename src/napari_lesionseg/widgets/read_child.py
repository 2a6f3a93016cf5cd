"""The child process that reads files: DICOM's and ITK's libraries load there, not in the window."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_lesionseg.errors import GeometryQuestion
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.dicom.errors import SegmentQuestion, SeriesQuestion
from napari_lesionseg.volumes.read import Progress, is_mask_path, read_mask, read_scan
from napari_lesionseg.widgets.child_jobs import Request, Tell, describe_grid, describe_scan, scan_of, serve
from napari_lesionseg.widgets.dicom_parcel import pack

if TYPE_CHECKING:
    from napari_lesionseg.volumes.dicom.series import SeriesSummary

PROGRESS_SECONDS = 0.3
MOST_LABELS = 16  # A file of whole numbers from 0 to this is a mask, not a scan.


def read(request: Request, tell: Tell) -> Request:
    """Read the file of one request, or give the question that has to be answered first."""
    answers = {name: request[name] for name in ("series", "geometry", "only")}
    try:
        volume = read_as(request["kind"], Path(request["path"]), _like(request), progress=_telling(tell), **answers)
    except SeriesQuestion as question:
        return {"question": "series", "path": str(question.path), "series": [_row(one) for one in question.series]}
    except GeometryQuestion as question:
        return {"question": "geometry", "problem": question.problem, "choices": question.choices}
    except SegmentQuestion as question:
        return {"question": "segment", "problem": question.problem, "names": question.names}
    return _written(volume, request["out"])


def read_as(
    kind: str,
    path: Path,
    like: Volume | None,
    *,
    series: str | None = None,
    geometry: str | None = None,
    only: Collection[str] = (),
    progress: Progress | None = None,
) -> Volume | Mask:
    """Read a ``"scan"``, a ``"mask"`` that lies on ``like``, or ``"any"`` of the two, as its content tells.

    Raises
    ------
    LesionsegError
        If the file cannot be read so.
    """
    if kind == "mask" or (kind == "any" and like is not None and is_mask_path(path)):
        return read_mask(path, like, geometry=geometry, only=only)
    volume = read_scan(path, series=series, geometry=geometry, progress=progress)
    return as_mask(volume) if kind == "any" and _holds_labels(volume) else volume


def as_mask(volume: Volume) -> Mask:
    """The labels of a file that holds no more than labels."""
    return Mask(np.ascontiguousarray(volume.array, dtype=np.uint8), volume.geometry, volume.source)


def _telling(tell: Tell) -> Progress:
    """Tell how many slices are read, but not so often that the window does nothing but write numbers."""
    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            tell(event="progress", done=done, total=total)

    return progress


def _holds_labels(volume: Volume) -> bool:
    whole = np.issubdtype(volume.array.dtype, np.integer)
    return bool(whole and volume.array.min() == 0 and volume.array.max() <= MOST_LABELS)


def _like(request: Request) -> Volume | None:
    if request["like"] is None:
        return None
    return scan_of({**request["like"], **{name: request[name] for name in ("dicom",) if name in request}})


def _written(volume: Volume | Mask, out: str) -> Request:
    """Leave the voxels in a file, as they are stored, and say what they are."""
    if isinstance(volume, Mask):
        np.save(f"{out}.npy", volume.array)
        source = None if volume.source is None else str(volume.source)
        return {"mask": f"{out}.npy", "source": source, **describe_grid(volume.geometry)}
    np.save(f"{out}.npy", volume.geometry.to_stored(volume.array))
    parcel = {}
    if volume.dicom is not None:
        parcel["dicom"] = f"{out}-dicom.npy"
        np.save(parcel["dicom"], pack(volume.dicom))
    return {"scan": f"{out}.npy", **parcel, **describe_scan(volume)}


def _row(one: SeriesSummary) -> Request:
    return {
        "uid": one.uid,
        "description": one.description,
        "modality": one.modality,
        "slices": one.slices,
        "spacing_mm": one.spacing_mm,
        "kernel": one.kernel,
        "refusal": one.refusal,
        "resample": one.fault is not None and one.fault.can_be_resampled,
        "proposed": one.proposed,
    }


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, read)
