"""Deflated DICOM files (PS3.5 A.5), measured before anybody unpacks them at once."""

from __future__ import annotations

import zlib
from pathlib import Path

DEFLATED = b"1.2.840.10008.1.2.1.99"
MOST_INFLATED = 256 << 20  # A slice needs half a megabyte, a multi-frame file is rarely deflated.
_PIECE = 1 << 20


def inflates_too_far(path: Path) -> bool:
    """Whether a deflated file unpacks to more than a scan can be; pydicom would unpack it at once."""
    inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with open(path, "rb") as file:
        start = file.read(_PIECE)
        at = start.index(b"UL\x04\x00") + 4  # (0002,0000): bytes of the meta information that follow it.
        piece = start[at + 4 + int.from_bytes(start[at : at + 4], "little") :]
        while piece and total <= MOST_INFLATED and not inflater.eof:
            total += len(inflater.decompress(piece, _PIECE))
            piece = inflater.unconsumed_tail or file.read(_PIECE)
    return total > MOST_INFLATED
