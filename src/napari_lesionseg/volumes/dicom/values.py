"""Single values of a DICOM header, as they are or not at all: a damaged one must not end the reading of others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset


def placement(header: Dataset) -> dict[str, Any]:
    """Position, orientation, spacing, thickness and scale, as far as ``header`` says them."""
    found: dict[str, Any] = {
        "position": numbers(header, "ImagePositionPatient", 3),
        "orientation": _unit_axes(numbers(header, "ImageOrientationPatient", 6)),
        "spacing": _positive(numbers(header, "PixelSpacing", 2)),
        "thickness": number(header, "SliceThickness"),
        "slope": number(header, "RescaleSlope"),
        "intercept": number(header, "RescaleIntercept"),
        "scale_type": text(header, "RescaleType") or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def text(header: Dataset, keyword: str) -> str:
    """A value as one line of text; several values are joined by a backslash, as DICOM does."""
    try:
        value = header.get(keyword)
        if value is None:
            return ""
        parts = value if not isinstance(value, str) and hasattr(value, "__iter__") else [value]
        return "\\".join(" ".join(str(part).split()) for part in parts)
    except Exception:  # A value that breaks the rules of its type; pydicom raises almost anything.
        return ""


def number(header: Dataset, keyword: str) -> float | None:
    """A finite number, None where there is none."""
    found = numbers(header, keyword, 1)
    return found[0] if found else None


def numbers(header: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly ``count`` finite numbers, or None."""
    try:
        value = header.get(keyword)
        if value is None:
            return None
        found = tuple(float(part) for part in (value if hasattr(value, "__len__") and count > 1 else [value]))
    except Exception:  # As above.
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def _positive(found: tuple[float, ...] | None) -> tuple[float, ...] | None:
    return found if found and min(found) > 0 else None


def _unit_axes(found: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Row and column direction, if they are of unit length and at right angles (PS3.3 C.7.6.2.1.1)."""
    if found is None:
        return None
    row, column = found[:3], found[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    cosine = sum(a * b for a, b in zip(row, column, strict=True))
    return found if all(abs(length - 1) < 1e-4 for length in lengths) and abs(cosine) < 1e-4 else None
