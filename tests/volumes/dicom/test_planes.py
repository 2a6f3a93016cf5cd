"""Which voxels of a grid the pixels of a frame are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry
from napari_lesionseg.volumes.dicom.planes import Plane, place, plane_of, source_slices
from tests.volumes.export.dicom_scans import make_dicom_scan, orientations, rotation

GRID = Geometry((5, 4, 3), np.diag([-0.5, -0.7, 2.0, 1.0]))  # Columns to the left, rows to posterior, slices up.


def frame(ipp=(0.0, 0.0, 2.0), iop=(1, 0, 0, 0, 1, 0), spacing=(0.7, 0.5), shape=(4, 5)) -> Plane:
    return plane_of(ipp, iop, spacing, shape)


def counted(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape)


def test_a_frame_of_the_grid_is_one_of_its_slices():
    placement = place(frame(), GRID)
    stored = counted(GRID.shape)
    assert (placement.across, placement.slice) == (2, 1)
    assert (placement.view(stored, (4, 5)) == stored[:, :, 1].T).all()


def test_a_frame_read_from_the_other_side_is_turned():
    placement = place(frame(ipp=(2.0, 0.0, 2.0), iop=(-1, 0, 0, 0, 1, 0)), GRID)
    stored = counted(GRID.shape)
    assert (placement.view(stored, (4, 5)) == stored[::-1, :, 1].T).all()


def test_a_sagittal_frame_is_a_slice_along_the_first_axis():
    placement = place(frame(ipp=(1.0, 0.0, 4.0), iop=(0, 1, 0, 0, 0, -1), spacing=(2.0, 0.7), shape=(3, 4)), GRID)
    stored = counted(GRID.shape)
    assert (placement.across, placement.slice) == (0, 2)
    assert (placement.view(stored, (3, 4)) == stored[2, :, ::-1].T).all()


def test_a_part_of_a_frame_begins_where_it_is_moved_to():
    placement = place(frame(), GRID).moved(row=2, column=1)
    stored = counted(GRID.shape)
    assert (placement.view(stored, (2, 3)) == stored[1:4, 2:4, 1].T).all()
    assert placement.fits((2, 4), GRID.shape)
    assert not placement.fits((3, 4), GRID.shape)


@pytest.mark.parametrize(
    "other",
    [
        {"ipp": (0.25, 0.0, 2.0)},
        {"ipp": (0.0, 0.0, 3.0)},
        {"spacing": (0.7, 0.55)},
        {"iop": (0.9995, 0.0316, 0, -0.0316, 0.9995, 0)},
        {"spacing": (1.4, 0.5)},
    ],
)
def test_a_frame_between_voxels_has_no_place(other):
    assert place(frame(**other), GRID) is None


def test_decimals_cut_short_do_not_matter():
    assert place(frame(ipp=(0.01, -0.02, 2.003), spacing=(0.7004, 0.4998)), GRID).slice == 1


@pytest.mark.parametrize("number", range(0, 48, 5))
def test_the_slices_behind_a_scan_hold_its_voxels_in_any_orientation(number: int):
    scan = make_dicom_scan((5, 4, 3), rotation(10, 20, -30) @ orientations()[number])
    stored = scan.geometry.to_stored(scan.array)
    for k, (plane, placement) in enumerate(source_slices(scan.dicom, scan.geometry)):
        assert plane.instance[1] == scan.dicom.headers[k].SOPInstanceUID
        assert (placement.view(stored, plane.shape) == stored[:, :, k].T).all()


def test_two_slices_in_one_place_are_refused():
    scan = make_dicom_scan((5, 4, 3))
    twice = replace(scan.dicom, headers=(scan.dicom.headers[0], *scan.dicom.headers[:2]))
    with pytest.raises(LesionsegError, match="no longer those of its DICOM slices"):
        source_slices(twice, scan.geometry)
