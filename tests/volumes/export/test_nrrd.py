"""What 3D Slicer and other tools find in our NRRD and MetaImage files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.export.metaimage import write_metaimage
from napari_lesionseg.volumes.export.nrrd import write_nrrd
from napari_lesionseg.volumes.export.segments import GROUND_GLASS, NODULE, Segment, default_segments

GRID = Geometry((5, 4, 3), np.diag([-0.7, -0.8, 2.5, 1.0]))


@pytest.fixture
def mask() -> Mask:
    """Label 1 in one corner, label 3 in the opposite one."""
    labels = np.zeros(GRID.display_shape, np.uint8)
    labels[0, 0, 0], labels[2, 3, 4] = 1, 3
    return Mask(labels, GRID)


def fields(path: Path) -> dict[str, str]:
    """The key-value pairs of a NRRD file, as ITK hands them on."""
    image = sitk.ReadImage(str(path))
    return {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}


def test_slicer_finds_every_segment_with_name_colour_and_code(tmp_path: Path, mask: Mask) -> None:
    segments = [Segment(1).of(GROUND_GLASS), Segment(3).of(NODULE)]
    write_nrrd(tmp_path / "mask.seg.nrrd", mask, None, segments)
    found = fields(tmp_path / "mask.seg.nrrd")
    assert [found[f"Segment{n}_LabelValue"] for n in (0, 1)] == ["1", "3"]
    assert [found[f"Segment{n}_ID"] for n in (0, 1)] == ["Segment_1", "Segment_3"]
    assert [found[f"Segment{n}_Name"] for n in (0, 1)] == ["Ground-glass opacity", "Nodule"]
    assert [found[f"Segment{n}_Layer"] for n in (0, 1)] == ["0", "0"]
    red, green, blue = (float(part) for part in found["Segment0_Color"].split())
    assert np.allclose(np.array([red, green, blue]) * 255, GROUND_GLASS.colour, atol=0.01)
    status, terms, rest = found["Segment1_Tags"].split("|")
    assert (status, rest) == ("Segmentation.Status:completed", "")
    name, entry = terms.split(":")
    assert name == "TerminologyEntry"
    assert entry.split("~")[1:3] == [
        "SCT^49755003^Morphologically Abnormal Structure",
        "SCT^27925004^Nodule",
    ]
    assert entry.split("~")[3:] == ["^^", "Anatomic codes - DICOM master list", "SCT^39607008^Lung", "^^"]
    assert found["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    assert found["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert found["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    assert "Segment2_ID" not in found


@pytest.mark.hazard("H14")
def test_every_segments_extent_is_the_whole_grid(tmp_path: Path, mask: Mask) -> None:
    # Slicer crops all segments of a layer to the extent of the first, which here is a single voxel.
    write_nrrd(tmp_path / "mask.seg.nrrd", mask)
    found = fields(tmp_path / "mask.seg.nrrd")
    assert [found["Segment0_Extent"], found["Segment1_Extent"]] == ["0 4 0 3 0 2"] * 2


def test_a_plain_nrrd_has_no_segments(tmp_path: Path, mask: Mask) -> None:
    write_nrrd(tmp_path / "mask.nrrd", mask)
    assert not [key for key in fields(tmp_path / "mask.nrrd") if key.startswith("Segment")]


def test_the_header_has_the_fields_of_the_definition_and_no_others(tmp_path: Path, mask: Mask) -> None:
    write_nrrd(tmp_path / "mask.nrrd", mask)
    header = (tmp_path / "mask.nrrd").read_bytes().partition(b"\n\n")[0].decode().splitlines()
    assert header == [
        "NRRD0004",
        "type: unsigned char",
        "dimension: 3",
        "space: left-posterior-superior",
        "sizes: 5 4 3",
        "space directions: (0.7,0.0,0.0) (0.0,0.8,0.0) (0.0,0.0,2.5)",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        "space origin: (0.0,0.0,0.0)",
    ]


@pytest.mark.parametrize("name", ["mask.nrrd", "mask.seg.nrrd", "mask.mha"])
@pytest.mark.parametrize("lossy", [True, False])
def test_a_lossy_scan_is_said_so(tmp_path: Path, mask: Mask, name: str, lossy: bool) -> None:
    scan = Volume(np.zeros(GRID.display_shape, np.int16), GRID, lossy=lossy)
    (write_metaimage if name.endswith(".mha") else write_nrrd)(tmp_path / name, mask, scan)
    assert (b"lossy compression" in (tmp_path / name).read_bytes()) == lossy


@pytest.mark.parametrize("name", ["mask.nrrd", "mask.seg.nrrd", "mask.mha"])
def test_labels_above_255_keep_their_value(tmp_path: Path, name: str) -> None:
    labels = np.zeros(GRID.display_shape, np.int32)
    labels[1, 2, 3], labels[0, 0, 0] = 65535, 256
    (write_metaimage if name.endswith(".mha") else write_nrrd)(tmp_path / name, Mask(labels, GRID))
    seen = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name)))
    assert (seen.dtype, sorted(np.unique(seen))) == (np.uint16, [0, 256, 65535])


def test_an_empty_mask_has_a_lesion_segment(tmp_path: Path) -> None:
    write_nrrd(tmp_path / "mask.seg.nrrd", Mask.empty(GRID))
    assert fields(tmp_path / "mask.seg.nrrd")["Segment0_Name"] == "Lesion"


def test_a_name_cannot_end_its_line_or_its_entry(tmp_path: Path, mask: Mask) -> None:
    first, second = default_segments(mask)
    odd = replace(first, name="a\nspace: right\\n", type=first.type._replace(meaning="x^y~z|w"))
    write_nrrd(tmp_path / "mask.seg.nrrd", mask, None, [odd, second])
    found = fields(tmp_path / "mask.seg.nrrd")
    assert found["Segment0_Name"] == "a space: right/n"
    assert found["NRRD_space"] == "left-posterior-superior"
    assert found["Segment0_Tags"].count("~") == 6
    assert "SCT^52988006^x y z w" in found["Segment0_Tags"]


def test_a_label_without_a_segment_is_refused_and_nothing_written(tmp_path: Path, mask: Mask) -> None:
    with pytest.raises(LesionsegError, match="Label 3"):
        write_nrrd(tmp_path / "mask.seg.nrrd", mask, None, [Segment(1)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_nrrd, write_metaimage])
def test_another_ending_is_refused(tmp_path: Path, mask: Mask, write: type) -> None:
    with pytest.raises(LesionsegError, match="does not end in"):
        write(tmp_path / "mask.nii", mask)


@pytest.mark.parametrize("name", ["mask.nrrd", "mask.mha"])
def test_the_same_mask_gives_the_same_bytes(tmp_path: Path, mask: Mask, name: str) -> None:
    write = write_metaimage if name.endswith(".mha") else write_nrrd
    write(tmp_path / name, mask)
    first = (tmp_path / name).read_bytes()
    write(tmp_path / name, mask)
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", ["mask.nrrd", "mask.mha"])
def test_a_writer_that_mirrors_is_caught_and_the_old_file_stays(
    tmp_path: Path, mask: Mask, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "metaimage" if name.endswith(".mha") else "nrrd"
    write = write_metaimage if name.endswith(".mha") else write_nrrd
    write(tmp_path / name, mask)
    before = (tmp_path / name).read_bytes()
    monkeypatch.setattr(f"napari_lesionseg.volumes.export.{module}.LPS", np.diag([1.0, -1.0, 1.0, 1.0]))
    with pytest.raises(LesionsegError, match="did not read back"):
        write(tmp_path / name, mask)
    assert (tmp_path / name).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]
