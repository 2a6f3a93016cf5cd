"""Exports in a process of their own: their libraries must not load in the window's, and a crash must not take it along.

``python -m napari_lesionseg.review.export_child FOLDER`` does what ``request.json`` in that folder asks for. Arrays
travel as files, and what the request says of the scan names neither its file nor its patient.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesionseg.errors import Cancelled, LesionsegError
from napari_lesionseg.review.exports import export
from napari_lesionseg.review.report_details import Details
from napari_lesionseg.volumes.dicom.source import DicomSource
from napari_lesionseg.volumes.export.segments import Code, Segment
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

MODULE = "napari_lesionseg.review.export_child"
REQUEST = "request.json"
POLL_SECONDS = 0.05
NICENESS = 5  # The window comes first.


def in_child(
    path: str | Path,
    mask: Mask,
    scan: Volume | None,
    *,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> None:
    """Do what :func:`napari_lesionseg.review.exports.export` does, in a child; blocks, so call it in a thread.

    Parameters
    ----------
    cancelled
        Asked 20 times a second; if it says so, the child is killed.
    options
        As ``export`` takes them, but for ``lungs``, which the child looks for itself.

    Raises
    ------
    Cancelled
        If ``cancelled`` said so; nothing is left of the file.
    LesionsegError
        As ``export``, or if the child ended without a result.
    """
    path = Path(path).absolute()
    with tempfile.TemporaryDirectory(prefix="lesionseg-") as name:
        write_request(Path(name), path, mask, scan, **options)
        with subprocess.Popen(
            [sys.executable, "-m", MODULE, name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as child:
            try:
                while child.poll() is None:
                    if cancelled is not None and cancelled():
                        raise Cancelled
                    time.sleep(POLL_SECONDS)
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
                if child.returncode not in (0, 2):
                    _sweep(path)
            told = child.stdout.read() if child.stdout is not None else b""
    if child.returncode == 2:
        raise LesionsegError(json.loads(told.splitlines()[-1])["error"])
    if child.returncode != 0:
        raise LesionsegError(f"{path} was not written: the export ended with code {child.returncode}; try again.")


def write_request(
    folder: Path,
    path: Path,
    mask: Mask,
    scan: Volume | None,
    *,
    format: str | None = None,
    segments: Sequence[Segment] | None = None,
    details: Details | None = None,
    **others: str,
) -> None:
    """Put all that the child needs into ``folder``."""
    np.save(folder / "mask.npy", mask.array)
    request = {
        "path": str(path),
        "mask": _grid(mask.geometry),
        "scan": None if scan is None else _describe(scan),
        "format": format,
        "segments": None if segments is None else [asdict(segment) for segment in segments],
        "details": None if details is None else asdict(details),
        **others,
    }
    if scan is not None:
        np.save(folder / "scan.npy", scan.array)
    (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")


def answer(folder: Path) -> None:
    """Do what the request in ``folder`` asks for."""
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    path, said_mask, said_scan = (request.pop(key) for key in ("path", "mask", "scan"))
    mask = Mask(np.load(folder / "mask.npy"), _geometry(said_mask))
    scan = None if said_scan is None else _scan(said_scan, folder / "scan.npy")
    said_segments, said_details = request.pop("segments"), request.pop("details")
    segments = None if said_segments is None else [_segment(said) for said in said_segments]
    details = None if said_details is None else Details(**said_details)
    export(path, mask, scan, segments=segments, details=details, **request)


def _describe(scan: Volume) -> dict[str, Any]:
    dicom = scan.dicom
    said: dict[str, Any] = {**_grid(scan.geometry), "intensity": scan.intensity, "lossy": scan.lossy, "dicom": None}
    if dicom is not None:
        headers = [header.to_json_dict() for header in dicom.headers]
        said["dicom"] = {"headers": headers, "series": dicom.series, "frame_of_reference": dicom.frame_of_reference}
    return said


def _scan(said: dict[str, Any], file: Path) -> Volume:
    dicom = None
    if said["dicom"] is not None:
        from pydicom import Dataset

        headers = tuple(Dataset.from_json(header) for header in said["dicom"].pop("headers"))
        dicom = DicomSource(headers, **said["dicom"])
    return Volume(np.load(file), _geometry(said), said["intensity"], dicom=dicom, lossy=said["lossy"])


def _grid(geometry: Geometry) -> dict[str, Any]:
    return {"shape": geometry.shape, "affine": geometry.affine.tolist()}


def _geometry(said: dict[str, Any]) -> Geometry:
    return Geometry(tuple(said["shape"]), np.array(said["affine"]))


def _segment(said: dict[str, Any]) -> Segment:
    codes = {key: Code(*said.pop(key)) for key in ("category", "type", "region")}
    return Segment(**said | codes | {"colour": tuple(said["colour"])})


def _sweep(path: Path) -> None:
    """Remove the temporary file of a child that was killed while it wrote."""
    for left in path.parent.glob(f".????????.{path.name}"):
        left.unlink(missing_ok=True)


def main(folder: str) -> int:
    """Answer one request; 0, or 2 and the sentence as JSON on stdout."""
    with contextlib.suppress(AttributeError, OSError):  # Not on Windows.
        os.nice(NICENESS)
    try:
        answer(Path(folder))
    except LesionsegError as error:
        print(json.dumps({"error": str(error)}))
        return 2
    except MemoryError:
        print(json.dumps({"error": "There is not enough memory for this export; close other programs and try again."}))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
