"""The child process that wraps masks in triangles: scikit-image loads there, not in the window."""

from __future__ import annotations

import sys

import numpy as np

from napari_lesionseg.review.surface_mesh import surface_mesh
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.child_jobs import Request, Tell, grid_of, serve

LUNGS_MM, LESIONS_MM = 3.0, 1.0


def wrap(request: Request, _tell: Tell) -> Request:
    """Write vertices and faces of each mask of one request."""
    told: Request = {}
    for name in request["arrays"]:
        lungs = name == "lungs"
        mask = Mask(np.load(request[name]), grid_of(request))
        mesh = surface_mesh(mask, LUNGS_MM if lungs else LESIONS_MM, smooth=lungs)
        told[name] = f"{request['out']}-{name}.npz"
        np.savez(told[name], vertices=mesh.vertices, faces=mesh.faces)
    return told


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, wrap)
