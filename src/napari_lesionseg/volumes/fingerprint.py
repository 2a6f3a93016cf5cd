"""What a scan is, whatever its file is called: a hash of its voxels, its grid and its intensity."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_lesionseg.volumes.volume import Volume


def fingerprint(scan: Volume) -> str:
    """SHA-256 of a scan's stored voxels, their dtype, the grid and the intensity.

    Two readings of one file give one fingerprint; another voxel, affine, dtype or unit gives another. For a scan of
    512 × 512 × 300 voxels it takes some tenths of a second, without holding Python's lock.
    """
    stored = np.ascontiguousarray(scan.geometry.to_stored(scan.array).T)  # Transposed, a NIfTI's voxels need no copy.
    about = {
        "shape": scan.geometry.shape,
        "affine": scan.geometry.affine.tolist(),
        "dtype": stored.dtype.str,
        "intensity": scan.intensity,
    }
    digest = hashlib.sha256(json.dumps(about).encode() + b"\n")
    digest.update(stored.data)
    return digest.hexdigest()
