"""The other end of ``job_runner``: one JSON request a line on stdin, JSON answers on stdout.

The child ends when its parent does, since its stdin then closes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.redact import private_logs
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets.dicom_parcel import unpack

Request = dict[str, Any]
Tell = Callable[..., None]


def serve(requests: IO[str], answers: IO[str], work: Callable[[Request, Tell], Request]) -> None:
    """Answer requests until there are no more; a failed one is answered with one sentence."""
    with private_logs():
        _serve(requests, answers, work)


def _serve(requests: IO[str], answers: IO[str], work: Callable[[Request, Tell], Request]) -> None:
    for line in requests:
        request = json.loads(line)

        def tell(job: int = request["job"], **event: Any) -> None:
            answers.write(json.dumps({"job": job, **event}) + "\n")
            answers.flush()

        try:
            tell(event="done", **work(request, tell))
        except LesionsegError as error:
            tell(event="failed", message=str(error))
        except OSError as error:
            tell(event="failed", message=f"{error.filename}: {error.strerror}; free some space and try again.")
        except MemoryError:
            tell(event="failed", message="There is not enough memory for this; close other programs and try again.")
        finally:
            for name in request["arrays"]:
                Path(request[name]).unlink(missing_ok=True)


def describe_scan(scan: Volume) -> Request:
    """What a message says of a scan, beside its voxels in stored order and its DICOM parcel."""
    return {
        **describe_grid(scan.geometry),
        "intensity": scan.intensity,
        "source": None if scan.source is None else str(scan.source),
        "warnings": list(scan.warnings),
        "lossy": scan.lossy,
    }


def describe_grid(geometry: Geometry) -> Request:
    """What a message says of a grid."""
    return {"shape": geometry.shape, "affine": geometry.affine.tolist()}


def scan_of(request: Request) -> Volume:
    """The scan of a message; without voxels, a scan of zeros that takes no memory."""
    geometry = grid_of(request)
    stored = np.load(request["scan"]) if "scan" in request else np.broadcast_to(np.int16(0), geometry.shape)
    dicom = unpack(np.load(request["dicom"])) if "dicom" in request else None
    return Volume(
        geometry.to_display(stored),
        geometry,
        request["intensity"],
        source_of(request),
        tuple(request["warnings"]),
        dicom,
        request["lossy"],
    )


def mask_of(request: Request) -> Mask:
    """The mask of a message, stored in display order."""
    return Mask(np.load(request["mask"]), grid_of(request), source_of(request))


def grid_of(request: Request) -> Geometry:
    """The grid of a message."""
    return Geometry(tuple(request["shape"]), np.array(request["affine"]))


def source_of(request: Request) -> Path | None:
    """The file of a message."""
    return None if request.get("source") is None else Path(request["source"])
