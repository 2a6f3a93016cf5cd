"""NIfTI in and out: own checks before voxels are touched, and a re-read after every write."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any, cast

import nibabel as nib
import numpy as np
import numpy.typing as npt
from isal import igzip, igzip_lib

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.prove import Reader, Stored, prove
from napari_lesionseg.volumes.export.readers import is_sheared, second_nifti_reader
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.nifti_header import HEADER_ERRORS, read_header
from napari_lesionseg.volumes.volume import LOSSY_NOTE, Intensity, Mask, Volume

GREY_WARNING = "8-bit grey levels, not Hounsfield units: HU presets and lung measures are switched off for this scan."
NO_AIR_WARNING = "No voxel is as dark as air (below −500): the values may not be Hounsfield units."
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, cast(type[Exception], igzip_lib.IsalError))
MAX_GZIP_RATIO = 1032  # Deflate cannot expand further: a header that declares more is lying.


def read_scan(path: str | Path, *, geometry: str | None = None) -> Volume:
    """Read a CT scan from a NIfTI file.

    Whole numbers become int16 where their values allow it, others float32; a slope is applied. Bytes stay bytes.

    Raises
    ------
    LesionsegError
        If the file is missing, truncated, not NIfTI, not 3-D, empty, or holds NaN or infinity.
    """
    path = Path(path)
    raw, geometry = _read(path)
    stored = _narrow(raw)
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise LesionsegError(f"{path} holds voxels that are not numbers (NaN or infinity); export the scan again.")
    intensity: Intensity = "grey" if stored.dtype == np.uint8 else "HU"
    return Volume(geometry.to_display(stored), geometry, intensity, path, _warnings(stored, intensity))


def read_mask(path: str | Path, like: Geometry | None = None, *, geometry: str | None = None) -> Mask:
    """Read a label mask, and check that it lies on the grid ``like``.

    Raises
    ------
    LesionsegError
        If the file cannot be read, holds labels that are not whole numbers from 0 to 255, or lies on another grid.
    """
    path = Path(path)
    stored, geometry = _read(path)
    labels = np.rint(stored) if np.issubdtype(stored.dtype, np.floating) else stored
    if not np.array_equal(labels, stored) or labels.min() < 0 or labels.max() > 255:
        raise LesionsegError(f"{path} is not a mask: its labels must be whole numbers from 0 to 255.")
    if like is not None and not geometry.same_grid(like):
        raise LesionsegError(
            f"{path} lies on another grid ({_grid(geometry)}) than the scan ({_grid(like)}); "
            "choose the mask that was drawn on this scan."
        )
    return Mask(np.ascontiguousarray(geometry.to_display(labels), dtype=np.uint8), like or geometry, path)


def write_mask(path: str | Path, mask: Mask, *, lossy: bool = False) -> None:
    """Write ``mask`` on its stored grid with a fresh header, and prove by re-reading that it is equal.

    Parameters
    ----------
    lossy
        Whether its scan went through lossy compression; the header then says so.
    """
    _write(Path(path), Stored.of(mask), lossy)


def write_labels(path: Path, shown: npt.NDArray[Any], geometry: Geometry) -> None:
    """Write an integer (z, y, x) array, for example a uint8 probability (p·255), on ``geometry``.

    Raises
    ------
    LesionsegError
        If ``path`` is not ``.nii`` or ``.nii.gz``, cannot be written, or does not read back equal.
    """
    _write(path, Stored(geometry.to_stored(shown), geometry))


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

    readers: dict[str, Reader] = {"our own reader": lambda file: Stored(*_read(file)), **second_nifti_reader(geometry)}
    write_atomically(path, data, lambda temporary: prove(temporary, Stored(stored, geometry), readers, path))


def _read(path: Path) -> tuple[npt.NDArray[Any], Geometry]:
    """Stored voxels (i, j, k), scaled, and their grid; every error names ``path``."""
    zipped = path.suffix == ".gz"
    try:
        if not path.is_file():
            raise LesionsegError(f"{path} does not exist or is not a file; check the name.")
        with igzip.open(path, "rb") if zipped else open(path, "rb") as file:
            header = read_header(path, file, path.stat().st_size * (MAX_GZIP_RATIO if zipped else 1))
            voxels = _read_voxels(path, file, header)
            while zipped and file.read(1 << 20):
                pass  # The CRC is checked only at the stream's end.
    except _DAMAGE as error:
        raise LesionsegError(f"{path} is truncated or damaged; copy or export it again.") from error
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror or error}; copy or export it again.") from error
    return _scaled(path, voxels, header), _geometry(path, header)


def _read_voxels(path: Path, file: IO[bytes], header: nib.Nifti1Header) -> npt.NDArray[Any]:
    shape, dtype = header.get_data_shape()[:3], header.get_data_dtype()
    wanted = math.prod(shape) * dtype.itemsize
    try:
        buffer = np.empty(wanted, np.uint8)
    except MemoryError as error:
        raise LesionsegError(
            f"{path} needs {wanted / 2**30:.0f} GB of memory, more than there is; crop the scan."
        ) from error
    view, filled = buffer.data, 0
    while filled < wanted:
        count = file.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            raise LesionsegError(f"{path} is truncated: {wanted - filled} bytes of voxels are missing; copy it again.")
        filled += count
    return np.asarray(buffer.view(dtype).reshape(shape, order="F"))


def _scaled(path: Path, voxels: npt.NDArray[Any], header: nib.Nifti1Header) -> npt.NDArray[Any]:
    try:
        slope, intercept = header.get_slope_inter()
    except HEADER_ERRORS as error:
        raise LesionsegError(f"{path} has a slope or intercept that is not a number; export it again.") from error
    native = voxels if voxels.dtype.isnative else voxels.astype(voxels.dtype.newbyteorder("="))
    if slope in (None, 1.0) and intercept in (None, 0.0):
        return native
    with np.errstate(over="ignore", invalid="ignore"):  # What overflows becomes infinite, which the caller refuses.
        scaled = native.astype(np.float32) * np.float32(slope or 1.0) + np.float32(intercept or 0.0)
    whole = float(slope or 1.0).is_integer() and float(intercept or 0.0).is_integer()
    if whole and native.dtype.kind in "iu" and np.abs(scaled).max() < 2**15:
        return scaled.astype(np.int16)
    return scaled


def _narrow(stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The smallest usual type of CT voxels that holds ``stored``: uint8 as it is, int16, float32."""
    if stored.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return stored.astype(np.float32, copy=False)
    small = np.iinfo(np.int16)
    if stored.dtype in (np.uint8, np.int16) or stored.min() < small.min or stored.max() > small.max:
        return stored
    return stored.astype(np.int16)


def _geometry(path: Path, header: nib.Nifti1Header) -> Geometry:
    i, j, k = header.get_data_shape()[:3]
    try:
        with np.errstate(all="ignore"):
            return Geometry((i, j, k), header.get_best_affine())
    except (LesionsegError, *HEADER_ERRORS) as error:
        raise LesionsegError(
            f"{path} has no usable position in space (its affine is singular); export it again."
        ) from error


def _warnings(stored: npt.NDArray[Any], intensity: Intensity) -> tuple[str, ...]:
    if intensity == "grey":
        return (GREY_WARNING,)
    return (NO_AIR_WARNING,) if stored.min() > -500 else ()


def _grid(geometry: Geometry) -> str:
    """A grid in words: shape and spacing along z, y, x, and where the first voxel lies."""
    spacing = " × ".join(f"{side:.3g}" for side in geometry.spacing)
    origin = ", ".join(f"{place:.1f}" for place in geometry.affine[:3, 3])
    return f"shape {geometry.display_shape}, spacing {spacing} mm, {geometry.orientation} from {origin}"
