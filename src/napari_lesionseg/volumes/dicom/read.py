"""A DICOM series as a scan: one stack, proved to be one regular grid, in Hounsfield units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes.dicom.checks import Kind, in_order
from napari_lesionseg.volumes.dicom.errors import SeriesQuestion
from napari_lesionseg.volumes.dicom.find import opened
from napari_lesionseg.volumes.dicom.gate import SecondReader
from napari_lesionseg.volumes.dicom.grouping import TOLERANCE_MM
from napari_lesionseg.volumes.dicom.headers import Slice
from napari_lesionseg.volumes.dicom.pixels import Progress, Voxels, is_lossy, read_voxels
from napari_lesionseg.volumes.dicom.placing import geometry_of
from napari_lesionseg.volumes.dicom.resample import RegularGrid, regular_grid
from napari_lesionseg.volumes.dicom.series import SeriesSummary, summaries
from napari_lesionseg.volumes.dicom.source import source_of
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import LOSSY_WARNING, Intensity, Volume
from napari_lesionseg.volumes.voxels import NO_AIR_WARNING

HEADERS = {"headers": "as position, orientation and spacing in the slices' own headers say"}
RESAMPLE = {"resample": "the slices interpolated to a regular grid, which is written down with the scan"}
NOT_CT_WARNING = "This is {modality}, not CT: the values are grey levels, HU presets and lung measures do not apply."
_ADVICE: dict[Kind, str] = {
    "no pixels": "export the images themselves",
    "scout": "choose the series of the scan",
    "no place": "export the original slices instead of pictures of them",
    "values": "export the original slices",
    "too few": "choose the whole series",
    "mixed": "export one scan of it",
    "duplicates": "remove one of them, or export one scan of it",
}


def read_series(
    path: str | Path, series: str | None = None, *, geometry: str | None = None, progress: Progress | None = None
) -> Volume:
    """Read one series from a folder and all below it, a file, a DICOMDIR or a zip.

    Parameters
    ----------
    series
        The ``uid`` of a ``SeriesSummary``, or its number in the list (from 1). Left out, the only series is taken, or
        the only one that is not a scout or a picture.
    geometry
        ``"resample"`` interpolates a tilted, gapped or unevenly spaced series to a regular grid.
    progress
        Called with the slices done and all; what it raises ends the reading.

    Returns
    -------
    Volume
        In HU for CT, else grey; with ``dicom`` set unless it was resampled.

    Raises
    ------
    SeriesQuestion
        If there are several series and none was chosen.
    GeometryQuestion
        If the series is no regular grid, and could be resampled to one.
    LesionsegError
        If the series cannot be read.
    """
    return read_series_and_grid(path, series, geometry=geometry, progress=progress)[0]


def read_series_and_grid(
    path: str | Path, series: str | None = None, *, geometry: str | None = None, progress: Progress | None = None
) -> tuple[Volume, RegularGrid | None]:
    """As ``read_series``, and how the slices were resampled; None if they were not."""
    path = Path(path)
    if geometry not in (None, *RESAMPLE, *HEADERS):
        raise LesionsegError(f"There is no geometry {geometry} for DICOM; leave it out, or choose resample.")
    with opened(path) as files:
        found, damaged = summaries(path, files)
        chosen = _chosen(path, found, series)
        _refuse(path, chosen, geometry)
        _refuse_beside_damaged(path, chosen, damaged)
        slices = in_order(chosen.stack)
        notes = [f"{name} is damaged and was left out." for name in damaged[:1]]
        if chosen.fault is not None:
            return _resampled(path, slices, notes, progress)
        placed = geometry_of(slices)
        voxels = _proved(path, slices, placed, progress) if geometry is None else read_voxels(path, slices, progress)
        return _volume(path, slices, voxels, placed, notes), None


def _proved(path: Path, slices: Sequence[Slice], placed: Geometry, progress: Progress | None) -> Voxels:
    """Decode, while a second reader finds the corners."""
    with SecondReader(slices) as second:
        voxels = read_voxels(path, slices, progress)
        apart = second.disagreement_mm(placed.corners())
    if apart > TOLERANCE_MM:
        problem = f"{path} is placed {apart:.2f} mm apart by two readers ({slices[0].name} to {slices[-1].name})"
        raise GeometryQuestion(problem, HEADERS)
    return voxels


def _resampled(
    path: Path, slices: Sequence[Slice], notes: list[str], progress: Progress | None
) -> tuple[Volume, RegularGrid]:
    grid = regular_grid(slices)
    voxels = read_voxels(path, slices, progress)
    voxels = replace(voxels, array=grid.resample(voxels.array))
    count, rows, columns = grid.shape
    scan = _volume(path, slices, voxels, Geometry((columns, rows, count), grid.affine), [*notes, grid.in_words])
    return replace(scan, dicom=None), grid  # Its slices are no longer those of the files.


def _volume(path: Path, slices: Sequence[Slice], voxels: Voxels, placed: Geometry, notes: list[str]) -> Volume:
    intensity, lossy = _intensity(slices), is_lossy(slices)
    notes = [*notes, *voxels.notes, *_warnings(slices, voxels.array, intensity, lossy)]
    shown = placed.to_display(voxels.array.transpose(2, 1, 0))
    return Volume(shown, placed, intensity, path, tuple(notes), source_of(slices), lossy)


def _chosen(path: Path, found: list[SeriesSummary], series: str | None) -> SeriesSummary:
    """The series a user means by its uid or number, or the only one that can be meant."""
    if series is not None:
        named = [one for one in found if series in (one.uid, one.stack.series)]
        if len(named) == 1:
            return named[0]
        if named:  # The UID of a series that holds several stacks.
            raise SeriesQuestion(path, found)
        if series.isdecimal() and 1 <= int(series) <= len(found):
            return found[int(series) - 1]
        raise LesionsegError(f"{path} has no series {series}; choose a number from 1 to {len(found)}, or its UID.")
    likely = [one for one in found if one.fault is None or not one.fault.no_scan]
    if len(likely or found) == 1:
        return (likely or found)[0]
    raise SeriesQuestion(path, found)


def _refuse(path: Path, chosen: SeriesSummary, geometry: str | None) -> None:
    fault = chosen.fault
    if fault is None:
        if geometry == "resample":
            raise LesionsegError(f"{path} is a regular grid already; leave --geometry resample out.")
        return
    if not fault.can_be_resampled:
        raise LesionsegError(f"{path} cannot be read as a scan: {fault.sentence}; {_ADVICE[fault.kind]}.")
    if geometry != "resample":
        raise GeometryQuestion(f"{path} is no regular grid: {fault.sentence}", RESAMPLE)


def _refuse_beside_damaged(path: Path, chosen: SeriesSummary, damaged: Sequence[str]) -> None:
    """A damaged file in the folder of the series may be its last slice, which nothing else would miss."""
    folders = {Path(name).parent for name in chosen.files}
    for name in damaged:
        if Path(name).parent in folders and name not in chosen.files:
            raise LesionsegError(
                f"{name} in {path} is damaged and may belong to the series; copy it again, or remove it."
            )


def _intensity(slices: Sequence[Slice]) -> Intensity:
    """HU for CT, unless its header says that the values are something else (PS3.3 C.11.1.1.2)."""
    hounsfield = all(one.file.modality == "CT" and one.scale_type in ("", "HU", "US") for one in slices)
    return "HU" if hounsfield else "grey"


def _warnings(slices: Sequence[Slice], array: npt.NDArray[Any], intensity: Intensity, lossy: bool) -> list[str]:
    notes = [LOSSY_WARNING] if lossy else []
    modality = slices[0].file.modality or "no known modality"
    if modality != "CT":
        notes.append(NOT_CT_WARNING.format(modality=modality))
    elif intensity == "grey":
        notes.append(f"The header calls the values {slices[0].scale_type}, not HU: lung measures do not apply.")
    elif array.min() > -500:
        notes.append(NO_AIR_WARNING)
    return notes
