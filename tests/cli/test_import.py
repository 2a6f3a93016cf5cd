"""``lesionseg import``: a series becomes a scan that other readers see alike, or one sentence says why not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pytest
from pydicom.dataset import Dataset

from napari_lesionseg.cli import main
from napari_lesionseg.volumes.read import read_scan
from tests.volumes.dicom.make_series import Series, make_series


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``lesionseg import`` in this process, as its entry point does."""

    def command(*words: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["lesionseg", "import", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "160")
        with pytest.raises(SystemExit) as left:
            main.run()
        return Result(int(left.value.code or 0), *capsys.readouterr())

    return command


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return make_series(tmp_path / "dicom" / "series")


def test_the_scan_that_is_written_has_the_voxels_and_the_place_of_the_slices(
    run: Run, series: Series, tmp_path: Path
) -> None:
    result = run(series.folder, "-o", tmp_path / "scan.nii.gz", "--json")
    assert (result.code, result.err) == (0, "")
    facts = json.loads(result.out)
    assert facts["shape"] == [20, 16, 6]
    assert facts["spacing_mm"] == pytest.approx([0.8, 0.7, 2.0])
    assert (facts["slices"], facts["orientation"], facts["intensity"], facts["lossy"]) == (6, "LPS", "HU", False)
    assert facts["range"] == [series.hu.min(), series.hu.max()]
    assert (facts["warnings"], facts["resampled"]) == ([], None)

    image = nib.load(tmp_path / "scan.nii.gz")
    assert np.allclose(image.affine, series.affine, atol=1e-5)
    assert np.array_equal(np.asarray(image.dataobj), series.hu.transpose(2, 1, 0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dicom", "scan.nii.gz"]


@pytest.mark.hazard("H16")
def test_the_lossy_flag_goes_along(run: Run, tmp_path: Path) -> None:
    def lossy(header: Dataset, k: int) -> None:
        header.LossyImageCompression = "01"

    make_series(tmp_path / "dicom", edit=lossy)
    result = run(tmp_path / "dicom", "-o", tmp_path / "scan.nii")
    assert result.code == 0
    assert "note: This scan went through lossy compression" in result.err
    assert b"lossy compression" in bytes(nib.load(tmp_path / "scan.nii").header["descrip"])


@pytest.mark.hazard("H20")
def test_nothing_of_the_patient_goes_along(run: Run, tmp_path: Path) -> None:
    def canaries(header: Dataset, k: int) -> None:
        for keyword in ("PatientName", "PatientID", "StudyDescription", "InstitutionName", "PatientComments"):
            setattr(header, keyword, "CANARY")

    make_series(tmp_path / "CANARY", edit=canaries)
    result = run(tmp_path / "CANARY", "-o", tmp_path / "scan.nii", "--json")
    assert "CANARY" not in result.out + result.err
    assert b"CANARY" not in (tmp_path / "scan.nii").read_bytes()


def test_several_series_are_shown_and_one_is_asked_for(run: Run, series: Series, tmp_path: Path) -> None:
    def other(header: Dataset, k: int) -> None:
        header.SeriesDescription, header.ConvolutionKernel = "Soft [/b] tissue", "B30f"

    soft = make_series(series.folder.parent / "soft", 5, seed=1, edit=other)
    output = tmp_path / "scan.nii.gz"
    listed = run(series.folder.parent, "-o", output)
    assert listed.code == 2 and listed.out == ""
    assert "│ 1 │ CT Thorax 2.0 B70f  │ 6      │ 2 × 0.7 × 0.8 │ B70f   │ proposed │" in listed.err
    assert "│ 2 │ CT Soft [/b] tissue │ 6      │ 2 × 0.7 × 0.8 │ B30f   │          │" in listed.err
    assert listed.err.splitlines()[-1].endswith("holds 2 series; choose one with --series NUMBER.")
    assert not output.exists()

    listed = run(series.folder.parent, "-o", output, "--json")
    assert listed.code == 2
    assert listed.err.count("\n") == 1
    both = json.loads(listed.out)["series"]
    assert [(one["number"], one["uid"], one["proposed"]) for one in both] == [
        (1, series.uid, True),
        (2, soft.uid, False),
    ]
    for chosen in ("2", soft.uid):
        assert run(series.folder.parent, "-o", output, "--series", chosen).code == 0
        assert np.array_equal(read_scan(output).array, soft.hu)


@pytest.mark.hazard("H15")
def test_a_gap_is_a_question_and_a_resampled_scan_has_its_transform_beside_it(
    run: Run, series: Series, tmp_path: Path
) -> None:
    series.files[2].unlink()
    output = tmp_path / "scan.nii.gz"
    asked = run(series.folder, "-o", output, "--json")
    assert asked.code == 2 and asked.out == ""
    assert "1 slice is missing between IM0001.dcm and IM0003.dcm; choose --geometry resample" in asked.err
    assert not output.exists()

    result = run(series.folder, "-o", output, "--geometry", "resample")
    assert result.code == 0
    assert "note: Resampled from 5 slices to a regular grid of 6 slices" in result.err
    assert "how it was resampled in scan.resample.json" in result.out
    scan = read_scan(output)
    kept = [0, 1, 3, 4, 5]
    assert np.array_equal(scan.array[kept], series.hu[kept])
    assert np.abs(scan.array[2] - (series.hu[1] / 2 + series.hu[3] / 2)).max() <= 0.5
    written = json.loads((tmp_path / "scan.resample.json").read_text())
    assert written["slice_positions_on_grid"] == pytest.approx(kept)
    assert json.loads(run(series.folder, "-o", output, "--geometry", "resample", "--json").out)["resampled"] == written


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["missing", "-o", "scan.nii.gz"], "missing does not exist"),
        (["dicom", "-o", "scan.nrrd"], "does not end in .nii or .nii.gz"),
        (["dicom", "-o", "scan.nii.gz", "--series", "9"], "has no series 9"),
        (["dicom", "-o", "scan.nii.gz", "--geometry", "sform"], "no geometry sform"),
        (["dicom", "-o", "dicom"], "does not end in .nii or .nii.gz"),
    ],
)
def test_bad_words_are_one_sentence_and_leave_nothing(
    run: Run, series: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    result = run(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ") and result.err.count("\n") == 1
    assert reason in result.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_process_of_its_own_says_one_thing_about_damaged_pixels(series: Series, tmp_path: Path) -> None:
    series.files[3].write_bytes(series.files[3].read_bytes()[:-100])
    code = "from napari_lesionseg.cli.main import run; run()"
    command = [sys.executable, "-c", code, "import", str(series.folder), "-o", str(tmp_path / "scan.nii"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    assert (done.returncode, done.stdout) == (2, "")
    assert "IM0003.dcm in" in done.stderr and done.stderr.count("\n") == 1
