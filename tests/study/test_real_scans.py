from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.study import Study
from napari_lesionseg.volumes import nifti


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("scan", "truth", "shape"),
    [
        (
            "covid_ma20_8bit/coronacases_009/ct.nii.gz",
            "covid_ma20_8bit/coronacases_009/infection.nii.gz",
            (111, 256, 256),
        ),
        ("nsclc_ct/LUNG1-002/ct.nii.gz", "nsclc_ct/LUNG1-002/lesion.nii.gz", (111, 512, 512)),
    ],
)
def test_a_real_scan_stays_in_place_and_its_truth_keeps_every_voxel(
    shared_data: Path, study: Study, scan: str, truth: str, shape: tuple[int, ...]
) -> None:
    case = study.add_case("real", "p1", shared_data / scan)
    mask = nifti.read_mask(shared_data / truth, like=case.geometry)
    revision = study.add_revision("real", "truth", mask)
    assert case.scan == (shared_data / scan).resolve()
    assert case.geometry.display_shape == shape
    again = nifti.read_mask(revision.path, like=nifti.read_scan(case.scan).geometry)
    assert np.count_nonzero(mask.array) > 1000
    assert np.array_equal(again.array, mask.array)
