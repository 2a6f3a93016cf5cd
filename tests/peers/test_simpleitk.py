"""SimpleITK, that is ITK, reads our masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread

from tests.peers.cases import PeerCase
from tests.peers.compare import corners_apart_mm, read_itk, stored
from tests.peers.conftest import Judge

pytestmark = pytest.mark.peers


@pytest.mark.parametrize(("format", "title"), [("nifti", "NIfTI"), ("nrrd", "NRRD"), ("metaimage", "MetaImage")])
def test_simpleitk_reads_every_voxel_at_its_place(
    judge: Judge,
    version: Callable[[str], None],
    cases: list[PeerCase],
    capfd: pytest.CaptureFixture[str],
    format: str,
    title: str,
) -> None:
    verdict = judge("SimpleITK", title)
    version(sitk.Version_VersionString())
    images = [read_itk(case.export(format)) for case in cases]
    equal = sum(
        np.array_equal(sitk.GetArrayFromImage(image), stored(case.mask))
        for image, case in zip(images, cases, strict=True)
    )
    apart = max(corners_apart_mm(image, case.mask.geometry) for image, case in zip(images, cases, strict=True))
    said = capfd.readouterr().err.strip()
    verdict(
        f"{equal} of {len(cases)} masks voxel-exact, corners within {apart:.4f} mm, "
        + (f"complains: {said}" if said else "no warning"),
        equal == len(cases) and apart <= 0.01 and not said,
    )


def test_simpleitk_reads_every_frame_of_the_dicom_seg(
    judge: Judge, version: Callable[[str], None], cases: list[PeerCase], capfd: pytest.CaptureFixture[str]
) -> None:
    verdict = judge("SimpleITK", "DICOM SEG")
    version(sitk.Version_VersionString())
    seen, wanted = [], []
    for case in cases:
        path = case.export("dicom-seg")
        frames = sitk.GetArrayFromImage(read_itk(path)) != 0
        seen.append(Counter(zip(_segments(path), frames.sum(axis=(1, 2)).tolist(), strict=True)))
        wanted.append(
            Counter(
                (label, int(count)) for label in (1, 2) for count in (case.labels == label).sum(axis=(1, 2)) if count
            )
        )
    said = capfd.readouterr().err.strip()
    frames_read = sum(counter.total() for counter in seen)
    verdict(
        f"{frames_read} frames with as many voxels as were exported, "
        + (f"complains: {said}" if said else "no warning"),
        seen == wanted and not said,
    )


def _segments(path: object) -> list[int]:
    frames = dcmread(str(path), stop_before_pixels=True).PerFrameFunctionalGroupsSequence
    return [int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber) for frame in frames]
