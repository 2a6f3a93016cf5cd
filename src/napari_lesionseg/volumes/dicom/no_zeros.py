"""A file for pydicom that ends where only zeros follow: pydicom takes each eight of them for an element."""

from __future__ import annotations

import io

MOST_ZEROS = 16
"""Reads of nothing but zeros, one after the other: tags and lengths, which are never all zero (PS3.5 7.1)."""


class NoZeros(io.BufferedReader):
    """Raises ValueError in a stretch of zeros; 8 MB of them would take pydicom 16 s, a sparse file hours."""

    _zeros = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does."""
        data = super().read(size)
        self._zeros = self._zeros + 1 if 0 < len(data) <= 8 and not any(data) else 0
        if self._zeros > MOST_ZEROS:
            raise ValueError("zeros where elements should be")
        return data
