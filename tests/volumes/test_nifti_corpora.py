"""Real files from many programs: each opens where two readers see it, or is refused for a reason that is known."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.read import read_scan

pytestmark = pytest.mark.realdata
REFUSED = {
    "001_ground_truth.nii.gz": "RGBA voxels",  # Only those in generic/rgb.
    "001_ground_truth_reoriented.nii.gz": "RGBA voxels",
    "analyze.hdr": "analyze.img is not beside it",
    "nifti1.hdr": "nifti1.img is not beside it",
    "nifti2.hdr": "nifti2.img is not beside it",
    "example4d.nii.gz": "4 dimensions",
    "example_nifti2.nii.gz": "4 dimensions",
    "functional.nii": "4 dimensions",
    "row_major.dconn.nii": "6 dimensions",
    "resampled_anat_moved.nii": "not numbers",
}


def nifti_files(folder: Path) -> list[Path]:
    """All NIfTI files below ``folder``."""
    return sorted(path for path in folder.rglob("*") if path.name.endswith((".nii", ".nii.gz", ".hdr")))


def corners(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    return (affine[:3, :3] @ ends + affine[:3, 3:]).T


@pytest.mark.parametrize("name", ["corpora", "io_samples", "lung_imlab4", "masks_only"])
def test_every_real_file_lies_where_two_readers_see_it_or_is_refused_for_its_reason(
    shared_data: Path, name: str
) -> None:
    files = nifti_files(shared_data / name)
    opened = 0
    for path in files:
        try:
            scan = read_scan(path)
        except LesionsegError as error:
            assert REFUSED[path.name] in str(error)
            continue
        opened += 1
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        affine = np.eye(4)
        affine[:3, :3] = np.reshape(reader.GetDirection(), (3, 3)) * reader.GetSpacing()
        affine[:3, 3] = reader.GetOrigin()
        shape = scan.geometry.shape
        for other in (np.diag([-1, -1, 1, 1]) @ affine, nib.load(path).affine):
            assert np.abs(corners(other, shape) - scan.geometry.corners()).max() <= 0.01
    assert opened >= len(files) - 11
    assert opened > 5
