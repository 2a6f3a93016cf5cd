"""``lesionseg import``: one DICOM series as a NIfTI scan."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_lesionseg.cli.progress import progress_bar
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.nifti import write_scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lesionseg.volumes import Volume
    from napari_lesionseg.volumes.dicom.resample import RegularGrid
    from napari_lesionseg.volumes.dicom.series import SeriesSummary

NIFTI = (".nii.gz", ".nii")


def import_command(
    path: Annotated[Path, typer.Argument(help="A folder, file, DICOMDIR or zip.", metavar="DICOM")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Scan to write (.nii or .nii.gz).")],
    series: Annotated[
        str | None,
        typer.Option(help="Which series, by its number in the list or its UID; needed if there are several."),
    ] = None,
    geometry: Annotated[
        str | None,
        typer.Option(help="resample: interpolate a tilted or gapped series to a regular grid, and write down how."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Turn one DICOM series into a NIfTI scan: slices in order, Hounsfield units, proved by reading it back."""
    from napari_lesionseg.volumes.dicom.errors import SeriesQuestion
    from napari_lesionseg.volumes.dicom.read import read_series_and_grid

    _refuse_output(path, output)
    try:
        with progress_bar("Reading", hidden=as_json) as advance:
            scan, grid = read_series_and_grid(path, series, geometry=geometry, progress=advance)
    except SeriesQuestion as question:
        _show(question.series, as_json)
        raise LesionsegError(f"{path} holds {len(question.series)} series; choose one with --series NUMBER.") from None
    write_scan(output, scan)
    if grid is not None:
        write_atomically(_transform_path(output), json.dumps(grid.as_dict(), indent=1).encode())
    _tell(output, scan, grid, as_json)


def _refuse_output(path: Path, output: Path) -> None:
    """Refuse a name before any work is done: another ending, or inside the folder that is read."""
    if not output.name.endswith(NIFTI):
        raise LesionsegError(f"{output} does not end in .nii or .nii.gz; choose such a name.")
    if os.path.abspath(path) == os.path.abspath(output):
        raise LesionsegError(f"{output} is named twice, and would be overwritten; choose another name for the result.")


def _transform_path(output: Path) -> Path:
    """Where the resampling is written down: ``scan.nii.gz`` → ``scan.resample.json``."""
    ending = next(ending for ending in NIFTI if output.name.endswith(ending))
    return output.with_name(output.name.removesuffix(ending) + ".resample.json")


def _tell(output: Path, scan: Volume, grid: RegularGrid | None, as_json: bool) -> None:
    spacing = [float(side) for side in np.linalg.norm(scan.geometry.affine[:3, :3], axis=0)]
    facts: dict[str, Any] = {
        "shape": list(scan.geometry.shape),
        "spacing_mm": spacing,
        "slices": scan.geometry.shape[2],
        "orientation": scan.geometry.orientation,
        "intensity": scan.intensity,
        "range": [float(scan.array.min()), float(scan.array.max())],
        "lossy": scan.lossy,
        "resampled": None if grid is None else grid.as_dict(),
        "warnings": list(scan.warnings),
    }
    if as_json:
        print(json.dumps(facts))
        return
    for warning in scan.warnings:
        print(f"note: {warning}", file=sys.stderr)
    size = " × ".join(str(n) for n in scan.geometry.shape)
    apart = " × ".join(f"{side:.3g}" for side in spacing)
    beside = f", how it was resampled in {_transform_path(output).name}" if grid is not None else ""
    print(f"{output}: {size} voxels of {apart} mm, {scan.intensity}{beside}.")


def _show(series: Sequence[SeriesSummary], as_json: bool) -> None:
    """The series to choose from, the proposed one marked."""
    if as_json:
        print(json.dumps({"series": [_as_dict(number, one) for number, one in enumerate(series, start=1)]}))
        return
    table = Table("", "series", "slices", "spacing mm", "kernel", "")
    for number, one in enumerate(series, start=1):
        spacing = " × ".join(f"{side:.3g}" for side in one.spacing_mm) if one.spacing_mm else ""
        state = f"not readable: {one.fault.kind}" if one.fault else "proposed" if one.proposed else ""
        title = f"{one.modality} {one.description}".strip()
        table.add_row(str(number), escape(title), str(one.slices), spacing, escape(one.kernel), state)
    Console(stderr=True).print(table)


def _as_dict(number: int, one: SeriesSummary) -> dict[str, Any]:
    names = ("uid", "description", "modality", "kernel", "slices", "spacing_mm", "slice_thickness_mm", "refusal")
    return {"number": number} | {name: getattr(one, name) for name in names} | {"proposed": one.proposed}
