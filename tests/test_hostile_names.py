"""No name leads out of its folder, and none is run (hazard 19)."""

from __future__ import annotations

import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from lesionseg_training.config import TrainConfig
from pydantic import ValidationError

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, ModelCard, load_card, save_model
from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.zoo import find_model, install_model, local_models
from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti, read_scan
from napari_lesionseg.volumes.dicom.unzip import unpacked
from napari_lesionseg.volumes.names import is_safe_name
from napari_lesionseg.volumes.pseudonyms import Pseudonyms
from napari_lesionseg.volumes.tables import write_csv
from tests.volumes.dicom.make_series import make_series

GRID = Geometry.from_spacing((4, 3, 5), (2.5, 0.8, 0.7))
MARKER = "lesionseg-was-here"
WAYS_OUT = (
    "../", "..\\", "../../", "..\\..\\", "/", "\\", "//", "\\\\host\\share\\", "C:\\", "c:", "./", "~/", "~root/",
    "..%2f", "%2e%2e/", "..;/", "....//", "..\u2215", "\uff0e\uff0e\uff0f", "\u202e", "\ufeff", "\u200b", "a/../../",
    "$HOME/", "%TEMP%\\", "file:///", "\0", "a\0/", "-", "--", "-o", "", " ", "\t", "\n", ".", "..",
)  # fmt: skip
CORES = (
    MARKER, f"$(touch {MARKER})", f"`touch {MARKER}`", f";touch {MARKER};", f"|touch {MARKER}", f"&& touch {MARKER} &",
    f"\ntouch {MARKER}\n", f"'; touch {MARKER} #", f'"; touch {MARKER} #', f"{{{{{MARKER}}}}}", "%s%s%n", "*", "?",
    "<x>", "CON", "con", "Prn", "AUX", "NUL", "nul", "COM1", "com9", "LPT1", "CLOCK$", "CONIN$",
    "x" * 64, "x" * 65, "x" * 300,
    "é", "e\u0301", "\ud800", "case-0001", "a:b", "a b", "desktop.ini", ".git", ".", "..", "", "İ", "ß", "Ａ",
)  # fmt: skip
ENDS = (
    "", ".", " ", "/", "\\", ".nii.gz", ":stream", "\0", "\0.nii", "\n", "/..", "/../../x", "::$DATA", "~1", "#", "%00",
)  # fmt: skip


def hostile_names(count: int) -> list[str]:
    """Distinct names, each of them made to lead out of a folder, to be run, or to mean something else elsewhere."""
    every = {f"{way}{core}{end}" for way in WAYS_OUT for core in CORES for end in ENDS}
    return random.Random(19).sample(sorted(every), count)


