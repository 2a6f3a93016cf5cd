"""SimpleITK, that is ITK, reads our masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
    seen, exact, wanted = 0, 0, 0
    for case in cases:
        path = case.export("dicom-seg")
        frames = sitk.GetArrayFromImage(read_itk(path)) != 0
        places = _segments_and_slices(path, case)
        seen += len(frames)
        exact += sum(
            np.array_equal(frame, case.labels[number] == segment)
            for frame, (segment, number) in zip(frames, places, strict=True)
        )
        wanted += sum(len(np.unique(plane[plane > 0])) for plane in case.labels)
    said = capfd.readouterr().err.strip()
    verdict(
        f"{exact} of {wanted} frames voxel-exact, " + (f"complains: {said}" if said else "no warning"),
        seen == exact == wanted and not said,
    )


def _segments_and_slices(path: Path, case: PeerCase) -> list[tuple[int, int]]:
    """The segment of each frame, and the slice that it refers to."""
    uids = [dcmread(file, stop_before_pixels=True).SOPInstanceUID for file in case.series.files]
    found = []
    for frame in dcmread(path, stop_before_pixels=True).PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        segment = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        found.append((int(segment), uids.index(source.ReferencedSOPInstanceUID)))
    return found
