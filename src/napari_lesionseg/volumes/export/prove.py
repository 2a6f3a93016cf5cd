"""The proof before "saved": what was written is read back by independent readers and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

CORNERS_MM: Final = 0.01
CENTROID_MM: Final = 0.001


class Stored(NamedTuple):
    """Voxels in the order of a file, (i, j, k), and the grid they lie on."""

    voxels: npt.NDArray[Any]
    geometry: Geometry

    @classmethod
    def of(cls, shown: Mask | Volume) -> Stored:
        """View the voxels of a mask or scan in stored order; nothing is copied."""
        return cls(shown.geometry.to_stored(shown.array), shown.geometry)


Reader = Callable[[Path], Stored]


def prove(temporary: Path, wanted: Stored, readers: Mapping[str, Reader], name: Path | None = None) -> None:
    """Read ``temporary`` back by each of ``readers``, and compare with what should be in it.

    Voxels and label set must be equal, the corners within 0.01 mm, the centroid of all labels within 0.001 mm.

    Parameters
    ----------
    temporary
        The file as it is on the disk, before it gets its name (see ``write_atomically``).
    wanted
        What was to be written.
    readers
        By the name that the sentence gives them. They must not share code that reads the format.
    name
        The file's name to be, for the sentence.

    Raises
    ------
    LesionsegError
        If a reader cannot read the file or sees anything else in it.
    """
    for reader_name, reader in readers.items():
        cause: Exception | None = None
        try:
            seen = reader(temporary)
            problem = difference(seen, wanted)
        except Exception as error:  # Whatever a reader stumbles over, the file is not what was meant.
            problem, cause = f"it cannot be read: {_last_line(error, temporary)}", error
        if problem:
            raise LesionsegError(
                f"{name or temporary} did not read back as it was written (by {reader_name}: {problem}); "
                "nothing was saved, try another disk or another format."
            ) from cause


def difference(seen: Stored, wanted: Stored) -> str:
    """What differs between two stored grids of voxels, in a few words; ``""`` if nothing does."""
    if seen.voxels.shape != wanted.voxels.shape or seen.geometry.shape != wanted.geometry.shape:
        return f"shape {seen.voxels.shape} in place of {wanted.voxels.shape}"
    if not np.array_equal(seen.voxels, wanted.voxels):
        return _other_voxels(seen.voxels, wanted.voxels)
    apart = float(np.abs(seen.geometry.corners() - wanted.geometry.corners()).max())
    if not apart <= CORNERS_MM:
        return f"a corner is {apart:.3g} mm off"
    if np.issubdtype(wanted.voxels.dtype, np.integer) and (centre := _centre(wanted.voxels)) is not None:
        moved = (seen.geometry.affine - wanted.geometry.affine) @ [*centre, 1.0]
        if not (away := float(np.linalg.norm(moved))) <= CENTROID_MM:
            return f"the labels' centroid is {away:.3g} mm off"
    return ""


def _other_voxels(seen: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> str:
    count = int(np.count_nonzero(seen != wanted))
    if np.issubdtype(wanted.dtype, np.integer) and wanted.dtype.itemsize == 1:
        before, after = (sorted(np.unique(voxels).tolist()) for voxels in (wanted, seen))
        if before != after:
            return f"labels {after[:12]} in place of {before[:12]}"
    return f"{count} voxels differ"


def _centre(labels: npt.NDArray[Any]) -> tuple[float, float, float] | None:
    through = int(np.argmax(np.abs(labels.strides)))  # Its planes are in one piece, and most of them hold nothing.
    down, across = (axis for axis in range(3) if axis != through)
    sums, total = [0, 0, 0], 0
    for place, plane in enumerate(np.moveaxis(labels, through, 0)):
        count = int(np.count_nonzero(plane))
        if count:
            sums[through] += place * count
            sums[down] += int(np.arange(plane.shape[0]) @ np.count_nonzero(plane, axis=1))
            sums[across] += int(np.arange(plane.shape[1]) @ np.count_nonzero(plane, axis=0))
            total += count
    return (sums[0] / total, sums[1] / total, sums[2] / total) if total else None


def _last_line(error: Exception, temporary: Path) -> str:
    """The reason without the temporary file's name, and without the end of its sentence."""
    text = str(error).strip().splitlines()
    line = text[-1] if text else type(error).__name__
    return line.replace(str(temporary), "the file").rstrip(".;: ").replace(";", ",")
