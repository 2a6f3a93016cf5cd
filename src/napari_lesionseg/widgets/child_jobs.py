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
from napari_lesionseg.volumes import Geometry, Mask, Volume

Request = dict[str, Any]
Tell = Callable[..., None]


def serve(requests: IO[str], answers: IO[str], work: Callable[[Request, Tell], Request]) -> None:
    """Answer requests until there are no more; a failed one is answered with one sentence."""
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
    """What a request says of a scan, beside its voxels in stored order."""
    geometry = scan.geometry
    return {
        "shape": geometry.shape,
        "affine": geometry.affine.tolist(),
        "intensity": scan.intensity,
        "source": None if scan.source is None else str(scan.source),
    }


def scan_of(request: Request) -> Volume:
    """The scan of a request."""
    geometry = _geometry(request)
    source = None if request["source"] is None else Path(request["source"])
    return Volume(geometry.to_display(np.load(request["scan"])), geometry, request["intensity"], source)


def mask_of(request: Request) -> Mask:
    """The mask of a request, stored in display order."""
    return Mask(np.load(request["mask"]), _geometry(request))


def _geometry(request: Request) -> Geometry:
    return Geometry(tuple(request["shape"]), np.array(request["affine"]))
