"""Nothing is called saved that another reader sees elsewhere, or sees otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.export import prove as proof
from napari_lesionseg.volumes.export.prove import Stored, difference, prove
from napari_lesionseg.volumes.export.readers import is_sheared, read_by_itk, read_by_nibabel, second_nifti_reader
from napari_lesionseg.volumes.volume import LOSSY_WARNING

GRID = Geometry((5, 4, 3), np.diag([-0.7, -0.8, 2.5, 1.0]))


def stored(label: int = 1, affine: np.ndarray = GRID.affine) -> Stored:
    """Two voxels at (4, 3, 2) and (2, 1, 0)."""
    labels = np.zeros(GRID.shape, np.uint8)
    labels[4, 3, 2] = labels[2, 1, 0] = label
    return Stored(labels, Geometry(GRID.shape, affine))


def shifted(mm: float) -> np.ndarray:
    affine = np.array(GRID.affine)
    affine[0, 3] += mm
    return affine


def test_equal_voxels_on_an_equal_grid_do_not_differ() -> None:
    assert difference(stored(), stored()) == ""
    assert difference(stored(0), stored(0)) == ""  # No label, no centroid.


def test_the_difference_is_named_with_its_size() -> None:
    moved = stored()
    moved.voxels[:] = moved.voxels[::-1]
    assert difference(moved, stored()) == "2 voxels differ"  # (4,3,2) → (0,3,2); (2,1,0) is the middle.
    assert difference(stored(3), stored()) == "labels [0, 3] in place of [0, 1]"
    assert difference(Stored(stored().voxels[1:], GRID), stored()) == "shape (4, 4, 3) in place of (5, 4, 3)"
    assert difference(stored(affine=shifted(0.02)), stored()) == "a corner is 0.02 mm off"
    assert difference(stored(affine=shifted(0.002)), stored()) == "the labels' centroid is 0.002 mm off"
    assert difference(stored(affine=shifted(0.0005)), stored()) == ""


def test_a_turn_about_the_centroid_is_seen_at_the_corners() -> None:
    turned = np.array(GRID.affine)
    turned[:3, :3] = turned[:3, :3] @ np.array([[1, 0.01, 0], [-0.01, 1, 0], [0, 0, 1]])
    centre = np.array([3, 2, 1, 1])  # Of the two voxels.
    turned[:3, 3] -= ((turned - GRID.affine) @ centre)[:3]
    assert "corner" in difference(stored(affine=turned), stored())


def test_voxels_of_a_scan_have_no_centroid_to_compare() -> None:
    grey = Stored(np.full(GRID.shape, 0.5, np.float32), GRID)
    assert difference(Stored(grey.voxels, Geometry(GRID.shape, shifted(0.002))), grey) == ""


@pytest.mark.parametrize("which", ["our own reader", "SimpleITK"])
def test_one_reader_who_sees_something_else_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    mask = Mask(GRID.to_display(stored().voxels), GRID)
    nifti.write_mask(tmp_path / "mask.nii.gz", mask)
    before = (tmp_path / "mask.nii.gz").read_bytes()

    def elsewhere(*_: object) -> Stored:
        return stored(0, affine=shifted(0.4))

    if which == "SimpleITK":
        monkeypatch.setattr("napari_lesionseg.volumes.export.readers.read_by_itk", elsewhere)
    else:
        monkeypatch.setattr(nifti, "_read_back", elsewhere)
    with pytest.raises(LesionsegError, match=rf"mask.nii.gz did not read back .*by {which}: a corner is 0.4 mm off"):
        nifti.write_mask(tmp_path / "mask.nii.gz", Mask.empty(GRID))
    assert (tmp_path / "mask.nii.gz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mask.nii.gz"]


def test_a_reader_that_fails_names_the_file_to_be_and_one_reason(tmp_path: Path) -> None:
    temporary = tmp_path / ".12345678.mask.nii"
    temporary.write_bytes(b"no image")
    with pytest.raises(LesionsegError) as caught:
        prove(temporary, stored(), {"SimpleITK": read_by_itk}, tmp_path / "mask.nii")
    sentence = str(caught.value)
    assert sentence.startswith(f"{tmp_path / 'mask.nii'} did not read back as it was written (by SimpleITK: it cannot")
    assert ".12345678" not in sentence
    assert "\n" not in sentence


def test_both_readers_see_a_file_as_it_is(tmp_path: Path) -> None:
    nifti.write_mask(tmp_path / "mask.nii.gz", Mask(GRID.to_display(stored(7).voxels), GRID))
    for reader in (read_by_itk, read_by_nibabel):
        seen = reader(tmp_path / "mask.nii.gz")
        assert np.array_equal(seen.voxels, stored(7).voxels)
        assert np.allclose(seen.geometry.affine, GRID.affine, atol=1e-6)
        assert seen.voxels.base is None or seen.voxels.sum() == 14  # The image behind it is gone by now.


def test_an_image_of_four_dimensions_is_not_a_mask(tmp_path: Path) -> None:
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4, 5), np.uint8), isVector=False), tmp_path / "four.nii")
    with pytest.raises(LesionsegError, match="not one 3-D volume"):
        read_by_itk(tmp_path / "four.nii")


def test_axes_that_are_not_at_right_angles_are_judged_by_nibabel_and_refused_by_itk(tmp_path: Path) -> None:
    affine = np.array(GRID.affine)
    affine[1, 2] = 0.5
    grid = Geometry(GRID.shape, affine)
    assert (is_sheared(GRID), is_sheared(grid)) == (False, True)
    assert (list(second_nifti_reader(GRID)), list(second_nifti_reader(grid))) == (["SimpleITK"], ["nibabel"])
    nifti.write_mask(tmp_path / "mask.nii", Mask(grid.to_display(stored().voxels), grid))
    assert np.allclose(read_by_nibabel(tmp_path / "mask.nii").geometry.affine, affine)
    with pytest.raises(RuntimeError, match="orthonormal"):  # With a qform, ITK would see a corner 0.5 mm off.
        read_by_itk(tmp_path / "mask.nii")


def test_a_lossy_scan_is_said_so_in_the_header(tmp_path: Path) -> None:
    import nibabel as nib

    nifti.write_mask(tmp_path / "mask.nii", Mask.empty(GRID), lossy=True)
    nifti.write_mask(tmp_path / "plain.nii", Mask.empty(GRID))
    nifti.write_scan(tmp_path / "scan.nii", Volume(Mask.empty(GRID).array, GRID, lossy=True))
    said = {name: nib.load(tmp_path / f"{name}.nii").header["descrip"].item() for name in ("mask", "plain", "scan")}
    note = b"From a scan that went through lossy compression"
    assert said == {"mask": note, "plain": b"", "scan": note}
    scan, plain = (nifti.read_scan(tmp_path / f"{name}.nii") for name in ("scan", "plain"))
    assert (scan.lossy, plain.lossy) == (True, False)
    assert (LOSSY_WARNING in scan.warnings, LOSSY_WARNING in plain.warnings) == (True, False)


def test_the_pass_marks_are_those_of_the_hazard() -> None:
    assert (proof.CORNERS_MM, proof.CENTROID_MM) == (0.01, 0.001)


@pytest.mark.parametrize("order", ["C", "F", "reversed"])
def test_the_centroid_is_the_mean_place_of_all_labels_in_any_order_of_memory(order: str) -> None:
    random = np.random.default_rng(5)
    for share in (0.0, 0.02, 0.5, 1.0):
        labels = (random.random((5, 7, 9)) < share).astype(np.uint8) * 3
        stored = labels[::-1, :, ::-1] if order == "reversed" else np.asarray(labels, order=order)
        places = np.argwhere(stored)
        centre = proof._centre(stored)
        assert centre is None if not len(places) else np.allclose(centre, places.mean(axis=0))
