"""What a file of a source is, seen once: its grid, whether its voxels are labels, and what its content hashes to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.volumes.read import read_scan

MOST_LABELS: Final = 16  # A mask has few labels; a scan of bytes uses most of its 256 grey levels.


@dataclass(frozen=True, eq=False)
class Glance:
    """A file that was read once, without its voxels.

    Parameters
    ----------
    geometry
        Its grid.
    labels
        How many labels it has if its voxels may be labels (whole numbers from 0 to 255), 0 if they cannot.
    sha256
        Of the file; empty for a DICOM series, which is several.
    voxels
        SHA-256 of the voxels: the same in a copy under a fresh header.
    """

    geometry: Geometry
    labels: int
    sha256: str
    voxels: str

    @property
    def is_mask(self) -> bool:
        """Whether it has so few labels that it is a mask, whatever it is called."""
        return 0 < self.labels <= MOST_LABELS


class Glances:
    """Reads each file once, however often it is asked for."""

    def __init__(self) -> None:
        self._known: dict[Path, Glance] = {}

    def at(self, path: Path) -> Glance:
        """Read ``path`` as a scan, or give what was seen before.

        Raises
        ------
        LesionsegError
            If it cannot be read, or placed in one way only.
        """
        if path not in self._known:
            self._known[path] = glance(path)
        return self._known[path]


def glance(path: Path) -> Glance:
    """Read a file or a DICOM series as a scan and keep what ``Glance`` tells; errors as of ``read_scan``."""
    volume = read_scan(path)
    return Glance(
        volume.geometry,
        count_labels(volume.array),
        sha256_of(path) if path.is_file() else "",
        hash_voxels(volume),
    )


def count_labels(array: npt.NDArray[Any]) -> int:
    """How many distinct numbers there are if all are whole and from 0 to 255; 0 if not, as in every CT with air."""
    lowest, highest = array.min(), array.max()
    if lowest < 0 or highest > 255:
        return 0
    small = array.astype(np.uint8)
    if small.dtype != array.dtype and not np.array_equal(small, array):
        return 0
    return int(np.count_nonzero(np.bincount(small.ravel(), minlength=256)))


def hash_voxels(volume: Volume) -> str:
    """SHA-256 of type and voxels in display order; it tells nothing of header, format or compression."""
    array = np.ascontiguousarray(volume.array)
    digest = hashlib.sha256(f"{array.dtype.newbyteorder('=').str}{array.shape}".encode())
    digest.update(array.data)
    return digest.hexdigest()
