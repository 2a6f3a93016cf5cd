"""DICOM SEG and RTSTRUCT lie where the mask was drawn, in any orientation, with its labels, to the last voxel.

The judges here are not the readers of the project: highdicom for SEG, scikit-image for contours, and positions worked
out from the numbers in the files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from skimage.draw import polygon2mask

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.export.dicom_seg import write_dicom_seg
from napari_lesionseg.volumes.export.rtstruct import write_rtstruct
from napari_lesionseg.volumes.read import read_mask
from tests.volumes.export.dicom_scans import make_dicom_scan, orientations, rotation

Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]
WRITERS = {"DICOM SEG": write_dicom_seg, "RTSTRUCT": write_rtstruct}
SHAPE = (9, 8, 5)


def drawn(random: np.random.Generator, scan: Volume) -> Mask:
    """Blobs, single voxels and holes of labels 1 and 3, unlike their own mirror images."""
    stored = np.zeros(scan.geometry.shape, np.uint8)
    for label in (1, 3):
        i, j, k = (int(random.integers(0, n - 3)) for n in stored.shape)
        stored[i : i + 3, j : j + 3, k : k + 3] = label
        stored[i + 1, j + 1, k + 1] = 0
    stored[random.random(stored.shape) < 0.08] = 1
    return Mask(scan.geometry.to_display(stored), scan.geometry)


def places_of(mask: Mask) -> np.ndarray:
    """Label and LPS position (mm) of each labelled voxel, by the affine."""
    stored = mask.geometry.to_stored(mask.array)
    index = np.argwhere(stored)
    ras = index @ mask.geometry.affine[:3, :3].T + mask.geometry.affine[:3, 3]
    return sorted_places(np.column_stack([stored[tuple(index.T)], ras * [-1, -1, 1]]))


def places_in_seg(path: Path) -> np.ndarray:
    """The same from the frames of a SEG: bits and plane positions as pydicom reads them."""
    file = pydicom.dcmread(path)
    labels = [int(segment.SegmentDescription.split()[-1]) for segment in file.SegmentSequence]
    shared = file.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
    spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, float)
    found = []
    for pixels, frame in zip(file.pixel_array, file.PerFrameFunctionalGroupsSequence, strict=True):
        # highdicom says it once for all frames where there is one segment.
        identified = frame if "SegmentIdentificationSequence" in frame else shared
        label = labels[identified.SegmentIdentificationSequence[0].ReferencedSegmentNumber - 1]
        row, column = np.nonzero(pixels)
        steps = np.outer(column * spacing[1], cosines[0]) + np.outer(row * spacing[0], cosines[1])
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        found.append(np.column_stack([np.full(len(row), label), steps + position]))
    return sorted_places(np.concatenate(found))


def places_in_rtstruct(path: Path, scan: Volume) -> np.ndarray:
    """The same from contours, each filled by scikit-image in the plane of the image it refers to."""
    images = {header.SOPInstanceUID: header for header in scan.dicom.headers}
    found = []
    for roi in pydicom.dcmread(path).ROIContourSequence:
        for contour in roi.get("ContourSequence", []):
            header = images[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
            cosines = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
            spacing, position = np.array(header.PixelSpacing, float), np.array(header.ImagePositionPatient, float)
            points = np.array(contour.ContourData, float).reshape(-1, 3) - position
            assert np.abs(points @ np.cross(*cosines)).max() < 1e-4  # The contour lies in that image.
            corners = np.column_stack([points @ cosines[1] / spacing[0], points @ cosines[0] / spacing[1]])
            row, column = np.nonzero(polygon2mask((header.Rows, header.Columns), corners))
            steps = np.outer(column * spacing[1], cosines[0]) + np.outer(row * spacing[0], cosines[1])
            found.append(np.column_stack([np.full(len(row), int(roi.ReferencedROINumber)), steps + position]))
    return sorted_places(np.concatenate(found))


def sorted_places(places: np.ndarray) -> np.ndarray:
    return places[np.lexsort(np.round(places, 3).T)]


def off_mm(seen: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """How far the worst voxel and the centroid are off; infinite if labels or counts differ."""
    if seen.shape != wanted.shape or (seen[:, 0] != wanted[:, 0]).any():
        return np.inf, np.inf
    apart = seen[:, 1:] - wanted[:, 1:]
    return float(np.abs(apart).max()), float(np.linalg.norm(apart.mean(axis=0)))


@pytest.mark.hazard("H12")
@pytest.mark.timeout(3600)
def test_a_mask_lies_where_it_was_drawn_in_all_orientations_of_a_series(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure
):
    random, masks, every = np.random.default_rng(12), hazard_count(1, 20), hazard_count(4, 1)
    moved, exports, farthest, centroid = [], 0, 0.0, 0.0
    for number in range(masks):
        for place, directions in enumerate(orientations()[::every]):
            oblique = rotation(*random.uniform(-40, 40, 3)) if (place + number) % 2 else np.eye(3)
            scan = make_dicom_scan(SHAPE, oblique @ directions, origin=tuple(random.uniform(-300, 300, 3)))
            mask = drawn(random, scan)
            for name, write in WRITERS.items():
                write(path := tmp_path / "mask.dcm", mask, scan)
                seen = places_in_seg(path) if name == "DICOM SEG" else places_in_rtstruct(path, scan)
                worst, centre = off_mm(seen, places_of(mask))
                same = np.array_equal(read_mask(path, scan).array, mask.array)
                farthest, centroid, exports = max(farthest, worst), max(centroid, centre), exports + 1
                if not same or worst > 0.01 or centre > 0.001:
                    moved.append((name, number, place))
    hazard_figure(
        "H12",
        f"DICOM SEG and RTSTRUCT, {masks} masks × {48 // every} orientations, oblique included: {exports} exports, "
        f"{len(moved)} moved, centroid within {centroid:.1g} mm",
        not moved,
    )
    assert exports == masks * (48 // every) * 2
    assert moved == []


@pytest.mark.hazard("H13")
@pytest.mark.timeout(3600)
def test_labels_are_what_they_were(tmp_path: Path, hazard_count: Count, hazard_figure: Figure):
    random, sets = np.random.default_rng(13), hazard_count(15, 2000)
    scan, altered, exports = make_dicom_scan((6, 5, 3)), [], 0
    for number in range(sets):
        highest = 255 if number % 3 else 65535
        labels = random.choice(np.arange(1, highest + 1), int(random.integers(1, 9)), replace=False)
        stored = np.zeros(scan.geometry.shape, np.uint8 if highest == 255 else np.uint16)
        places = random.permutation(stored.size)[: 4 * len(labels)]
        stored.flat[places] = np.tile(labels, 4)
        mask = Mask(scan.geometry.to_display(stored), scan.geometry)
        for name, write in WRITERS.items():
            write(path := tmp_path / "mask.dcm", mask, scan)
            exports += 1
            if not np.array_equal(read_mask(path, scan).array, mask.array):
                altered.append((name, labels.tolist()))
    hazard_figure("H13", f"DICOM SEG and RTSTRUCT, {sets} label sets: {len(altered)} of {exports} altered", not altered)
    assert exports == 2 * sets
    assert altered == []


@pytest.mark.hazard("H14")
def test_a_mask_on_all_six_faces_is_not_cropped(tmp_path: Path, hazard_count: Count, hazard_figure: Figure):
    random, masks = np.random.default_rng(14), hazard_count(6, 200)
    lost, voxels = [], 0
    for number in range(masks):
        scan = make_dicom_scan(tuple(random.integers(3, 9, 3).tolist()), orientations()[int(random.integers(48))])
        stored = np.zeros(scan.geometry.shape, np.uint8)
        for axis in range(3):
            for end in (0, -1):
                face = np.moveaxis(stored, axis, 0)[end]
                face[random.random(face.shape) < 0.6] = 1
                face.flat[random.integers(face.size)] = 1
        mask = Mask(scan.geometry.to_display(stored), scan.geometry)
        for name, write in WRITERS.items():
            write(path := tmp_path / "mask.dcm", mask, scan)
            seen = places_in_seg(path) if name == "DICOM SEG" else places_in_rtstruct(path, scan)
            again = read_mask(path, scan)
            voxels += int(np.count_nonzero(again.array))
            if len(seen) != stored.sum() or not np.array_equal(again.array, mask.array):
                lost.append((name, number))
    hazard_figure(
        "H14",
        f"DICOM SEG and RTSTRUCT, {masks} masks on all six faces: {voxels} voxels, {len(lost)} masks cropped",
        not lost,
    )
    assert lost == []
