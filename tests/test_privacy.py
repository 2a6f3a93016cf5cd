"""Nothing of a patient, of a path or of a header reaches what is written (hazard 20)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lesionseg.models.card import ModelCard, save_model
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.review.exports import FORMATS, export
from napari_lesionseg.volumes import read_scan
from napari_lesionseg.volumes.phantom import make_case
from tests.privacy.canaries import (
    Canaries,
    plant_dicom,
    plant_metaimage,
    plant_nifti,
    plant_nrrd,
    plant_seg,
)
from tests.privacy.sweep import search, search_folder, unpacked

pytestmark = pytest.mark.timeout(900)  # The first test waits for some hundred commands.

TINY = {
    "name": "tiny", "network": {"widths": [4, 8]}, "preprocessing": {"size": 64}, "epochs": 1, "steps_per_epoch": 1,
    "batch_size": 2, "patch": 32, "validate_every": 1, "threads": 1,
}  # fmt: skip
# study.db refers to scans by their paths, by design; a map of pseudonyms is what it is, and lies outside of exports.
SPARED = ("study.db", "map.csv")
RUNNER = """
import json, sys
from pathlib import Path
from lesionseg_training.cli import run as train
from napari_lesionseg.cli.main import run
codes = []
for program, *words in json.loads(Path("commands.json").read_text()):
    sys.argv = [program, *words]
    try:
        (train if program == "lesionseg-train" else run)()
        codes.append(0)
    except SystemExit as ended:
        codes.append(ended.code or 0)
