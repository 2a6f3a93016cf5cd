"""The child process that exports: writers, their second readers and the report's plots load there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_lesionseg.review.exports import export
from napari_lesionseg.review.report_details import Details
from napari_lesionseg.volumes import Mask
from napari_lesionseg.volumes.export.segments import LESION, LESION_TYPES, Segment, default_segments
from napari_lesionseg.widgets.child_jobs import Request, Tell, mask_of, scan_of, serve


def save(request: Request, _tell: Tell) -> Request:
    """Export the mask of one request; what is on the disk then has been proved."""
    scan = scan_of(request)
    mask = Mask(mask_of(request).array, scan.geometry)  # A snapshot of the screen: it has no file of its own.
    lungs = Mask(np.load(request["lungs"]), scan.geometry) if "lungs" in request else None
    export(
        Path(request["path"]),
        mask,
        scan,
        format=request["format"],
        lungs=lungs,
        segments=segments_of(mask, request["lesion"], request["model"]),
        pseudonym=request["pseudonym"],
        details=Details(model=request["model"]),
    )
    return {"path": request["path"]}


def segments_of(mask: Mask, lesion: str, model: str) -> Sequence[Segment]:
    """What the labels mean: label 1 is a lesion of that type, others are as they are by default."""
    kind = next((one for one in LESION_TYPES if one.name == lesion), LESION)
    found = [replace(segment, algorithm=model) for segment in default_segments(mask)]
    return [segment.of(kind) if segment.label == 1 else segment for segment in found]


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, save)