@pytest.fixture
def names(hazard_count: Callable[[int, int], int]) -> list[str]:
    return hostile_names(hazard_count(200, 2000))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder deep in others; whatever appears beside it, or where one works or keeps temporary files, is out."""
    inside = tmp_path / "a" / "b" / "c" / "house"
    for folder in (inside, tmp_path / "work", tmp_path / "tmp"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("LESIONSEG_HOME", str(inside / "home"))
    return inside


def escapes(house: Path) -> list[Path]:
    """What is in the outermost folder and neither in the house nor on the way to it."""
    outermost = house.parents[3]
    allowed = {house, *house.parents, outermost / "work", outermost / "tmp"}
    outside = [path for path in outermost.rglob("*") if not path.is_relative_to(house) and path not in allowed]
    return outside + [path for path in house.rglob("*") if MARKER in path.name]


def _attempt(door: Callable[[str], object], names: list[str]) -> list[str]:
    """The names that a door let in."""
    let_in = []
    for name in names:
        try:
            door(name)
        except (LesionsegError, ValidationError):
            continue
        let_in.append(name)
    return let_in


def test_the_names_are_hostile() -> None:
    names = hostile_names(2000)
    assert len(set(names)) == 2000
    assert sum(is_safe_name(name) for name in names) < 20  # A few are only odd, such as "--o": they must do no harm.
    assert sum("/" in name or "\\" in name for name in names) > 800


@pytest.mark.hazard("H19")
def test_no_id_of_a_case_or_patient_leads_out_of_the_study(
    house: Path, names: list[str], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    study = Study.create(house / "study")
    scans = iter(range(10**6))

    def door(name: str, *, as_patient: bool = False) -> None:
        scan, number = house / "scan.nii.gz", next(scans)
        if is_safe_name(name):
            nifti.write_scan(scan, Volume(np.full(GRID.display_shape, number, np.int16), GRID))
        case = study.add_case(f"c{number}" if as_patient else name, name, scan, copy=True)
        study.add_revision(case.id, "truth", Mask.empty(GRID))

    let_in = _attempt(door, names) + _attempt(lambda name: door(name, as_patient=True), names)
    out = escapes(house)
    hazard_figure("H19", f"{len(names):,} hostile ids of cases and patients: {len(out)} escapes", not out)
    assert out == []
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in let_in)
    assert {name.lower() for name in let_in}.isdisjoint({"con", "prn", "aux", "nul", "com1", "com9", "lpt1"})


@pytest.mark.hazard("H19")
def test_no_pseudonym_leads_out_of_an_export(
    house: Path, names: list[str], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    def as_pseudonym(name: str) -> None:
        write_csv(house / "map.csv", ["source_id", "pseudonym"], [["x", name]])
        Pseudonyms.open(house / "map.csv")

    let_in = _attempt(as_pseudonym, names)
    asked = Pseudonyms.open(house / "new.csv")
    given = [asked.name(name) for name in names]
    asked.save()
    out = escapes(house)
    hazard_figure("H19", f"{len(names):,} hostile pseudonyms and source ids: {len(out)} escapes", not out)
    assert out == []
    assert all(is_safe_name(name) for name in [*let_in, *given])
    assert len(set(given)) == len(names)


@pytest.mark.hazard("H19")
def test_no_name_of_a_model_or_run_leads_out_of_the_models(
    house: Path, names: list[str], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    from napari_lesionseg.models.dual_encoder import DualEncoderUNet

    model = house / "model"
    save_model(model, DualEncoderUNet(DualEncoderConfig(widths=(4, 8))), ModelCard(name="good"))
    card = json.loads((model / CARD).read_text())

    def installed(name: str) -> None:
        (model / CARD).write_text(json.dumps(card | {"name": name}))
        install_model(model)

    let_in = _attempt(installed, [*names, "harmless"])
    assert "harmless" in let_in
    (model / CARD).write_text(json.dumps(card))
    found = _attempt(lambda name: load_card(find_model(name)), [*names, "harmless"])
    trained = _attempt(lambda name: TrainConfig(name=name), names)
    out = escapes(house)
    hazard_figure("H19", f"{len(names):,} hostile names of models and runs: {len(out)} escapes", not out)
    assert out == []
    assert all(is_safe_name(name) for name in let_in)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in trained)
    assert set(found) <= set(let_in)
    assert {path.name for path in local_models().glob("*")} == set(let_in)


@pytest.mark.hazard("H19")
def test_no_member_of_a_zip_leads_out_of_it(
    house: Path, names: list[str], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    unpacked_whole = 0
    for name in names:
        path = _zip(house / "scan.zip", {name: b"hostile", "slice.dcm": b"harmless"})
        try:
            with unpacked(path) as folder:
                assert folder.is_relative_to(house.parents[3] / "tmp")
                assert list(folder.parent.iterdir()) == [folder]
                found = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
                unpacked_whole += sorted(found) == [b"harmless", b"hostile"]
        except LesionsegError:
            continue
    left = list((house.parents[3] / "tmp").iterdir())
    out = [*escapes(house), *left]
    figure = f"{len(names):,} hostile names in zips, {unpacked_whole:,} unpacked whole"
    hazard_figure("H19", f"{figure}, the others refused: {len(out)} escapes", not out)
    assert out == []
    assert unpacked_whole > len(names) / 4


def test_a_series_in_a_zip_with_odd_names_is_read_and_one_that_leads_out_is_refused(house: Path) -> None:
    series = make_series(house / "series", 1)
    good = [file.read_bytes() for file in series.files]
    odd = _zip(house / "odd.zip", {f"$(touch {MARKER}) {number} ;": data for number, data in enumerate(good)})
    assert np.array_equal(read_scan(odd).array, read_scan(series.folder).array)
    out = _zip(house / "out.zip", {f"../{number}": data for number, data in enumerate(good)})
    with pytest.raises(LesionsegError, match="names a file outside its own folder"):
        read_scan(out)
    assert escapes(house) == []


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            # Python's own writer cuts a name at NUL; a hostile one does not.
            info = zipfile.ZipInfo("x")
            info.filename = name.encode("utf-8", "replace").decode()
            archive.writestr(info, data)
    return path
