"""The values of slices: decoded one by one, scaled by their own slope, padding outside the field of view as air."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.headers import Slice, number

AIR = -1024
TISSUE = -900  # HU from which a declared padding value is also a value of the body.
IMPOSSIBLE = -1500  # HU no scanner measures.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_LOSSY = {
    "1.2.840.10008.1.2.4.50",  # JPEG Baseline
    "1.2.840.10008.1.2.4.51",  # JPEG Extended
    "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.91",  # JPEG 2000, also lossless; nobody can tell
    "1.2.840.10008.1.2.4.203",  # High-throughput JPEG 2000, as above
}
_DEFLATED = "1.2.840.10008.1.2.1.99"
_PLAIN = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
MAX_RATIO = 1032  # Of deflate; the codecs of images pack an empty slice of 512 KB into about 1 KB with its header.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Voxels:
    """Decoded slices.

    Parameters
    ----------
    array
        Shape (slice, row, column): int16 where the values allow it, else int32 or float32.
    padded
        Voxels that were padding, and are air now.
    notes
        What a user should know, one sentence each.
    """

    array: npt.NDArray[Any]
    padded: int
    notes: tuple[str, ...]


def is_lossy(slices: Sequence[Slice]) -> bool:
    """Whether any slice went through lossy compression, by its header (PS3.3 C.7.6.1.1.5) or its transfer syntax."""
    return any(one.file.text("LossyImageCompression") == "01" or one.file.syntax in _LOSSY for one in slices)


def read_voxels(path: Path, slices: Sequence[Slice], progress: Progress | None = None) -> Voxels:
    """Decode ``slices`` in the order given into one array; never more than one slice is held beside it.

    Parameters
    ----------
    path
        What the user opened, for sentences.
    progress
        Called with the slices done and all; what it raises ends the reading.

    Raises
    ------
    LesionsegError
        If a slice cannot be decoded, or memory does not suffice.
    """
    for one in slices:
        if not _believable(one):
            raise _undecodable(path, one)
    first, hounsfield = slices[0], slices[0].file.modality == "CT"
    array = _prepared(path, (len(slices), first.rows, first.columns), np.dtype(np.int16))
    counted: Counter[str] = Counter()
    for k, (one, values, stored) in enumerate(_decoded(path, slices)):
        if hounsfield:
            values = _without_padding(one, stored, values, counted)
        array = _fitting(path, array, values)
        array[k] = values
        if progress is not None:
            progress(k + 1, len(slices))
    return Voxels(array, counted["padded"], _notes(slices, counted))


def _decoded(path: Path, slices: Sequence[Slice]) -> Iterator[tuple[Slice, npt.NDArray[Any], npt.NDArray[Any]]]:
    """Each slice with its values (row, column), and as they were stored, (row, column) or (row, column, colour)."""
    from pydicom import dcmread
    from pydicom.pixels.utils import iter_pixels

    k = 0
    while k < len(slices):
        file = slices[k].file
        run = [one for one in slices[k:] if one.file is file] if file.frames > 1 else [slices[k]]
        indices = [one.index for one in run] if file.frames > 1 else None
        try:
            # iter_pixels takes frame by frame from a path, but does not inflate.
            source = dcmread(file.path) if file.syntax == _DEFLATED else file.path
            for one, pixels in zip(run, iter_pixels(source, indices=indices), strict=True):
                if pixels.shape[:2] != (one.rows, one.columns):
                    raise ValueError(f"{pixels.shape} instead of {(one.rows, one.columns)}")
                yield one, _scaled(one, pixels), pixels
        except MemoryError as error:
            raise _too_large(path) from error
        except (GeneratorExit, LesionsegError):
            raise
        except Exception as error:  # Broken pixel data makes the decoders raise almost anything.
            raise _undecodable(path, slices[k]) from error
        k += len(run)


def _believable(one: Slice) -> bool:
    """Whether the file is large enough for the pixels that its header declares, packed as tightly as can be."""
    file = one.file
    bits = (number(file.header, "BitsAllocated") or 16) * (number(file.header, "SamplesPerPixel") or 1)
    declared = one.rows * one.columns * file.frames * bits / 8
    return declared <= file.path.stat().st_size * (1 if file.syntax in _PLAIN else MAX_RATIO)


def _undecodable(path: Path, one: Slice) -> LesionsegError:
    from pydicom.uid import UID

    stored_as = UID(one.file.syntax).name if one.file.syntax else "no transfer syntax"
    return LesionsegError(
        f"{one.name} in {path} has missing, damaged or unknown pixels ({stored_as}); "
        "copy it again, or export it uncompressed."
    )


def _scaled(one: Slice, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Stored values × slope + intercept of this very slice; whole numbers stay whole (PS3.3 C.11.1)."""
    if stored.ndim == 3:
        stored = np.rint(stored.astype(np.float32) @ _LUMA).astype(stored.dtype)
    if one.slope == 1 and one.intercept == 0:
        return stored
    largest = abs(one.slope) * 2.0 ** (8 * stored.dtype.itemsize) + abs(one.intercept)
    if one.slope.is_integer() and one.intercept.is_integer() and largest < 2**62:
        whole = stored.astype(np.int32 if largest < 2**31 else np.int64)
        return np.asarray(whole * int(one.slope) + int(one.intercept))
    with np.errstate(over="ignore"):
        scaled = (stored.astype(np.float64) * one.slope + one.intercept).astype(np.float32)
    if not np.isfinite(scaled).all():
        raise ValueError("a slope that makes no numbers")
    return scaled


