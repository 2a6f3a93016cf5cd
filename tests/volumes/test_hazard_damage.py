"""A damaged stream is never taken for voxels, and a label never becomes another (hazards 11, 13)."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

SHAPE = (16, 16, 6)
AFFINE = np.diag([-0.75, -0.75, 2.5, 1.0])
GRID = Geometry(SHAPE, AFFINE)
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]


def sound_files(folder: Path) -> list[tuple[bytes, bool, np.ndarray]]:
    """A mask and two scans as .nii.gz: bytes, whether a mask, voxels."""
    rng = np.random.default_rng(0)
    mask = Mask((rng.random(GRID.display_shape) < 0.1).astype(np.uint8), GRID)
    nifti.write_mask(folder / "mask.nii.gz", mask)
    scan = Volume(rng.integers(-1000, 1000, GRID.display_shape).astype(np.int16), GRID)
    nifti.write_scan(folder / "scan.nii.gz", scan)
    whole = gzip.decompress((folder / "scan.nii.gz").read_bytes())
    members = b"".join(gzip.compress(whole[start : start + 800]) for start in range(0, len(whole), 800))  # As bgzip.
    return [
        ((folder / "mask.nii.gz").read_bytes(), True, mask.array),
        ((folder / "scan.nii.gz").read_bytes(), False, scan.array),
        (members, False, scan.array),
    ]


@pytest.mark.hazard("H11")
@pytest.mark.timeout(1800)
def test_flipped_bits_and_missing_ends_are_never_silently_wrong(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    count, files, rng = hazard_count(150, 3000), sound_files(tmp_path), np.random.default_rng(1)
    path, wrong, refused = tmp_path / "damaged.nii.gz", 0, 0
    for number in range(count):
        whole, is_mask, voxels = files[number % len(files)]
        damaged = bytearray(whole)
        if number % 5 == 4:
            del damaged[int(rng.integers(len(damaged))) :]
        else:
            for bit in rng.integers(0, 8 * len(damaged), int(rng.choice([1, 1, 1, 2, 8]))):
                damaged[bit // 8] ^= 1 << int(bit) % 8
        path.write_bytes(damaged)
        try:
            image = nifti.read_mask(path) if is_mask else nifti.read_scan(path)
        except LesionsegError:
            refused += 1
        else:
            same = np.array_equal(image.array, voxels) and image.geometry.same_grid(GRID)
            wrong += not same
    hazard_figure("H11", f"{count} damaged .nii.gz: {refused} refused, {wrong} silently wrong", wrong == 0)
    assert wrong == 0
    assert refused > 0.9 * count  # Only gzip's own time, name and system do not matter.


@pytest.mark.hazard("H13")
@pytest.mark.timeout(1800)
def test_every_set_of_labels_comes_back_as_it_was(tmp_path: Path, hazard_count: Count, hazard_figure: Figure) -> None:
    count, altered = hazard_count(100, 2000), 0
    for seed in range(count):
        rng = np.random.default_rng(seed)
        labels = rng.choice(256, int(rng.integers(1, 20)), replace=False)
        voxels = rng.choice(labels, GRID.display_shape).astype(np.uint8)
        path = tmp_path / f"mask{rng.choice(['.nii', '.nii.gz'])}"
        if seed % 2:
            nifti.write_mask(path, Mask(voxels, GRID))
        else:  # As other programs store labels.
            dtype = str(rng.choice(["u1", "i2", "u2", "i4", "i8", "f4", "f8", ">i2", ">f4"]))
            header = nib.Nifti1Header(endianness=">" if dtype[0] == ">" else "<")
            header.set_data_dtype(dtype)
            nib.Nifti1Image(GRID.to_stored(voxels).astype(dtype), AFFINE, header, dtype=dtype).to_filename(path)
        back = nifti.read_mask(path, GRID).array
        equal = np.array_equal(back, voxels) and np.array_equal(nib.load(path).dataobj, GRID.to_stored(voxels))
        altered += not (equal and back.dtype == np.uint8)
    hazard_figure(
        "H13", f"{count} sets of labels, written and read, by us and by nibabel: {altered} altered", altered == 0
    )
    assert altered == 0
