"""The command line: one JSON object or one sentence, and a result or nothing."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch

from napari_lesionseg import __version__
from napari_lesionseg.cli import main
from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import CARD, WEIGHTS, ModelCard, load_model, save_model
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.volumes import Geometry, Mask, nifti
from napari_lesionseg.volumes.phantom import PhantomCase

PREDICT_KEYS = [
    "model",
    "device",
    "backend",
    "slices",
    "threshold",
    "lesions",
    "lesion_ml",
    "lung_ml",
    "lung_percent",
    "seconds",
    "peak_rss_mb",
]
SECONDS_KEYS = ["read", "preprocess", "infer", "postprocess", "write", "total"]
EVALUATE_KEYS = [
    "dice",
    "iou",
    "nsd_2mm",
    "hd95_mm",
    "volume_pred_ml",
    "volume_truth_ml",
    "lesion_precision",
    "lesion_recall",
    "lesion_f1",
    "slices",
]  # Agreed; further ones come after them.
SLICE_KEYS = ["n", "lesion", "empty", "fp_rate_empty", "fn_rate_lesion", "mean_dice"]


class Result(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``lesionseg`` in this process, as its entry point does."""

    def command(*words: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["lesionseg", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main.run()
        return Result(int(left.value.code or 0), *capsys.readouterr())

    return command


def one_object(result: Result) -> dict[str, Any]:
    """The JSON object that is all of stdout; NaN and Infinity are no JSON."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(f"{name} is not JSON")

    assert result.code == 0, result.err
    value = json.loads(result.out, parse_constant=refuse)
    assert isinstance(value, dict)
    assert len(result.out.splitlines()) == 1
    return value


def one_sentence(result: Result) -> str:
    """The sentence after ``error:``, which is all of stderr."""
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.endswith(".\n")
    assert len(result.err.splitlines()) == 1
    return result.err.removeprefix("error: ").strip()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, phantom_case: PhantomCase) -> Path:
    """A folder with a scan, its truth and a model whose network has not been trained."""
    folder = tmp_path_factory.mktemp("inputs")
    nifti.write_scan(folder / "scan.nii.gz", phantom_case.scan)
    nifti.write_mask(folder / "truth.nii.gz", phantom_case.truth)
    nifti.write_mask(folder / "lungs.nii.gz", phantom_case.lungs)
    torch.manual_seed(0)
    network = DualEncoderUNet(DualEncoderConfig(widths=(4, 8)))
    card = ModelCard(name="small", preprocessing=Preprocessing(size=32), threshold=0.45, licence="none")
    save_model(folder / "small", network, card)
    return folder


@pytest.fixture
def words(inputs: Path, tmp_path: Path) -> list[str | Path]:
    """A prediction that works."""
    return ["predict", inputs / "scan.nii.gz", "-o", tmp_path / "out" / "mask.nii.gz", "--model", inputs / "small"]


def test_info_tells_the_stored_grid(run: Run, inputs: Path, phantom_case: PhantomCase) -> None:
    facts = one_object(run("info", inputs / "scan.nii.gz", "--json"))
    dz, dy, dx = phantom_case.scan.geometry.spacing
    assert list(facts) == ["shape", "spacing_mm", "orientation", "intensity", "range", "warnings"]
    assert facts["shape"] == [64, 64, 16]
    assert facts["spacing_mm"] == pytest.approx([dx, dy, dz], rel=1e-5)
    assert (facts["orientation"], facts["intensity"], facts["warnings"]) == ("LPS", "HU", [])
    assert facts["range"] == [phantom_case.scan.array.min(), phantom_case.scan.array.max()]
    lines = run("info", inputs / "scan.nii.gz").out.splitlines()
    assert [line.split()[0] for line in lines] == list(facts)


def test_predict_writes_the_mask_on_the_scans_grid_and_prints_the_agreed_keys(
    run: Run, inputs: Path, words: list[str | Path], tmp_path: Path
) -> None:
    figures = one_object(run(*words, "--probability", tmp_path / "p.nii.gz", "--json"))
    assert list(figures) == PREDICT_KEYS
    assert list(figures["seconds"]) == SECONDS_KEYS
    assert sum(figures["seconds"][key] for key in SECONDS_KEYS[:-1]) <= figures["seconds"]["total"]
    assert [figures[key] for key in ("model", "device", "backend", "slices")] == ["small", "cpu", "openvino", 16]

    expected = predict(nifti.read_scan(inputs / "scan.nii.gz"), load_model(inputs / "small"), device="cpu")
    mask = nifti.read_mask(tmp_path / "out" / "mask.nii.gz", like=expected.geometry)
    assert np.array_equal(mask.array, expected.mask().array)
    assert np.array_equal(nifti.read_mask(tmp_path / "p.nii.gz").array, expected.probability)
    assert figures["threshold"] == 0.45
    assert figures["lesion_ml"] == pytest.approx(mask.volume_ml)
    assert figures["lung_percent"] == pytest.approx(100 * figures["lesion_ml"] / figures["lung_ml"])
    assert 50 < figures["peak_rss_mb"] < 20_000

    first, second = (nib.load(path) for path in (inputs / "scan.nii.gz", tmp_path / "out" / "mask.nii.gz"))
    assert np.array_equal(first.affine, second.affine)
    assert sitk.ReadImage(str(tmp_path / "out" / "mask.nii.gz")).GetSize() == (64, 64, 16)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["mask.nii.gz"]


def test_a_threshold_of_ones_own_is_the_one_that_counts(run: Run, words: list[str | Path], tmp_path: Path) -> None:
    default = one_object(run(*words, "--json"))
    high = one_object(run(*words, "--threshold", "0.55", "--json"))
    assert high["threshold"] == 0.55
    assert 0 <= high["lesion_ml"] < default["lesion_ml"]


def test_a_scan_of_grey_levels_has_no_lung_figures_and_says_why(
    run: Run, inputs: Path, words: list[str | Path], tmp_path: Path
) -> None:
    grey = nib.Nifti1Image(np.random.default_rng(0).integers(0, 256, (32, 32, 4)).astype(np.uint8), np.eye(4))
    grey.to_filename(tmp_path / "grey.nii.gz")
    words[1] = tmp_path / "grey.nii.gz"
    figures = one_object(run(*words, "--json"))
    assert (figures["lung_ml"], figures["lung_percent"], figures["slices"]) == (None, None, 4)
    told = run(*words)
    assert f"note: {nifti.GREY_WARNING}\n" in told.err
    assert told.out.startswith(f"{words[3]}: {figures['lesions']} lesions, ")
    assert len(told.out.splitlines()) == 1
    assert nifti.GREY_WARNING in one_object(run("info", tmp_path / "grey.nii.gz", "--json"))["warnings"]


def test_evaluate_prints_the_agreed_keys(run: Run, inputs: Path, phantom_case: PhantomCase, tmp_path: Path) -> None:
    truth = inputs / "truth.nii.gz"
    figures = one_object(run("evaluate", truth, truth, "--slices", tmp_path / "slices.csv", "--json"))
    assert list(figures)[: len(EVALUATE_KEYS)] == EVALUATE_KEYS
    assert list(figures["slices"])[: len(SLICE_KEYS)] == SLICE_KEYS
    assert (figures["dice"], figures["iou"], figures["nsd_2mm"], figures["hd95_mm"]) == (1, 1, 1, 0)
    assert figures["volume_pred_ml"] == figures["volume_truth_ml"] == pytest.approx(phantom_case.truth.volume_ml)
    lesion = int(phantom_case.truth.array.any(axis=(1, 2)).sum())
    assert (figures["slices"]["n"], figures["slices"]["lesion"], figures["slices"]["empty"]) == (
        16,
        lesion,
        16 - lesion,
    )
    with open(tmp_path / "slices.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 16
    with_lungs = one_object(run("evaluate", truth, truth, "--lung", inputs / "lungs.nii.gz", "--json"))
    assert with_lungs["slices"]["n"] <= 16


def test_an_undefined_figure_is_null(run: Run, inputs: Path, tmp_path: Path) -> None:
    nifti.write_mask(tmp_path / "empty.nii", Mask.empty(nifti.read_scan(inputs / "scan.nii.gz").geometry))
    figures = one_object(run("evaluate", tmp_path / "empty.nii", tmp_path / "empty.nii", "--json"))
    assert [figures[key] for key in ("dice", "iou", "nsd_2mm", "hd95_mm", "lesion_f1")] == [None] * 5
    assert (figures["slices"]["mean_dice"], figures["slices"]["fp_rate_empty"]) == (None, 0)


def test_models_are_installed_listed_shown_and_verified(
    run: Run, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESIONSEG_HOME", str(tmp_path / "home"))
    place = tmp_path / "home" / "models" / "small"
    assert run("models", "install", inputs / "small") == (0, f"Installed small in {place}.\n", "")
    listed = one_object(run("models", "list", "--json"))["models"]
    assert {"name": "small", "folder": str(place), "licence": "none", "description": ""} in listed
    assert any(line.split()[:2] == ["small", "none"] for line in run("models", "list").out.splitlines())
    assert one_object(run("models", "show", "small", "--json"))["threshold"] == 0.45
    assert run("models", "verify", "small") == (0, "small: intact\n", "")
    assert "small: intact" in run("models", "verify").out.splitlines()
    (place / WEIGHTS).write_bytes(b"damaged")
    assert "does not match the SHA-256" in one_sentence(run("models", "verify", "small"))
    everything = run("models", "verify")
    assert everything.code == 2
    assert "small: intact" not in everything.out
    assert "does not match the SHA-256" in everything.err


def test_the_version_and_the_help(run: Run) -> None:
    assert run("--version") == (0, f"{__version__}\n", "")
    shown = run("--help").out
    assert all(name in shown for name in ("info", "predict", "evaluate", "phantom", "study", "models", "open"))


def cut(path: Path, sound: bytes) -> None:
    path.write_bytes(sound[: len(sound) // 2])


def flipped(path: Path, sound: bytes) -> None:
    path.write_bytes(sound[:-8] + bytes([sound[-8] ^ 1]) + sound[-7:])


def four_dimensions(path: Path, _: bytes) -> None:
    nib.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.eye(4)).to_filename(path)


def no_voxels(path: Path, _: bytes) -> None:
    raw = bytearray(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes())
    raw[42:44] = bytes(2)
    path.write_bytes(gzip.compress(bytes(raw)))


def not_a_number(path: Path, _: bytes) -> None:
    voxels = np.zeros((4, 4, 4), np.float32)
    voxels[1, 2, 3] = np.nan
    nib.Nifti1Image(voxels, np.eye(4)).to_filename(path)


def colours(path: Path, _: bytes) -> None:
    voxels = np.zeros((4, 4, 4), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nib.Nifti1Image(voxels, np.eye(4)).to_filename(path)


BAD_FILES: dict[str, tuple[str, Callable[[Path, bytes], object]]] = {
    "missing": ("does not exist", lambda path, _: None),
    "a folder": ("folder", lambda path, _: path.mkdir()),
    "truncated": ("truncated", cut),
    "a wrong checksum": ("damaged", flipped),
    "empty": ("", lambda path, _: path.write_bytes(b"")),
    "text": ("is not a NIfTI file", lambda path, _: path.write_text("no scan " * 100)),
    "zipped text": ("is not a NIfTI file", lambda path, _: path.write_bytes(gzip.compress(b"no scan " * 100))),
    "4-D": ("4 dimensions", four_dimensions),
    "without voxels": ("is empty", no_voxels),
    "NaN": ("not numbers", not_a_number),
    "colours": ("not single numbers", colours),
}


@pytest.mark.parametrize("what", BAD_FILES)
@pytest.mark.parametrize("command", ["info", "predict", "evaluate"])
def test_a_bad_file_is_one_sentence_and_leaves_nothing(
    run: Run, inputs: Path, words: list[str | Path], tmp_path: Path, command: str, what: str
) -> None:
    reason, spoil = BAD_FILES[what]
    bad = tmp_path / "bad.nii.gz"
    spoil(bad, (inputs / "scan.nii.gz").read_bytes())
    before = sorted(tmp_path.rglob("*"))
    if command == "info":
        result = run("info", bad, "--json")
    elif command == "predict":
        result = run(words[0], bad, *words[2:], "--json")
    else:
        result = run("evaluate", inputs / "truth.nii.gz", bad, "--slices", tmp_path / "slices.csv", "--json")
    sentence = one_sentence(result)
    assert str(bad) in sentence
    assert reason in sentence or (command == "evaluate" and "is not a mask" in sentence)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_scan_that_lies_in_two_places_is_asked_about_and_the_answer_is_taken(run: Run, tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.full((4, 4, 4), -1000, np.int16), np.diag([-1.0, -1, 2, 1]))
    image.set_sform(np.diag([-1.0, -1, 2, 1]), 1)
    image.set_qform(np.diag([1.0, -1, 2, 1]), 1)
    image.to_filename(tmp_path / "scan.nii")
    asked = one_sentence(run("info", tmp_path / "scan.nii", "--json"))
    assert "--geometry sform" in asked
    assert "--geometry qform" in asked
    for answer, orientation in (("sform", "LPS"), ("qform", "RPS")):
        facts = one_object(run("info", tmp_path / "scan.nii", "--geometry", answer, "--json"))
        assert facts["orientation"] == orientation
        assert facts["warnings"][-1].startswith("Placed by choice")
    study = tmp_path / "study"
    run("study", "create", study)
    assert "--copy" in one_sentence(run("study", "add", study, tmp_path / "scan.nii", "--geometry", "qform"))
    assert run("study", "add", study, tmp_path / "scan.nii", "--geometry", "qform", "--copy").code == 0
    copied = next((study / "scans").iterdir())
    assert nifti.read_scan(copied).geometry.orientation == "RPS"
    assert "only that has series" in one_sentence(run("info", copied, "--series", "1", "--json"))


def test_a_mask_on_another_grid_is_refused(run: Run, inputs: Path, tmp_path: Path) -> None:
    grid = nifti.read_scan(inputs / "scan.nii.gz").geometry
    shifted = np.array(grid.affine)
    shifted[2, 3] += 1
    nifti.write_mask(tmp_path / "other.nii.gz", Mask.empty(Geometry(grid.shape, shifted)))
    for words in (
        [tmp_path / "other.nii.gz", inputs / "truth.nii.gz"],
        [inputs / "truth.nii.gz", inputs / "truth.nii.gz", "--lung", tmp_path / "other.nii.gz"],
    ):
        assert "other.nii.gz lies on another grid" in one_sentence(run("evaluate", *words, "--json"))


@pytest.mark.hazard("H18")
@pytest.mark.parametrize("file", [WEIGHTS, CARD])
def test_a_model_that_is_not_what_its_card_says_is_refused(
    run: Run, inputs: Path, words: list[str | Path], tmp_path: Path, file: str
) -> None:
    (tmp_path / "small").mkdir()
    for name in (WEIGHTS, CARD):
        (tmp_path / "small" / name).write_bytes((inputs / "small" / name).read_bytes())
    with open(tmp_path / "small" / file, "ab") as opened:
        opened.write(b"x")
    words[-1] = tmp_path / "small"
    assert str(tmp_path / "small" / file) in one_sentence(run(*words, "--json"))
    assert not Path(words[3]).exists()
    words[-1] = "no-such-model"
    assert "There is no model no-such-model" in one_sentence(run(*words))


@pytest.mark.hazard("H3")
def test_a_full_disk_on_export_is_one_sentence_and_leaves_nothing(
    run: Run, words: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    sentence = one_sentence(run(*words, "--json"))
    assert f"Could not write {words[3]}: No space left on device" in sentence
    assert list(Path(words[3]).parent.iterdir()) == []


@pytest.mark.hazard("H3")
def test_a_full_disk_leaves_the_old_mask(run: Run, words: list[str | Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(*words).code == 0
    before = Path(words[3]).read_bytes()

    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    one_sentence(run(*words, "--threshold", "0.6"))
    assert Path(words[3]).read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--device", "abacus", "There is no device abacus"),
        ("--backend", "abacus", "There is no backend abacus"),
        ("-o", "mask.img", "does not end in .nii or .nii.gz"),
        ("--probability", "p.png", "does not end in .nii or .nii.gz"),
    ],
)
def test_a_wrong_choice_is_one_sentence(
    run: Run, words: list[str | Path], option: str, value: str, reason: str, tmp_path: Path
) -> None:
    assert reason in one_sentence(run(*words, option, value))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hazard("H4")
def test_an_input_is_never_overwritten(
    run: Run, inputs: Path, words: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, truth = tmp_path / "scan.nii.gz", tmp_path / "truth.csv"
    scan.write_bytes((inputs / "scan.nii.gz").read_bytes())
    truth.write_bytes((inputs / "truth.nii.gz").read_bytes())
    (tmp_path / "link.nii.gz").symlink_to(scan)
    monkeypatch.chdir(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    model = ["--model", inputs / "small"]
    for command in (
        ["predict", scan, "-o", scan, *model],
        ["predict", scan, "-o", "scan.nii.gz", *model],
        ["predict", scan, "-o", tmp_path / "link.nii.gz", *model],
        ["predict", scan, "-o", "mask.nii.gz", "--probability", scan, *model],
        ["predict", scan, "-o", "mask.nii.gz", "--probability", tmp_path / "mask.nii.gz", *model],
        ["evaluate", inputs / "truth.nii.gz", truth, "--slices", "truth.csv"],
    ):
        assert "is named twice" in one_sentence(run(*command))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert "does not end in .csv" in one_sentence(run("evaluate", truth, truth, "--slices", "slices.nii"))


def true_process(*words: str | Path) -> Result:
    """Run ``lesionseg`` in a process of its own."""
    code = "from napari_lesionseg.cli.main import run; run()"
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    return Result(done.returncode, done.stdout, done.stderr)


def test_a_process_of_its_own_prints_one_json_object_and_nothing_else(inputs: Path, words: list[str | Path]) -> None:
    result = true_process(*words, "--device", "cpu", "--json")
    assert list(one_object(result)) == PREDICT_KEYS
    assert result.err == ""


def test_a_process_of_its_own_ends_with_2_and_one_sentence_even_on_a_header_nibabel_repairs(
    inputs: Path, tmp_path: Path
) -> None:
    raw = bytearray(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes())
    raw[252:256] = b"\xff\x7f\xff\x7f"  # No such codes of qform and sform.
    raw[40:42] = (4).to_bytes(2, "little")
    raw[48:50] = (2).to_bytes(2, "little")
    (tmp_path / "odd.nii").write_bytes(raw)
    assert "4 dimensions" in one_sentence(true_process("info", tmp_path / "odd.nii", "--json"))
