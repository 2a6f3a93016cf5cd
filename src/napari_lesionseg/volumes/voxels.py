"""Layout numbers made into CT voxels or labels, piece by piece, so that no second scan stands in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.streams import Stream
from napari_lesionseg.volumes.volume import Intensity, Mask, Volume

GREY_WARNING = "8-bit grey levels, not Hounsfield units: HU presets and lung measures are switched off for this scan."
NO_AIR_WARNING = "No voxel is as dark as air (below −500): the values may not be Hounsfield units."
_PIECE = 1 << 18  # Voxels that are worked on at a time.
LARGE = 256 << 20  # Bytes below which a file may shrink as far as it will: a mask without a lesion does.
_SMALL = np.iinfo(np.int16)


@dataclass(frozen=True, eq=False)
class Layout:
    """How voxels lie in a file: i fastest, then j, then k.

    Parameters
    ----------
    shape
        (i, j, k), in voxels.
    dtype
        Layout type, with its byte order.
    slope, intercept
        A voxel means ``stored * slope + intercept``.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels; exact however large the sides are."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def scaled(self) -> bool:
        """Whether slope or intercept change anything."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    def check_size(self, path: Path, stream: Stream, *, labels: bool = False) -> None:
        """Refuse, before any memory is asked for, voxels that the file cannot hold, and bombs."""
        if self.nbytes > stream.most:
            told = f"its header declares {self.nbytes} bytes of voxels"
            raise LesionsegError(f"{path} is truncated: {told}; copy it again.")
        if self.nbytes > stream.usual and self._cost(labels) > LARGE:
            told = f"inflates to {self.nbytes >> 20} MB of almost nothing"
            raise LesionsegError(f"{path} {told}; crop it, or save it as a smaller type of number.")

    def _cost(self, labels: bool) -> int:
        """Bytes of memory that reading takes, with the copy in another type where one is made."""
        count = math.prod(self.shape)
        if labels:
            return max(count, self.nbytes // 2)
        if self.scaled or self.dtype == np.float64:
            return self.nbytes + 4 * count
        return self.nbytes + (0 if self.dtype.str[1:] in ("u1", "i2", "u2", "f4") else 2 * count)


def read_volume(path: Path, stream: Stream, layout: Layout, geometry: Geometry, warnings: tuple[str, ...]) -> Volume:
    """Read CT voxels: bytes stay bytes, whole numbers become int16 where they fit, others float32.

    Raises
    ------
    LesionsegError
        If voxels are missing, do not fit into memory, or are NaN or infinite.
    """
    raw = read_stored(path, stream, layout).ravel(order="F")
    voxels = _scale(raw, layout) if layout.scaled else _narrow(raw)
    if voxels.dtype.kind == "f" and not all(np.isfinite(piece).all() for piece in _pieces(voxels)):
        raise LesionsegError(f"{path} holds voxels that are not numbers (NaN or infinity); export the scan again.")
    intensity: Intensity = "grey" if voxels.dtype == np.uint8 else "HU"
    if intensity == "grey":
        warnings = (GREY_WARNING, *warnings)
    elif not any(piece.min() <= -500 for piece in _pieces(voxels)):
        warnings = (NO_AIR_WARNING, *warnings)
    array = geometry.to_display(voxels.reshape(layout.shape, order="F"))
    return Volume(array, geometry, intensity, path, warnings)


def read_stored(path: Path, stream: Stream, layout: Layout) -> npt.NDArray[Any]:
    """Read the stored numbers (i, j, k), unscaled, in this machine's byte order, to the end of the file."""
    raw = _allocate(path, np.empty, math.prod(layout.shape), layout.dtype)
    filled = stream.fill(raw.view(np.uint8).data)
    if filled < layout.nbytes:
        raise _truncated(path, layout.nbytes - filled)
    stream.finish(path)
    native = raw if raw.dtype.isnative else raw.byteswap(inplace=True).view(raw.dtype.newbyteorder("="))
    return native.reshape(layout.shape, order="F")


