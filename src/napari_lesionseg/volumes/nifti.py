"""NIfTI in and out: own checks before voxels are touched, and a re-read after every write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
from isal import igzip

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.prove import Reader, Stored, prove
from napari_lesionseg.volumes.export.readers import is_sheared, second_nifti_reader
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.nifti_files import voxel_file
from napari_lesionseg.volumes.nifti_header import NiftiHeader, read_header
from napari_lesionseg.volumes.nifti_place import place
from napari_lesionseg.volumes.streams import Stream, open_stream
from napari_lesionseg.volumes.volume import LOSSY_NOTE, LOSSY_WARNING, Mask, Volume
from napari_lesionseg.volumes.voxels import (
    GREY_WARNING,
    NO_AIR_WARNING,
    check_grid,
    read_labels,
    read_stored,
    read_volume,
)

__all__ = ["GREY_WARNING", "NO_AIR_WARNING", "read_mask", "read_scan", "write_labels", "write_mask", "write_scan"]


def read_scan(path: str | Path, *, geometry: str | None = None) -> Volume:
    """Read a CT scan from a NIfTI file (.nii, .nii.gz, or one file of a .hdr/.img pair).

    Whole numbers become int16 where their values allow it, others float32; a slope is applied. Bytes stay bytes.

    Parameters
    ----------
    geometry
        The answer to a ``GeometryQuestion``, for example ``"sform"``.

    Raises
    ------
    GeometryQuestion
        If the header places the scan in more than one way.
    LesionsegError
        If the file is missing, truncated, not NIfTI, not 3-D, empty, or holds NaN or infinity.
    """
    path = Path(path)
    with _open(path) as (header, voxels):
        grid, warnings = place(path, header, geometry, None)
        volume = read_volume(path, voxels, header.layout, grid, warnings)
    if not header.lossy:
        return volume
    return replace(volume, lossy=True, warnings=(LOSSY_WARNING, *volume.warnings))


def read_mask(path: str | Path, like: Geometry | None = None, *, geometry: str | None = None) -> Mask:
    """Read a label mask, and check that it lies on the grid ``like``.

    Raises
    ------
    GeometryQuestion
        If the header places the mask in more than one way, and none of them is the grid ``like``.
    LesionsegError
        If the file cannot be read, holds labels that are not whole numbers from 0 to 255, or lies on another grid.
    """
    path = Path(path)
    with _open(path, labels=True) as (header, voxels):
        grid, _ = place(path, header, geometry, like)
        check_grid(path, grid, like)  # Before the voxels: what lies elsewhere need not be inflated.
        return read_labels(path, voxels, header.layout, like or grid)


def write_mask(path: str | Path, mask: Mask, *, lossy: bool = False) -> None:
    """Write ``mask`` on its stored grid with a fresh header, and prove by re-reading that it is equal.

    Parameters
    ----------
    lossy
        Whether its scan went through lossy compression; the header then says so.
    """
    _write(Path(path), Stored.of(mask), lossy)


def write_labels(path: Path, shown: npt.NDArray[Any], geometry: Geometry, *, lossy: bool = False) -> None:
    """Write an integer (z, y, x) array, for example a uint8 probability (p·255), on ``geometry``; see ``write_mask``.

    Raises
    ------
    LesionsegError
        If ``path`` is not ``.nii`` or ``.nii.gz``, cannot be written, or does not read back equal.
    """
    _write(path, Stored(geometry.to_stored(shown), geometry), lossy)


def write_scan(path: str | Path, scan: Volume) -> None:
    """Write ``scan`` on its stored grid with a fresh header, and prove by re-reading that it is equal."""
    _write(Path(path), Stored.of(scan), scan.lossy)


def _write(path: Path, wanted: Stored, lossy: bool = False) -> None:
    stored, geometry = np.asfortranarray(wanted.voxels), wanted.geometry
    if not path.name.endswith((".nii", ".nii.gz")):
        raise LesionsegError(f"{path} does not end in .nii or .nii.gz; choose such a name.")
    # NIfTI-1 keeps its dimensions as int16.
    kind: Any = nib.Nifti1Image if max(stored.shape) <= np.iinfo(np.int16).max else nib.Nifti2Image
    image = kind(stored, geometry.affine, dtype=stored.dtype)
    image.set_sform(geometry.affine, code=1)
    # A qform cannot say axes that are not at right angles: a reader that prefers it would see another place.
    image.set_qform(geometry.affine, code=0 if is_sheared(geometry) else 1)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = LOSSY_NOTE if lossy else ""
    data = image.to_bytes()
    if path.name.endswith(".gz"):
        data = igzip.compress(data, compresslevel=1, mtime=0)  # The same voxels give the same bytes.

    # Only the sform can say a shear; anything else that is asked about our own file means that it is wrong.
    answer = "sform" if is_sheared(geometry) else None
    readers: dict[str, Reader] = {
        "our own reader": lambda file: _read_back(file, answer),
        **second_nifti_reader(geometry),
    }
    write_atomically(path, data, lambda temporary: prove(temporary, Stored(stored, geometry), readers, path))


def _read_back(path: Path, answer: str | None) -> Stored:
    with _open(path) as (header, voxels):
        grid, _ = place(path, header, answer, None)
        return Stored(read_stored(path, voxels, header.layout), grid)


@contextmanager
def _open(path: Path, *, labels: bool = False) -> Iterator[tuple[NiftiHeader, Stream]]:
    """The header of ``path``, and a stream that stands at the first voxel; every error names ``path``."""
    mate = voxel_file(path)
    with open_stream(mate.header) as start, open_stream(mate.voxels) if mate.pair else nullcontext(start) as voxels:
        header = read_header(path, start, pair=mate.pair)
        if mate.pair:
            start.finish(mate.header)
        header.layout.check_size(path, voxels, labels=labels)
        voxels.skip(header.skip)
        yield header, voxels
