"""The child process that measures growth: numbering lesions would hold up the window for as long as it takes."""

from __future__ import annotations

import sys
from dataclasses import asdict

import numpy as np

from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.growth import growth
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.child_jobs import Request, Tell, grid_of, serve


def measure(request: Request, _tell: Tell) -> Request:
    """Compare the two masks of one request."""
    now, then = (Mask(np.load(request[name]), grid_of(request[f"{name}_grid"])) for name in ("mask", "prior"))
    return asdict(growth(now, then, Shift(*request["shift"])))


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, measure)
