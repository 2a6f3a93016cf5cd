"""The list a person chooses from, the thin lung series of a chest first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from napari_lesionseg.volumes.dicom.kernels import is_lung_kernel
from napari_lesionseg.volumes.dicom.series import find_series
from tests.volumes.dicom.make_series import make_series


@pytest.mark.parametrize(
    "kernel",
    # Siemens (B, I and the later Bl, Br), GE, Philips, Canon and Toshiba.
    [
        *("B50f", "B60s", "B70f", "B75h", "B80f", "I50f\\3", "I70f\\2", "Bl57d", "Bl64f\\3", "Br59d\\3", "Br64"),
        *("LUNG", "BONE", "BONEPLUS", "CHST", "L", "YC", "YB", "FC50", "FC51", "FC55", "FC52-L", "FC86"),
    ],
)
def test_lung_kernels_of_the_large_vendors_are_known(kernel: str) -> None:
    assert is_lung_kernel(kernel)


@pytest.mark.parametrize(
    "kernel",
    ["", "B20f", "B30f", "B41s", "I30f\\3", "Br40d\\3", "Br36", "Bl49", "STANDARD", "SOFT", "B", "C", "FC17", "FC03"],
)
def test_soft_kernels_are_not_lung_kernels(kernel: str) -> None:
    assert not is_lung_kernel(kernel)


def add(folder: Path, seed: int, thickness: float = 1.0, **facts: object) -> str:
    """Add a series of six slices with other ``facts`` in its headers; its UID."""

    def edit(header: Dataset, k: int) -> None:
        for keyword, value in facts.items():
            setattr(header, keyword, value)

    small = np.full((6, 4, 4), -900, np.int16)
    return make_series(folder / str(seed), small, spacing=(thickness, 1, 1), seed=seed, edit=edit).uid


def test_the_thin_lung_series_of_the_chest_is_proposed(tmp_path: Path) -> None:
    head = {"BodyPartExamined": "HEAD", "SeriesDescription": "Head 1.0"}
    wanted = [
        add(tmp_path, 7),
        add(tmp_path, 2, ConvolutionKernel="B30f"),
        add(tmp_path, 5, thickness=5),
        add(tmp_path, 6, BodyPartExamined="", SeriesDescription="1.0 B70f"),
        add(tmp_path, 3, **head),
        add(tmp_path, 1, Modality="MR"),
        add(tmp_path, 4, PhotometricInterpretation="MONOCHROME1"),
        add(tmp_path, 8, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    ]
    found = find_series(tmp_path)
    assert [one.uid for one in found] == wanted
    assert [one.proposed for one in found] == [True] + [False] * 7
    assert [one.refusal is None for one in found] == [True] * 6 + [False] * 2


def test_a_summary_says_what_a_chooser_shows(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    (one,) = find_series(tmp_path)
    assert (one.uid, one.description, one.modality, one.kernel) == (series.uid, "Thorax 2.0 B70f", "CT", "B70f")
    assert (one.slices, one.shape, one.slice_thickness_mm) == (6, (6, 16, 20), 2.0)
    assert one.spacing_mm == pytest.approx((2.0, 0.7, 0.8))
    assert one.in_words == "CT Thorax 2.0 B70f: 6 slices, 2 mm apart, kernel B70f"
    assert one.files == tuple(f"series/IM000{k}.dcm" for k in range(6))
    assert "Phantom" not in repr(one)  # The patient's name.


def test_nothing_readable_is_not_proposed(tmp_path: Path) -> None:
    add(tmp_path, 1, PhotometricInterpretation="MONOCHROME1")
    (one,) = find_series(tmp_path)
    assert not one.proposed
    assert one.refusal == "1/IM0000.dcm is stored as MONOCHROME1, not as plain grey values."