def read_labels(path: Path, stream: Stream, layout: Layout, geometry: Geometry) -> Mask:
    """Read labels as uint8.

    Raises
    ------
    LesionsegError
        If voxels are missing, do not fit into memory, or are not whole numbers from 0 to 255.
    """
    shown = _allocate(path, np.zeros, math.prod(layout.shape), np.dtype(np.uint8)).reshape(geometry.display_shape)
    view = geometry.to_stored(shown)
    for rows, slices in _boxes(layout.shape):
        target = view[:, rows, slices]
        numbers = _read_piece(path, stream, layout, target.size).reshape(target.shape, order="F")
        if layout.scaled:
            numbers = numbers.astype(np.float64) * layout.slope + layout.intercept
        with np.errstate(invalid="ignore"):
            target[...] = numbers.astype(np.uint8)
        if not np.array_equal(target, numbers):
            raise LesionsegError(f"{path} is not a mask: its labels must be whole numbers from 0 to 255.")
    stream.finish(path)
    return Mask(shown, geometry, path)


def check_grid(path: Path, geometry: Geometry, like: Geometry | None) -> None:
    """Refuse a mask on another grid than its scan, and tell both grids."""
    if like is not None and not geometry.same_grid(like):
        raise LesionsegError(
            f"{path} lies on another grid ({in_words(geometry)}) than the scan ({in_words(like)}); "
            "choose the mask that was drawn on this scan."
        )


def in_words(geometry: Geometry) -> str:
    """A grid in words: shape and spacing along z, y, x, and where the first voxel lies."""
    spacing = " × ".join(f"{side:.3g}" for side in geometry.spacing)
    origin = ", ".join(f"{place:.1f}" for place in geometry.affine[:3, 3])
    return f"shape {geometry.display_shape}, spacing {spacing} mm, {geometry.orientation} from {origin}"


def _allocate(path: Path, make: Any, count: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    try:
        return np.asarray(make(count, dtype))
    except (MemoryError, ValueError) as error:  # ValueError: more than an address can name.
        wanted = count * dtype.itemsize / 2**30
        raise LesionsegError(f"{path} needs {wanted:.0f} GB of memory, more than there is; crop the scan.") from error


def _boxes(shape: tuple[int, int, int]) -> Iterator[tuple[slice, slice]]:
    """The grid in stored order, cut along j and k into boxes of about ``_PIECE`` voxels that lie in one piece."""
    i, j, k = shape
    rows, slices = min(j, max(1, _PIECE // i)), max(1, _PIECE // (i * j))
    for first in range(0, k, slices):
        for row in range(0, j, rows):
            yield slice(row, row + rows), slice(first, first + slices)


def _read_piece(path: Path, stream: Stream, layout: Layout, count: int) -> npt.NDArray[Any]:
    piece = np.empty(count, layout.dtype)
    filled = stream.fill(piece.view(np.uint8).data)
    if filled < piece.nbytes:
        raise _truncated(path, piece.nbytes - filled)
    return piece


def _truncated(path: Path, missing: int) -> LesionsegError:
    return LesionsegError(f"{path} is truncated: {missing} bytes of voxels or more are missing; copy it again.")


def _pieces(flat: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    return (flat[start : start + _PIECE] for start in range(0, len(flat), _PIECE))


def _convert(flat: npt.NDArray[Any], dtype: Any, slope: float = 1.0, intercept: float = 0.0) -> npt.NDArray[Any]:
    """``flat * slope + intercept`` as ``dtype``; what overflows becomes infinite, which the caller refuses."""
    result = np.empty(len(flat), dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for source, target in zip(_pieces(flat), _pieces(result), strict=True):
            target[:] = source if (slope, intercept) == (1.0, 0.0) else source.astype(np.float64) * slope + intercept
    return result


def _scale(raw: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    whole = float(layout.slope).is_integer() and float(layout.intercept).is_integer()
    if whole and raw.dtype.kind in "iu":
        ends = [float(end) * layout.slope + layout.intercept for end in (raw.min(), raw.max())]
        if max(abs(end) for end in ends) < 2**15:
            return _convert(raw, np.int16, layout.slope, layout.intercept)
    return _convert(raw, np.float32, layout.slope, layout.intercept)


def _narrow(raw: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The smallest usual type of CT voxels that holds ``raw``: uint8 as it is, int16, float32."""
    if raw.dtype.kind == "f":
        return raw if raw.dtype == np.float32 else _convert(raw, np.float32)
    if raw.dtype in (np.uint8, np.int16) or raw.min() < _SMALL.min or raw.max() > _SMALL.max:
        return raw
    return raw.view(np.int16) if raw.dtype == np.uint16 else _convert(raw, np.int16)  # Below 2¹⁵ the bits are the same.
