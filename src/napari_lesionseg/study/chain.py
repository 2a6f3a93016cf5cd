"""The hash that chains the lines of the ledger of patients."""

from __future__ import annotations

import hashlib


def line_hash(before: str, patient: str, split: str) -> str:
    """Return the SHA-256 of a line: of the hash of the line before (empty for the first), the patient and the split."""
    return hashlib.sha256(f"{before}\n{patient}\n{split}".encode()).hexdigest()
