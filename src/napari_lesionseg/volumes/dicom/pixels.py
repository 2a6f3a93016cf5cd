"""The values of slices: decoded one by one, scaled by their own slope, padding outside the field of view as air."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.decode import Undecodable, stored_values
from napari_lesionseg.volumes.dicom.headers import Slice
from napari_lesionseg.volumes.dicom.values import number

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
    first, hounsfield = slices[0], slices[0].file.modality == "CT"
    counted: Counter[str] = Counter()
    try:
        with closing(stored_values(slices)) as decoded:
            array = np.empty((len(slices), first.rows, first.columns), np.int16)
            for k, (one, stored) in enumerate(zip(slices, decoded, strict=True)):
                values = _scaled(one, stored)
                if hounsfield:
                    values = _without_padding(one, stored, values, counted)
                array = _fitting(array, values)
                array[k] = values
                if progress is not None:
                    progress(k + 1, len(slices))
    except Undecodable as error:
        raise _undecodable(path, error.slice) from error
    except MemoryError as error:
        raise _too_large(path) from error
    return Voxels(array, counted["padded"], _notes(slices, counted))


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
        raise Undecodable(one)
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


def _fitting(array: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
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
    return array.astype(wide)


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
