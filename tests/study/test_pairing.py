"""Scans and masks of a folder find each other, in the layouts that people really have, and the reason is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.study.found import Found
from napari_lesionseg.study.glance import Glances
from napari_lesionseg.study.pairing import pair_folder
from napari_lesionseg.study.pairing_words import Name, words_in
from napari_lesionseg.volumes import Volume, nifti
from tests.study.folders import grid, put_mask, put_scan
from tests.volumes.dicom.make_series import make_series


def pairs(folder: Path) -> dict[str, str | None]:
    """Each scan and its mask, by their paths below the folder."""
    return {
        _short(scan.path, folder): _short(scan.masks[0].path, folder) if scan.masks else None
        for scan in _find(folder).scans
    }


def left_out(folder: Path) -> dict[str, str]:
    """What is left out, and why."""
    return {_short(one.path, folder): one.reason for one in _find(folder).left_out}


def why(folder: Path) -> list[str]:
    """The reason of each pair."""
    return [mask.reason for scan in _find(folder).scans for mask in scan.masks]


def _find(folder: Path) -> Found:
    return pair_folder(folder, Glances())


def _short(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


# Each layout: the scan, its mask, and words of the reason. All have a second case that must not be mixed up.
LAYOUTS = {
    "decathlon": ("imagesTr/{}.nii.gz", "labelsTr/{}.nii.gz", "same name in labelsTr"),
    "nnU-Net": ("imagesTr/{}_0000.nii.gz", "labelsTr/{}.nii.gz", "without nnU-Net's channel _0000"),
    "two folders": ("scans/{}.nii.gz", "masks/{}.nii.gz", "same name in masks"),
    "two folders, another ending": ("CT/{}.nii", "Segmentation/{}.nrrd", "same name in Segmentation"),
    "COVID-19-20": ("volume-{}_ct.nii.gz", "volume-{}_seg.nii.gz", "name one case"),
    "LiTS": ("volume-{}.nii", "segmentation-{}.nii", "name one case"),
    "MosMed": ("studies/CT-1/{}.nii.gz", "masks/{}_mask.nii.gz", "in another folder names the same case"),
    "side by side, _seg": ("{}.nii.gz", "{}_seg.nii.gz", "name one case"),
    "side by side, -label": ("{}.nii.gz", "{}-label.nii.gz", "name one case"),
    "side by side, Slicer": ("{}.nii.gz", "{}.seg.nrrd", "same name, same grid"),
    "one folder a patient": ("{}/ct.nii.gz", "{}/lesion.nii.gz", "name one case"),
    "one folder a patient, deep": ("{}/2020-03-01/CT_thorax.nii.gz", "{}/2020-03-01/infection_mask.nii.gz", "name one"),
    "one folder a patient, own names": ("{}/CT_axial_5mm.nii.gz", "{}/mask.nii.gz", "beside the only scan"),
    "a lung in every name": ("imagesTr/lung_{}.nii.gz", "labelsTr/lung_{}.nii.gz", "same name in labelsTr"),
    "BIDS": ("sub-{}/anat/sub-{}_ct.nii.gz", "derivatives/sub-{}/sub-{}_label-lesion_mask.nii.gz", "same case"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("names", [("study_0276", "study_0277"), ("P01", "P02")])
def test_a_layout_gives_each_scan_its_mask_and_the_reason(tmp_path: Path, layout: str, names: tuple[str, str]) -> None:
    scan, mask, reason = LAYOUTS[layout]
    wanted: dict[str, str | None] = {}
    for number, name in enumerate(names, start=1):
        files = scan.format(name, name), mask.format(name, name)
        put_scan(tmp_path / files[0], number)
        put_mask(tmp_path / files[1], number)
        wanted[files[0]] = files[1]
    assert pairs(tmp_path) == wanted
    assert left_out(tmp_path) == {}
    assert all(reason in told for told in why(tmp_path)), why(tmp_path)


def test_the_layout_of_the_covid_19_ct_benchmark_takes_the_infection_alone(tmp_path: Path) -> None:
    put_scan(tmp_path / "COVID-19-CT-Seg_20cases" / "coronacases_001.nii.gz")
    for folder in ("Infection_Mask", "Lung_Mask", "Lung_and_Infection_Mask"):
        put_mask(tmp_path / folder / "coronacases_001.nii.gz")
    assert pairs(tmp_path) == {
        "COVID-19-CT-Seg_20cases/coronacases_001.nii.gz": "Infection_Mask/coronacases_001.nii.gz"
    }
    assert left_out(tmp_path) == {
        "Lung_Mask/coronacases_001.nii.gz": "its name says lung, not lesions",
        "Lung_and_Infection_Mask/coronacases_001.nii.gz": (
            "Infection_Mask/coronacases_001.nii.gz says more clearly that it marks lesions"
        ),
    }


def test_a_mask_of_the_lung_is_no_truth(tmp_path: Path) -> None:
    put_scan(tmp_path / "id001_ct.nii.gz")
    put_mask(tmp_path / "id001_lung.nii.gz")
    assert pairs(tmp_path) == {"id001_ct.nii.gz": None}
    assert left_out(tmp_path) == {"id001_lung.nii.gz": "its name says lung, not lesions"}


def test_a_mask_of_the_lung_is_no_truth_of_a_patient_called_lung_either(tmp_path: Path) -> None:
    put_scan(tmp_path / "LUNG1-002" / "ct.nii.gz")
    put_mask(tmp_path / "LUNG1-002" / "lung.nii.gz")
    assert pairs(tmp_path) == {"LUNG1-002/ct.nii.gz": None}
    assert left_out(tmp_path) == {"LUNG1-002/lung.nii.gz": "its name says lung, not lesions"}


def test_one_name_on_another_grid_is_no_pair_and_both_shapes_are_told(tmp_path: Path) -> None:
    put_scan(tmp_path / "a.nii.gz", 1)
    put_mask(tmp_path / "a_seg.nii.gz", shape=(4, 3, 6))
    put_scan(tmp_path / "b.nii.gz", 2, place=10)
    put_mask(tmp_path / "b_seg.nii.gz", place=10.02)
    assert pairs(tmp_path) == {"a.nii.gz": None, "b.nii.gz": None}
    assert left_out(tmp_path) == {
        "a_seg.nii.gz": "named as a.nii.gz, but on another grid (6 × 3 × 4, not 5 × 3 × 4)",
        "b_seg.nii.gz": "named as b.nii.gz, but on another grid (placed elsewhere)",
    }


def test_two_masks_of_one_scan_are_both_left_out(tmp_path: Path) -> None:
    put_scan(tmp_path / "a.nii.gz")
    put_mask(tmp_path / "a_seg.nii.gz", 1)
    put_mask(tmp_path / "a_mask.nii.gz", 2)
    assert pairs(tmp_path) == {"a.nii.gz": None}
    reason = "one of 2 masks of a.nii.gz; keep the one that counts"
    assert left_out(tmp_path) == {"a_mask.nii.gz": reason, "a_seg.nii.gz": reason}


def test_a_mask_that_fits_two_scans_is_given_to_neither(tmp_path: Path) -> None:
    put_scan(tmp_path / "a.nii.gz", 1)
    put_scan(tmp_path / "a_ct.nii.gz", 2)
    put_mask(tmp_path / "a_seg.nii.gz")
    assert set(pairs(tmp_path).values()) == {None}
    assert left_out(tmp_path) == {"a_seg.nii.gz": "fits several scans: a.nii.gz, a_ct.nii.gz"}


def test_without_a_name_in_common_a_grid_of_their_own_joins_two(tmp_path: Path) -> None:
    put_scan(tmp_path / "first.nii.gz", 1, place=-120.5)
    put_scan(tmp_path / "second.nii.gz", 2, place=-90.5)
    put_mask(tmp_path / "drawn" / "xyz.nii.gz", place=-90.5)
    assert pairs(tmp_path) == {"first.nii.gz": None, "second.nii.gz": "drawn/xyz.nii.gz"}
    assert why(tmp_path) == ["names differ, but it alone lies on the grid of second.nii.gz"]


@pytest.mark.parametrize(("place", "rivals"), [(0.0, 1), (-90.5, 2)])
def test_a_grid_that_proves_nothing_joins_nobody(tmp_path: Path, place: float, rivals: int) -> None:
    put_scan(tmp_path / "first.nii.gz", place=place)
    for number in range(rivals):
        put_mask(tmp_path / "drawn" / f"x{number}y.nii.gz", number + 1, place=place)
    assert pairs(tmp_path) == {"first.nii.gz": None}
    assert set(left_out(tmp_path).values()) == {"a mask, but no scan fits it by name and grid"}


def test_voxels_decide_what_a_file_is_and_names_do_not(tmp_path: Path) -> None:
    put_scan(tmp_path / "tumor01.nii.gz", 1)  # A scan of a data set of tumours.
    put_mask(tmp_path / "tumor01_b.nii.gz", 1)  # Nothing in its name says mask.
    put_scan(tmp_path / "x_mask.nii.gz", 2)  # A scan cut out by a mask.
    assert pairs(tmp_path) == {"tumor01.nii.gz": "tumor01_b.nii.gz"}
    assert left_out(tmp_path) == {"x_mask.nii.gz": "its name says mask, but its voxels are no labels"}


def test_eight_bit_scans_are_scans(tmp_path: Path) -> None:
    grey = np.arange(60, dtype=np.uint8).reshape(grid().display_shape)
    (tmp_path / "case_001").mkdir()
    nifti.write_scan(tmp_path / "case_001" / "ct.nii.gz", Volume(grey, grid(), "grey"))
    put_mask(tmp_path / "case_001" / "infection.nii.gz")
    assert pairs(tmp_path) == {"case_001/ct.nii.gz": "case_001/infection.nii.gz"}


def test_further_channels_of_nnunet_are_left_out_and_numbered_patients_are_not(tmp_path: Path) -> None:
    for channel in ("0000", "0001"):
        put_scan(tmp_path / "nnunet" / "imagesTr" / f"a_{channel}.nii.gz", int(channel))
        put_scan(tmp_path / "mosmed" / f"study_{channel}.nii.gz", 10 + int(channel))
    put_mask(tmp_path / "nnunet" / "labelsTr" / "a.nii.gz")
    assert pairs(tmp_path / "nnunet") == {"imagesTr/a_0000.nii.gz": "labelsTr/a.nii.gz"}
    assert left_out(tmp_path / "nnunet") == {"imagesTr/a_0001.nii.gz": "a further channel of a_0000.nii.gz"}
    assert pairs(tmp_path / "mosmed") == {"study_0000.nii.gz": None, "study_0001.nii.gz": None}


def test_test_cases_of_nnunet_have_channels_where_its_data_set_says_so(tmp_path: Path) -> None:
    put_scan(tmp_path / "imagesTs" / "a_0000.nii.gz", 1)
    put_scan(tmp_path / "imagesTs" / "a_0001.nii.gz", 2)
    assert len(pairs(tmp_path)) == 2
    (tmp_path / "dataset.json").write_text("{}")
    assert pairs(tmp_path) == {"imagesTs/a_0000.nii.gz": None}


def test_predictions_and_other_modalities_are_not_taken(tmp_path: Path) -> None:
    put_scan(tmp_path / "a_ct.nii.gz", 1)
    put_scan(tmp_path / "a_PET.nii.gz", 2)
    put_mask(tmp_path / "a_pred.nii.gz")
    assert pairs(tmp_path) == {"a_ct.nii.gz": None}
    assert left_out(tmp_path) == {
        "a_PET.nii.gz": "its name says pet, not CT",
        "a_pred.nii.gz": "its name says pred: no person vouches for it",
    }


def test_a_file_that_cannot_be_read_is_left_out_with_its_sentence(tmp_path: Path) -> None:
    put_scan(tmp_path / "good.nii.gz")
    whole = (tmp_path / "good.nii.gz").read_bytes()
    (tmp_path / "bad.nii.gz").write_bytes(whole[:-12])
    assert pairs(tmp_path) == {"good.nii.gz": None}
    assert "bad.nii.gz" in left_out(tmp_path)["bad.nii.gz"]


def test_hidden_files_and_the_study_itself_are_passed_over(tmp_path: Path) -> None:
    put_scan(tmp_path / "a.nii.gz", 1)
    put_scan(tmp_path / "._a.nii.gz", 2)
    put_scan(tmp_path / ".trash" / "b.nii.gz", 3)
    put_scan(tmp_path / "study" / "scans" / "c.nii.gz", 4)
    found = pair_folder(tmp_path, Glances(), spared=tmp_path / "study")
    assert [scan.path.name for scan in found.scans] == ["a.nii.gz"]


def test_a_folder_of_dicom_slices_is_one_scan(tmp_path: Path) -> None:
    make_series(tmp_path / "P1" / "series", np.full((4, 8, 8), -800, np.int16))
    put_mask(tmp_path / "P1" / "x_mask.nii.gz")
    assert list(pairs(tmp_path)) == ["P1/series"]


def test_scans_in_one_folder_are_of_one_patient_where_the_layout_is_so(tmp_path: Path) -> None:
    for number, name in enumerate(["P1/2019/ct.nii.gz", "P1/2020/ct.nii.gz", "P2/ct.nii.gz", "loose.nii.gz"]):
        put_scan(tmp_path / name, number)
    found = {_short(scan.path, tmp_path): scan.group for scan in _find(tmp_path).scans}
    assert found == {"P1/2019/ct.nii.gz": "P1", "P1/2020/ct.nii.gz": "P1", "P2/ct.nii.gz": "P2", "loose.nii.gz": ""}


def test_a_data_set_or_a_site_is_no_patient(tmp_path: Path) -> None:
    for number in range(3):
        put_scan(tmp_path / "one" / "imagesTr" / f"s{number}.nii.gz", number)
        put_scan(tmp_path / "two" / "imagesTr" / f"s{number}.nii.gz", 10 + number)
        put_scan(tmp_path / "raw" / "Dataset501_Lesions" / "imagesTr" / f"s{number}_0000.nii.gz", number)
    assert {scan.group for scan in _find(tmp_path / "two").scans} == {""}
    assert {scan.group for scan in _find(tmp_path / "raw").scans} == {""}
    for number in range(11):
        put_scan(tmp_path / "sites" / "A" / f"{number}.nii.gz", 20 + number)
    put_scan(tmp_path / "sites" / "B" / "1.nii.gz", 40)
    assert {scan.group for scan in _find(tmp_path / "sites").scans} == {"", "B"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("imagesTr", ("images", "tr")),
        ("P01_ct-2", ("p", "01", "ct", "2")),
        ("Lung_and_Infection_Mask", ("lung", "and", "infection", "mask")),
        ("LUNG1-002", ("lung", "1", "002")),
        ("LungCTMask.GTVp", ("lung", "ct", "mask", "gtv", "p")),
        ("CTscan", ("ct", "scan")),
    ],
)
def test_names_fall_into_words(text: str, words: tuple[str, ...]) -> None:
    assert words_in(text) == words


def test_the_last_word_says_what_a_file_is_and_else_its_folder() -> None:
    assert Name.of(Path("a/volume-1_seg.nii.gz")).says == "mask"
    assert Name.of(Path("masks/a_ct.nii.gz")).says == "scan"
    assert Name.of(Path("masks/2020/a.nii.gz")).says == "mask"
    assert Name.of(Path("CT-Seg_20cases/a.nii.gz")).says == ""