Path("codes.json").write_text(json.dumps(codes))
"""


@dataclass(frozen=True)
class Planted:
    """Inputs full of canaries: the same chest as DICOM, NIfTI, NRRD and MetaImage, and its truth."""

    canaries: Canaries
    folder: Path
    dicom: Path
    nifti: Path
    nrrd: Path
    metaimage: Path
    truth: Path
    truth_nrrd: Path
    truth_seg: Path

    @property
    def scans(self) -> tuple[Path, ...]:
        return self.dicom, self.nifti, self.nrrd, self.metaimage


@dataclass(frozen=True)
class Outcome:
    """What commands wrote, and what they said."""

    folder: Path
    codes: list[int]
    said: bytes


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    canaries, case = Canaries(), make_case(seed=1, shape=(16, 64, 64))
    inside = tmp_path_factory.mktemp("in") / canaries.name("folder") / f"Doe {canaries.name('folder in a folder')} Jane"
    dicom = plant_dicom(inside / canaries.name("folder of a series"), case, canaries)
    nifti = plant_nifti(inside / f"{canaries.name('NIfTI file')}.nii.gz", case.scan, canaries)
    truth = plant_nifti(inside / f"{canaries.name('mask file')}.nii.gz", case.truth, canaries)
    nrrd = plant_nrrd(inside / f"{canaries.name('NRRD file')}.nrrd", case.scan, canaries)
    truth_nrrd = plant_nrrd(inside / f"{canaries.name('NRRD mask')}.seg.nrrd", case.truth, canaries)
    metaimage = plant_metaimage(inside / f"{canaries.name('MetaImage file')}.mha", case.scan, canaries)
    seg = inside / f"{canaries.name('DICOM SEG file')}.dcm"
    scan = read_scan(dicom)
    export(seg.with_name("plain.dcm"), case.truth, scan, format="dicom-seg")
    plant_seg(seg, seg.with_name("plain.dcm"), canaries)
    return Planted(canaries, inside.parents[1], dicom, nifti, nrrd, metaimage, truth, truth_nrrd, seg)


@pytest.fixture(scope="module")
def outcome(
    planted: Planted, tmp_path_factory: pytest.TempPathFactory, hazard_count: Callable[[int, int], int]
) -> Outcome:
    """Run every command that writes, on inputs without a single neutral name."""
    every = hazard_count(0, 1) == 1
    return _run(tmp_path_factory.mktemp("out"), [*_writing(planted, every), *_training(every)])


def _writing(planted: Planted, every: bool) -> list[list[str | Path]]:
    """All formats, from a DICOM scan; ``every``: from all other scans and masks too."""
    truth, dicom = planted.truth, planted.dicom
    pairs = [(dicom, truth), (planted.nifti, planted.truth_nrrd), (planted.nrrd, truth), (planted.metaimage, truth)]
    exports = [
        ["export", mask, "--scan", scan, "-o", f"export-{number}-{key}{one.endings[0]}", "--format", key]
        for key, one in FORMATS.items()
        for number, (scan, mask) in enumerate([*pairs, (dicom, planted.truth_seg)])
        if (scan is dicom or not one.needs_dicom) and (every or (scan, mask) == pairs[0])
    ]
    commands = [
        *(["info", scan] for scan in planted.scans),
        ["import", dicom, "-o", "imported.nii.gz"],
        ["predict", planted.nifti, "-o", "mask.nii.gz", "--probability", "p.nii.gz", "--model", "small"],
        ["predict", dicom, "-o", "mask-dicom.nii.gz", "--model", "small", "--json"],
        ["evaluate", "mask.nii.gz", truth, "--slices", "slices.csv"],
        *exports,
        ["export", planted.truth_nrrd, "--scan", planted.nifti, "-o", "from-nrrd.nii.gz"],
        ["export", planted.truth_seg, "--scan", dicom, "-o", "from-seg.seg.nrrd"],
        ["study", "create", "study"],
        ["study", "add", "study", planted.nifti, "--truth", truth, "--split", "train"],
        ["study", "add", "study", dicom, "--copy", "--truth", truth, "--split", "train"],
        ["study", "list", "study"],
        ["study", "export", "study", "-o", "data", "--format", "nnunet"],
        ["study", "export", "study", "-o", "data-msd", "--format", "msd", "--pseudonym", "map.csv"],
    ]
    return [["lesionseg", *words] for words in commands]


def _training(every: bool) -> list[list[str | Path]]:
    adapt = ["adapt", "study", "-o", "run2", "--from", "run/model", "--set", "epochs=1", "--set", "steps_per_epoch=1"]
    return [
        ["lesionseg-train", "fit", "study", "-o", "run", "--config", "tiny.json"],
        ["lesionseg-train", "evaluate", "run/model", "study", "--split", "train", "--json"],
        *([["lesionseg-train", *adapt]] if every else []),
        ["lesionseg", "models", "install", "run/model"],
        ["lesionseg", "models", "list"],
    ]


def _run(folder: Path, commands: list[list[str | Path]]) -> Outcome:
    folder.joinpath("commands.json").write_text(json.dumps([[str(word) for word in words] for words in commands]))
    folder.joinpath("tiny.json").write_text(json.dumps(TINY))
    torch.manual_seed(0)
    small = ModelCard(name="small", preprocessing=Preprocessing(size=64), threshold=0.4)
    save_model(folder / "small", DualEncoderUNet(DualEncoderConfig(widths=(4, 8))), small)
    with open(folder / "said.txt", "wb") as said:
        subprocess.run(
            [sys.executable, "-c", RUNNER], cwd=folder, stdout=said, stderr=subprocess.STDOUT, check=True,
            env=_environment(folder),
        )  # fmt: skip
    codes = json.loads(folder.joinpath("codes.json").read_text())
    data = folder.joinpath("said.txt").read_bytes()
    for name in ("commands.json", "codes.json", "said.txt"):
        folder.joinpath(name).unlink()
    return Outcome(folder, codes, data)


def _environment(folder: Path) -> dict[str, str]:
    import os

    return {**os.environ, "LESIONSEG_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "always"}


def test_the_sweep_finds_every_canary_where_it_was_planted(
    planted: Planted, pdf_text: Callable[[bytes], list[str]]
) -> None:
    _, found = search_folder(planted.folder, planted.canaries.all, pdf_text)
    assert {place for _, place in found} == set(planted.canaries.all.values())
    assert len(planted.canaries.all) >= 60


@pytest.mark.hazard("H20")
def test_no_canary_is_in_anything_written(
    planted: Planted,
    outcome: Outcome,
    pdf_text: Callable[[bytes], list[str]],
    hazard_figure: Callable[[str, str, bool], None],
) -> None:
    files, found = search_folder(outcome.folder, planted.canaries.all, pdf_text, SPARED)
    said = search(outcome.said, planted.canaries.all)
    holds = not found and not said
    figure = f"{len(planted.canaries.all)} canaries, {files} files of {len(outcome.codes)} commands and what they said"
    hazard_figure("H20", f"{figure}: {len(found) + len(said)} found", holds)
    assert set(outcome.codes) == {0}, outcome.said.decode(errors="replace")
    assert files > 40
    assert (found, said) == ([], [])


@pytest.mark.hazard("H20")
def test_a_folder_that_is_added_whole_leaves_nothing_of_its_headers_and_names(
    planted: Planted,
    tmp_path: Path,
    pdf_text: Callable[[bytes], list[str]],
    hazard_figure: Callable[[str, str, bool], None],
) -> None:
    # The table of add-folder names files, as it must; nothing else may, and no header's value may be in it either.
    source, tasks = planted.folder, "tasks/tasks.json"
    commands: list[list[str | Path]] = [
        ["lesionseg", "study", "create", "study"],
        ["lesionseg", "study", "add-folder", "study", source, "--copy", "--yes"],
        ["lesionseg", "study", "add-folder", "study", source, "--copy", "--yes", "--json"],
        ["lesionseg", "study", "export", "study", "-o", "tasks", "--format", "mitk"],
        ["lesionseg", "study", "create", "second"],
        ["lesionseg", "study", "add-folder", "second", tasks, "--copy", "--yes"],
        ["lesionseg", "study", "add-folder", "second", "study", "--yes"],
        ["lesionseg", "study", "verify", "study", "--json"],
        ["lesionseg", "study", "audit", "study", "case-0001", "-o", "audit.csv"],
    ]
    outcome = _run(tmp_path, commands)
    files, found = search_folder(tmp_path, planted.canaries.all, pdf_text)
    said = search(outcome.said, planted.canaries.headers)
    figure = f"a folder added whole, {files} files of {len(commands)} commands: {len(found) + len(said)} found"
    hazard_figure("H20", figure, not found and not said)
    assert set(outcome.codes) == {0}, outcome.said.decode(errors="replace")
    assert set(search(outcome.said, planted.canaries.paths))  # The table was there.
    assert files > 6
    assert (found, said) == ([], [])


def test_a_study_remembers_paths_and_nothing_of_the_headers(planted: Planted, outcome: Outcome) -> None:
    data = (outcome.folder / "study" / "study.db").read_bytes()
    assert search(data, planted.canaries.headers) == []
    assert set(search(data, planted.canaries.paths)) == {"folder", "folder in a folder", "NIfTI file"}


def test_the_map_of_pseudonyms_holds_neutral_ids(outcome: Outcome) -> None:
    lines = (outcome.folder / "map.csv").read_text().splitlines()
    assert lines == ["source_id,pseudonym", "case-0001,case-0001", "case-0002,case-0002"]


def test_cards_and_runs_name_neither_cases_nor_folders_of_this_machine(outcome: Outcome) -> None:
    for path in (outcome.folder / "run").rglob("*"):
        if path.is_file():
            assert all(str(outcome.folder).encode() not in text for text in unpacked(path.read_bytes())), path


def test_a_correction_kept_by_the_window_names_nothing(
    planted: Planted, tmp_path: Path, pdf_text: Callable[[bytes], list[str]]
) -> None:
    from napari_lesionseg.volumes import Mask
    from napari_lesionseg.widgets.keep_correction import keep_correction

    for scan in (read_scan(planted.dicom), read_scan(planted.nifti), read_scan(planted.nrrd)):
        mask = Mask(np.ones(scan.array.shape, np.uint8), scan.geometry)
        keep_correction(tmp_path / "study", scan, mask, {1}, "tiny")
    _, found = search_folder(tmp_path, planted.canaries.all, pdf_text, SPARED)
    assert found == []
    assert search((tmp_path / "study" / "study.db").read_bytes(), planted.canaries.headers) == []


@pytest.mark.hazard("H20")
def test_a_complaint_names_the_file_it_is_about_and_nothing_of_its_header(
    planted: Planted, tmp_path: Path, hazard_figure: Callable[[str, str, bool], None]
) -> None:
    broken = tmp_path / "broken"
    commands: list[list[str | Path]] = []
    for number, path in enumerate((planted.nifti, planted.nrrd, planted.metaimage, planted.truth_seg)):
        for share in (0.02, 0.5, 0.98):
            target = broken / f"{number}-{share}" / "scan" / path.name
            target.parent.mkdir(parents=True)
            target.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
            commands += [["lesionseg", "info", target], ["lesionseg", "predict", target, "-o", "never.nii.gz"]]
    for keep, (first, *others) in enumerate([sorted(planted.dicom.iterdir())] * 2):
        folder = broken / f"series-{keep}"
        folder.mkdir(parents=True)
        for file in others[:4] + others[6:]:  # Two slices are missing.
            folder.joinpath(file.name).write_bytes(file.read_bytes())
        folder.joinpath(first.name).write_bytes(first.read_bytes()[: (1500, 6000)[keep]])
        commands += [["lesionseg", "import", folder, "-o", "never.nii.gz"], ["lesionseg", "info", folder]]
    commands += [["lesionseg", "export", planted.truth, "-o", "never.dcm", "--scan", planted.nrrd]]
    outcome = _run(tmp_path, commands)
    found = search(outcome.said, planted.canaries.headers)
    hazard_figure("H20", f"{len(commands)} complaints: {len(found)} values of a header", not found)
    assert set(outcome.codes) == {2}, outcome.said.decode(errors="replace")
    assert found == []
