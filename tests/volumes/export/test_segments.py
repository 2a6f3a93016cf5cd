"""What the labels of a mask mean to other systems."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.sr.codedict import codes

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask
from napari_lesionseg.volumes.export.segments import (
    ABNORMAL,
    GROUND_GLASS,
    LESION,
    LUNG,
    MASS,
    NODULE,
    Segment,
    check_segments,
    default_segments,
    mask_labels,
)


def mask_of(*labels: int) -> Mask:
    array = np.zeros((2, 3, 4), np.int64)
    array.flat[: len(labels)] = labels
    return Mask(array, Geometry.from_spacing((2, 3, 4), (1.0, 1.0, 1.0)))


@pytest.mark.parametrize(
    ("ours", "standard"),
    [
        (LESION.code, codes.cid7159.Lesion),
        (NODULE.code, codes.cid7159.Nodule),
        (MASS.code, codes.cid7159.Mass),
        (GROUND_GLASS.code, codes.cid6102.GroundGlassOpacity),
        (ABNORMAL, codes.cid7150.MorphologicallyAbnormalStructure),
        (LUNG, codes.cid7151.Lung),
    ],
)
def test_codes_are_those_of_the_standard_s_context_groups(ours, standard):
    assert (ours.value, ours.scheme, ours.meaning) == (standard.value, standard.scheme_designator, standard.meaning)


def test_the_labels_of_a_mask_are_those_that_occur():
    assert mask_labels(mask_of(0, 7, 1, 7, 65535)) == [1, 7, 65535]


@pytest.mark.parametrize("label", [-1, 65536])
def test_a_label_dicom_cannot_number_is_refused(label: int):
    with pytest.raises(LesionsegError, match="use labels from 0 to 65535"):
        mask_labels(mask_of(label))


def test_each_label_has_its_segment_and_name():
    assert [(one.label, one.name) for one in default_segments(mask_of(1, 4))] == [(1, "Lesion"), (4, "Lesion 4")]


def test_an_empty_mask_has_a_lesion_segment():
    assert [one.label for one in default_segments(mask_of(0))] == [1]


def test_a_label_without_a_segment_is_refused():
    with pytest.raises(LesionsegError, match="Label 4 of the mask has no name"):
        check_segments(mask_of(1, 4), [Segment(1)])


def test_two_segments_of_one_label_are_refused():
    with pytest.raises(LesionsegError, match="exactly one segment"):
        check_segments(mask_of(1), [Segment(1), Segment(1, "again")])


def test_a_segment_can_become_another_kind_of_lesion():
    segment = Segment(3).of(NODULE)
    assert (segment.label, segment.name, segment.type.value) == (3, "Nodule", "27925004")


@pytest.mark.parametrize("label", [0, 65536])
def test_a_segment_of_no_possible_label_is_refused(label: int):
    with pytest.raises(LesionsegError, match="cannot be exported"):
        Segment(label)
