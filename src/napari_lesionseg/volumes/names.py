"""Names that are safe as a file name on every system: of cases, patients, pseudonyms, models and runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Devices of Windows, whatever the folder and the ending.
_RESERVED = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]", re.IGNORECASE)


def is_safe_name(text: str) -> bool:
    """Whether ``text`` is 1 to 64 letters, digits, ``_`` or ``-``, and no device of Windows."""
    return _SAFE.fullmatch(text) is not None and _RESERVED.fullmatch(text) is None


def next_name(stem: str, taken: Iterable[str]) -> str:
    """Number a neutral name: ``case-0001``, or one more than the highest in ``taken``, so that none comes back."""
    numbered = re.compile(rf"{re.escape(stem)}-(\d{{1,9}})", re.IGNORECASE)
    found = (numbered.fullmatch(name) for name in taken)
    return f"{stem}-{max((int(match[1]) for match in found if match), default=0) + 1:04d}"
