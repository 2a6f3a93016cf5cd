"""A file that can be placed in two ways is asked about in words, and the answer is what is returned."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, gate, nifti

SHAPE = (4, 5, 6)
AFFINE = np.array([[-0.7, 0, 0, 90], [0, -0.7, 0, 80], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])
SHIFTED = AFFINE + [[0, 0, 0, 3], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def save(path: Path, sform: np.ndarray | None = AFFINE, qform: np.ndarray | None = AFFINE, **fields: object) -> Path:
    """Write a scan of −1000 with these forms, then ``fields`` over its header."""
    image = nib.Nifti1Image(np.full(SHAPE, -1000, np.int16), AFFINE)
    image.set_sform(sform, 0 if sform is None else 1)
    image.set_qform(AFFINE if qform is None else qform, 0 if qform is None else 1, update_affine=False)
    raw = bytearray(image.to_bytes())
    header = nib.Nifti1Header(bytes(raw[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    raw[:348] = header.binaryblock
    path.write_bytes(raw)
    return path


def question(path: Path, **how: object) -> GeometryQuestion:
    """What is asked about ``path``."""
    with pytest.raises(GeometryQuestion) as caught:
        nifti.read_scan(path, **how)
    assert str(path) in str(caught.value)
    return caught.value


def place(path: Path, answer: str) -> np.ndarray:
    """Where ``path`` lies by the answer, in RAS mm."""
    return nifti.read_scan(path, geometry=answer).geometry.affine


def test_a_sound_scan_is_not_asked_about_and_may_be_named_by_its_form(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii")
    for answer in (None, "sform", "qform"):
        scan = nifti.read_scan(path, geometry=answer)
        assert np.allclose(scan.geometry.affine, AFFINE, atol=1e-5)
        assert scan.warnings == ()
    with pytest.raises(LesionsegError, match="has no resample; leave the geometry out"):
        nifti.read_scan(path, geometry="resample")


def test_forms_that_lie_apart_are_asked_about_and_the_answer_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", qform=SHIFTED)
    asked = question(path)
    assert asked.problem == f"{path}: its qform and sform lie 3 mm apart"
    assert asked.choices == {"sform": "its sform, code 1", "qform": "its qform, code 1"}
    assert "--geometry sform" in str(asked)
    assert np.allclose(place(path, "sform"), AFFINE)
    assert np.allclose(place(path, "qform"), SHIFTED)
    told = nifti.read_scan(path, geometry="qform").warnings
    assert told == ("Placed by choice (its qform, code 1): its qform and sform lie 3 mm apart.",)
    assert question(path, geometry="nonsense").choices == asked.choices


@pytest.mark.parametrize(("mm", "asks"), [(0.005, False), (0.02, True)])
def test_a_hundredth_of_a_millimetre_is_the_limit(tmp_path: Path, mm: float, asks: bool) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += mm
    path = save(tmp_path / "scan.nii", qform=moved)
    if asks:
        question(path)
    else:
        nifti.read_scan(path)


@pytest.mark.parametrize(("code", "name", "factor"), [(1, "m", 1000.0), (3, "um", 0.001)])
def test_another_unit_than_mm_is_asked_about(tmp_path: Path, code: int, name: str, factor: float) -> None:
    path = save(tmp_path / "scan.nii", xyzt_units=code)
    assert "not millimetres" in question(path).problem
    scaled = np.diag([factor] * 3 + [1]) @ AFFINE
    assert np.allclose(place(path, f"sform-{name}"), scaled)
    assert np.allclose(place(path, "sform-mm"), AFFINE)


def test_a_unit_that_does_not_exist_can_only_be_taken_as_mm(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", qform=None, xyzt_units=5)
    assert "unit of length (code 5) does not exist" in question(path).problem
    assert list(question(path).choices) == ["mm"]
    assert np.allclose(place(path, "mm"), AFFINE)


def test_without_a_code_nothing_says_where_left_is(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", sform_code=0, qform_code=0)
    assert "nothing says where left is" in question(path).problem
    assert np.array_equal(np.sign(np.diag(place(path, "las"))[:3]), [-1, 1, 1])
    assert np.allclose(place(path, "lps"), np.diag([-0.7, -0.7, 2.5, 1]))


def test_voxel_sizes_that_differ_are_asked_about(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", qform=None, pixdim=[1, 1, 1, 1, 1, 1, 1, 1])
    assert "voxel sizes of its sform and its pixdim differ" in question(path).problem
    assert np.allclose(np.diag(place(path, "sform")), [-0.7, -0.7, 2.5, 1])
    assert np.allclose(np.diag(place(path, "pixdim")), [-1, -1, 1, 1])


def test_shear_is_asked_about_with_its_angle(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[2, 1] = 0.7 * np.tan(np.radians(10))
    sides = np.linalg.norm(sheared[:3, :3], axis=0)
    path = save(tmp_path / "scan.nii", sform=sheared, qform=None, pixdim=[1, *sides, 1, 1, 1, 1])
    assert "two axes are 80° apart" in question(path).problem
    assert np.allclose(place(path, "sform"), sheared)


def test_a_code_that_does_not_exist_is_asked_about(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", sform=SHIFTED, sform_code=9)
    assert "code of its sform (9) does not exist" in question(path).problem
    assert np.allclose(place(path, "qform"), AFFINE)
    assert np.allclose(place(path, "sform"), SHIFTED)


def test_a_second_reader_that_sees_another_place_stops_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "scan.nii")
    monkeypatch.setattr("napari_lesionseg.volumes.nifti_second.itk_affine", lambda *_: SHIFTED)
    assert "two readers (one is SimpleITK) place it 3 mm apart" in question(path).problem
    monkeypatch.setattr("napari_lesionseg.volumes.nifti_second.itk_affine", lambda *_: None)
    assert "SimpleITK cannot place it" in question(path).problem


def test_nifti_2_is_judged_by_the_standard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = nib.Nifti2Image(np.full(SHAPE, -1000, np.int16), AFFINE)
    image.to_filename(tmp_path / "scan.nii")
    assert np.allclose(nifti.read_scan(tmp_path / "scan.nii").geometry.affine, AFFINE)
    monkeypatch.setattr("napari_lesionseg.volumes.nifti_second._by_the_standard", lambda _: SHIFTED)
    assert "one is the standard" in question(tmp_path / "scan.nii").problem


def test_a_mask_is_placed_by_the_form_that_is_its_scans(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.nii", qform=SHIFTED)
    path.write_bytes(path.read_bytes()[:352] + bytes(2 * 120))
    for affine in (AFFINE, SHIFTED):
        grid = Geometry(SHAPE, affine)
        assert nifti.read_mask(path, grid).geometry is grid
    with pytest.raises(GeometryQuestion):
        nifti.read_mask(path)
    with pytest.raises(GeometryQuestion):
        nifti.read_mask(path, Geometry(SHAPE, AFFINE @ np.diag([2, 1, 1, 1])))


def test_a_mask_without_a_place_is_not_moved_onto_its_scan_unasked(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.nii", sform_code=0, qform_code=0)
    path.write_bytes(path.read_bytes()[:352] + bytes(2 * 120))
    grid = Geometry(SHAPE, np.diag([-0.7, -0.7, 2.5, 1]))
    with pytest.raises(GeometryQuestion):
        nifti.read_mask(path, grid)
    assert nifti.read_mask(path, grid, geometry="lps").geometry is grid


def test_what_we_write_ourselves_passes_on_every_orientation(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(100):
        axes = np.linalg.qr(rng.normal(size=(3, 3)))[0] if number % 2 else np.eye(3)[:, rng.permutation(3)]
        affine = np.eye(4)
        affine[:3, :3] = axes * rng.choice([-1, 1], 3) * rng.uniform(0.3, 5, 3)
        affine[:3, 3] = rng.uniform(-700, 700, 3)
        grid = Geometry((300, 3, 2), affine)
        nifti.write_mask(tmp_path / "mask.nii.gz", Mask.empty(grid))
        assert nifti.read_mask(tmp_path / "mask.nii.gz").geometry.same_grid(grid)


def test_a_sheared_scan_is_written_so_that_it_is_asked_about_once_more(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[2, 1] = 0.3
    grid = Geometry(SHAPE, sheared)
    nifti.write_scan(tmp_path / "scan.nii", Volume(np.zeros(grid.display_shape, np.int16), grid))
    assert list(question(tmp_path / "scan.nii").choices) == ["sform"]
    assert nifti.read_scan(tmp_path / "scan.nii", geometry="sform").geometry.same_grid(grid)


def test_the_copy_shown_to_the_second_reader_holds_nothing_but_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(header: bytes, *how: str) -> np.ndarray | None:
        seen.append(header)
        return gate.itk_affine(header, *how)

    monkeypatch.setattr("napari_lesionseg.volumes.nifti_second.itk_affine", look)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = save(tmp_path / "scan.nii", descrip=b"CANARY", aux_file=b"CANARY", db_name=b"CANARY", intent_name=b"CANARY")
    nifti.read_scan(path)
    assert len(seen[0]) == 352
    assert b"CANARY" not in seen[0]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_without_room_for_the_copy_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "scan.nii")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(LesionsegError, match="free some space"):
        nifti.read_scan(path)
