"""highdicom reads our DICOM SEG, from its pixels to its references and codes."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread

from tests.peers.cases import SEGMENTS, PeerCase
from tests.peers.conftest import Judge

pytestmark = pytest.mark.peers


def test_highdicom_reads_segments_where_they_were_drawn(
    judge: Judge, version: Callable[[str], None], cases: list[PeerCase]
) -> None:
    verdict = judge("highdicom", "DICOM SEG")
    version(hd.__version__)
    exact, described, said = 0, 0, []
    for case in cases:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            segmentation = hd.seg.segread(case.export("dicom-seg"))
            uids = [header.SOPInstanceUID for header in case.scan.dicom.headers]
            labels = segmentation.get_pixels_by_source_instance(
                uids, combine_segments=True, assert_missing_frames_are_empty=True
            )
        said += [str(warning.message) for warning in caught]
        exact += np.array_equal(labels, case.labels)
        described += _names(segmentation) == [(segment.name, segment.type.value) for segment in SEGMENTS]
    verdict(
        f"{exact} of {len(cases)} masks voxel-exact by reference, names and codes of {described}, "
        + (f"warns: {said[0]}" if said else "no warning"),
        exact == described == len(cases) and not said,
    )


def test_highdicom_reads_segments_on_the_frames_they_were_drawn_on(
    judge: Judge, version: Callable[[str], None], multi_frame: PeerCase
) -> None:
    verdict = judge("highdicom", "DICOM SEG of a multi-frame CT")
    version(hd.__version__)
    path, source = multi_frame.export("dicom-seg"), dcmread(multi_frame.folder / "frames.dcm", stop_before_pixels=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        labels = hd.seg.segread(path).get_pixels_by_source_frame(
            source.SOPInstanceUID,
            range(int(source.NumberOfFrames), 0, -1),  # Its frames run from the head down.
            combine_segments=True,
            assert_missing_frames_are_empty=True,
        )
    said = [str(warning.message) for warning in caught]
    exact = np.array_equal(labels, multi_frame.labels)
    verdict(
        ("voxel-exact by reference, " if exact else "other voxels, ") + (f"warns: {said[0]}" if said else "no warning"),
        exact and not said,
    )


def _names(segmentation: hd.seg.Segmentation) -> list[tuple[str, str]]:
    found = [segmentation.get_segment_description(number) for number in segmentation.segment_numbers]
    return [(one.segment_label, one.segmented_property_type.value) for one in found]
