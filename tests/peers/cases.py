"""The scans whose masks are judged: a generated chest in DICOM, lying straight, prone, oblique, and in one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.export.mask import export_mask
from napari_lesionseg.volumes.export.segments import GROUND_GLASS, NODULE, Segment
from napari_lesionseg.volumes.phantom import make_case
from napari_lesionseg.volumes.read import read_scan
from tests.volumes.dicom.make_series import Series, make_series
from tests.volumes.dicom.test_multiframe import make_enhanced

SHAPE: Final = (24, 160, 176)  # Slices, rows, columns.
SPACING_MM: Final = (4.0, 1.7, 1.8)
MARK: Final = (16, 60, 50)  # Slice, row, column in the patient's right upper lung: it lies at 0, 0, 0 mm.
ORIENTATIONS: Final = {
    "axial": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "prone": (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
    # Turned by 10° about x, then by 20° about z.
    "oblique": (0.9396926, 0.3420201, 0.0, -0.3368241, 0.9254166, 0.1736482),
}
SEGMENTS: Final = (Segment(1).of(NODULE), Segment(2).of(GROUND_GLASS))
FILES: Final = {
    "nifti": "mask.nii.gz",
    "nrrd": "mask.seg.nrrd",
    "metaimage": "mask.mha",
    "dicom-seg": "seg.dcm",
    "rtstruct": "rtstruct.dcm",
}


@dataclass(frozen=True, eq=False)
class PeerCase:
    """One scan with its mask; ``labels`` are the mask as it lies on the slices (slice, row, column)."""

    name: str
    folder: Path
    series: Series
    scan: Volume
    mask: Mask
    labels: np.ndarray
    _written: dict[str, Path] = field(default_factory=dict)

    def export(self, format: str) -> Path:
        """The mask in ``format``, written the first time it is asked for."""
        if format not in self._written:
            path = self.folder / FILES[format]
            export_mask(path, self.mask, self.scan, format=format, segments=SEGMENTS)
            self._written[format] = path
        return self._written[format]


def make_peer_case(name: str, folder: Path) -> PeerCase:
    """Write the series, read it back as a user would, and lay the mask on it."""
    hu, labels = chest_with_lesions()
    orientation = np.array(ORIENTATIONS[name])
    row, column = orientation[:3], orientation[3:]
    steps = np.stack([np.cross(row, column) * SPACING_MM[0], column * SPACING_MM[1], row * SPACING_MM[2]])
    origin = tuple(float(value) for value in -(np.array(MARK) @ steps))
    seed = list(ORIENTATIONS).index(name)
    series = make_series(
        folder / "series", hu, spacing=SPACING_MM, orientation=ORIENTATIONS[name], origin=origin, seed=seed
    )
    scan = read_scan(series.folder)
    np.testing.assert_allclose(scan.geometry.affine, series.affine, atol=1e-4)  # (column, row, slice), as written.
    stored = labels.transpose(2, 1, 0)
    mask = Mask(np.ascontiguousarray(scan.geometry.to_display(stored)), scan.geometry)
    return PeerCase(name, folder, series, scan, mask, labels)


def make_multi_frame_case(straight: PeerCase, folder: Path) -> PeerCase:
    """The same scan with the same mask, its slices the frames of one file, from the head down."""
    path = make_enhanced(folder / "frames.dcm", straight.series, range(SHAPE[0] - 1, -1, -1))
    scan = read_scan(path)
    np.testing.assert_allclose(scan.geometry.affine, straight.series.affine, atol=1e-4)
    return PeerCase(
        "multi-frame", folder, straight.series, scan, Mask(straight.mask.array, scan.geometry), straight.labels
    )


@cache
def chest_with_lesions() -> tuple[np.ndarray, np.ndarray]:
    """HU and labels (slice, row, column) of a chest with hard cases: holes, an island, touching labels, all edges."""
    hu = make_case(4, SHAPE, lesions=False).scan.array.copy()
    labels = np.zeros(SHAPE, np.uint8)
    z, y, x = MARK
    labels[15:18, y - 18 : y - 12, x : x + 24] = 1  # A tail to the front and the left: no mirror image fits.
    labels[_ball(MARK, 13)] = 1
    labels[_ball((z - 1, y + 21, x + 2), 10)] = 2  # Touches label 1.
    labels[_ball(MARK, 8)] = 0  # A cavity,
    labels[_ball(MARK, 3)] = 1  # and an island in it.
    labels[_ball((8, 100, 125), 9)] = 1
    labels[_ball((8, 98, 121), 3)] = 0  # Two cavities in one lesion.
    labels[_ball((8, 104, 129), 2)] = 0
    labels[10, 75, 130] = 2  # One voxel,
    labels[10, 80, 130] = labels[10, 81, 131] = 2  # and two that touch at a corner.
    hu[labels > 0] = 40
    labels[0, :3, :2] = labels[-1, -2:, -3:] = 1  # The mask reaches the first and the last voxel of the scan.
    return hu, labels


def _ball(centre: tuple[int, int, int], radius: float) -> np.ndarray:
    """A ball in the plane of the slices, flattened a little across them."""
    z, y, x = np.ogrid[tuple(slice(n) for n in SHAPE)]
    return np.asarray(((z - centre[0]) * 2.2) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < radius**2)
