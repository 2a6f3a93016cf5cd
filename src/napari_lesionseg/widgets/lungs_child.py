"""The child process that looks for the lungs, or reads them from a file, beside the window."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.child_jobs import Request, Tell, scan_of, serve


def lungs_of(request: Request, _tell: Tell) -> Request:
    """Leave the lungs of the request's scan in a file, as uint8 in display order."""
    found = _lungs(scan_of(request), request["path"])
    np.save(request["out"], (found.array != 0).astype(np.uint8))
    return {"out": request["out"]}


def _lungs(scan: Volume, path: str | None) -> Mask:
    if path is not None:
        from napari_lesionseg.volumes.read import read_mask

        return read_mask(Path(path), scan)
    from napari_lesionseg.inference.whole_lungs import whole_lungs

    return whole_lungs(scan)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, lungs_of)