def _without_padding(
    one: Slice, stored: npt.NDArray[Any], values: npt.NDArray[Any], counted: Counter[str]
) -> npt.NDArray[Any]:
    """Set what lies outside the field of view to air: the declared padding, or an impossible value in three corners."""
    outside = np.zeros(values.shape, bool)
    if (declared := padding_of(one)) is not None:
        low, high = declared
        if high * one.slope + one.intercept < TISSUE:
            outside |= (stored >= low) & (stored <= high)
        elif ((stored >= low) & (stored <= high)).any():
            counted["tissue"] += 1
    corners = Counter(values[rows, columns].item() for rows in (0, -1) for columns in (0, -1))
    value, times = corners.most_common(1)[0]
    if times >= 3 and value <= IMPOSSIBLE:
        outside |= values == value
    if not outside.any():
        return values
    counted["padded"] += int(np.count_nonzero(outside))
    return np.where(outside, values.dtype.type(AIR) if values.dtype.kind != "u" else np.int32(AIR), values)


def padding_of(one: Slice) -> tuple[float, float] | None:
    """The stored values that are padding, from – to (PS3.3 C.7.5.1.1.2), as signed numbers where pixels are signed."""
    header = one.file.header
    value = number(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = number(header, "PixelPaddingRangeLimit")
    bits = int(number(header, "BitsAllocated") or 16)
    if number(header, "PixelRepresentation") == 1:  # Some write the bit pattern of a negative number.
        value = value - 2**bits if value >= 2 ** (bits - 1) else value
        limit = limit - 2**bits if limit is not None and limit >= 2 ** (bits - 1) else limit
    limit = value if limit is None else limit
    return (min(value, limit), max(value, limit))


def _fitting(path: Path, array: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``array``, widened where ``values`` do not fit in: to int32, or to float32."""
    if np.can_cast(values.dtype, array.dtype) or array.dtype == np.float32:
        return array
    wide: np.dtype[Any] = np.dtype(np.float32)
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        for kind in (array.dtype, np.dtype(np.int32)):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                wide = kind
                break
    if wide == array.dtype:
        return array
    try:
        return array.astype(wide)
    except MemoryError as error:
        raise _too_large(path) from error


def _prepared(path: Path, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError) as error:
        raise _too_large(path) from error


def _too_large(path: Path) -> LesionsegError:
    return LesionsegError(f"{path} needs more memory than there is; close other programs, or crop the scan.")


def _notes(slices: Sequence[Slice], counted: Counter[str]) -> tuple[str, ...]:
    first, notes = slices[0], []
    if counted["padded"]:
        share = 100 * counted["padded"] / (len(slices) * first.rows * first.columns)
        notes.append(f"Padding outside the field of view ({share:.1f} % of the voxels) was set to {AIR} HU, air.")
    if counted["tissue"]:
        notes.append("The header declares a padding value that is also a value of the body; it was left as it is.")
    if first.file.text("PhotometricInterpretation").upper().startswith(("RGB", "YBR")):
        notes.append("Colours were turned into their brightness; the values are grey levels without a unit.")
    return tuple(notes)
