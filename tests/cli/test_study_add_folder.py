"""``lesionseg study add-folder`` and ``verify``, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from napari_lesionseg.cli.study import study_app
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from tests.study.folders import put_mask, put_scan


def run(*words: str | Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(study_app, [str(word) for word in words], input=answer)


def as_json(*words: str | Path, code: int = 0) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == code, result.output
    value = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Study.create(tmp_path / "study").folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    put_scan(tmp_path / "in" / "imagesTr" / "a_0000.nii.gz", 1)
    put_mask(tmp_path / "in" / "labelsTr" / "a.nii.gz", 2)
    put_scan(tmp_path / "in" / "imagesTr" / "b_0000.nii.gz", 2)
    put_mask(tmp_path / "in" / "labelsTr" / "c.nii.gz", 2)
    return tmp_path / "in"


def test_the_table_gives_the_reason_for_each_pair_and_for_what_was_left_out(folder: Path, source: Path) -> None:
    result = run("add-folder", folder, source, "--yes")
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines == [
        "what file masks case why",
        "add imagesTr/a_0000.nii.gz labelsTr/a.nii.gz (truth) new same name without nnU-Net's channel _0000, same grid",
        "add imagesTr/b_0000.nii.gz – new no mask found",
        "left out labelsTr/c.nii.gz – – a mask, but no scan fits it by name and grid",
        "Added 2 cases and 1 mask.",
    ]
    assert len(Study.open(folder).cases()) == 2


def test_nothing_is_done_unless_somebody_says_yes(folder: Path, source: Path) -> None:
    result = run("add-folder", folder, source)
    assert result.stdout.splitlines()[-2:] == ["Say --yes to do this.", "Nothing was changed."]
    assert Study.open(folder).cases() == []


@pytest.mark.parametrize(("answer", "cases"), [("y\n", 2), ("n\n", 0), ("\n", 0)])
def test_at_a_terminal_it_asks(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch, answer: str, cases: int
) -> None:
    monkeypatch.setattr("napari_lesionseg.cli.study_add.has_terminal", lambda: True)
    result = run("add-folder", folder, source, answer=answer)
    assert "Do this? [y/N]" in result.stdout
    assert len(Study.open(folder).cases()) == cases


def test_json_tells_all_rows_and_what_was_done(folder: Path, source: Path) -> None:
    looked = as_json("add-folder", folder, source)
    assert (looked["changes"], looked["done"]) == (True, None)
    assert Study.open(folder).cases() == []
    done = as_json("add-folder", folder, source, "--yes")
    assert done["done"] == {"cases": ["case-0001", "case-0002"], "masks": 1, "relinked": []}
    assert done["rows"][0] == {
        "action": "add",
        "file": "imagesTr/a_0000.nii.gz",
        "masks": [{"file": "labelsTr/a.nii.gz", "role": "truth"}],
        "case": None,
        "patient": None,
        "reason": "same name without nnU-Net's channel _0000, same grid",
    }
    again = as_json("add-folder", folder, source, "--yes")
    assert (again["changes"], again["done"]) == (False, None)
    assert [row["action"] for row in again["rows"]] == ["known", "known", "left out"]


def test_no_name_of_a_file_writes_to_the_terminal_or_breaks_the_table(folder: Path, tmp_path: Path) -> None:
    put_scan(tmp_path / "in" / "a.nii.gz", 1).rename(tmp_path / "in" / "a\x1b[31m\nadd b.nii.gz")
    put_scan(tmp_path / "in" / "b.nii.gz", 2).rename(tmp_path / "in" / "b\udc80.nii.gz")
    result = run("add-folder", folder, tmp_path / "in", "--yes")
    assert result.exit_code == 0, result.output
    sign = "\N{REPLACEMENT CHARACTER}"
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()[1:]]
    assert lines == [
        f"add a{sign}[31m{sign}add b.nii.gz – new no mask found",
        f"left out b{sign}.nii.gz – – its name is not valid text; rename it",
        "Added 1 case and 0 masks.",
    ]


def test_a_renamed_file_is_said_to_be_found_again(folder: Path, source: Path) -> None:
    run("add-folder", folder, source, "--yes")
    (source / "imagesTr" / "b_0000.nii.gz").rename(source / "imagesTr" / "d_0000.nii.gz")
    assert run("add-folder", folder, source, "--yes").stdout.splitlines()[-1] == (
        "Added 0 cases and 0 masks; found 1 scan again."
    )


def test_what_is_exported_to_mitk_can_be_added_elsewhere(folder: Path, source: Path, tmp_path: Path) -> None:
    run("add-folder", folder, source, "--yes")
    exported = as_json("export", folder, "-o", tmp_path / "tasks", "--format", "mitk")
    assert (exported["format"], exported["train"] + exported["test"]) == ("mitk", 2)
    other = Study.create(tmp_path / "other").folder
    done = as_json("add-folder", other, tmp_path / "tasks" / "tasks.json", "--yes")
    assert done["done"]["masks"] == 1
    assert done["rows"][0]["masks"] == [{"file": "results/case-0001.nrrd", "role": "correction"}]


@pytest.mark.parametrize("words", [("nowhere",), (".", "--patients", "name")])
def test_a_bad_source_or_choice_is_one_sentence(folder: Path, words: tuple[str, ...], tmp_path: Path) -> None:
    result = run("add-folder", folder, tmp_path / words[0], *words[1:], "--json")
    assert isinstance(result.exception, LesionsegError)
    assert result.stdout == ""


def test_a_whole_study_is_verified(folder: Path, source: Path) -> None:
    run("add-folder", folder, source, "--yes")
    told = as_json("verify", folder)
    counts = {"scans": 2, "masks": 1, "drafts": 0, "journal_lines": 0}
    assert told == {"ok": True} | counts | {"problems": [], "notes": []}
    assert run("verify", folder).stdout == "Proved 2 scans, 1 mask, 0 journals of 0 lines in all; nothing wrong.\n"


def test_what_is_wrong_with_a_study_is_told_and_the_exit_code_is_one(folder: Path, source: Path) -> None:
    run("add-folder", folder, source, "--yes")
    (source / "imagesTr" / "a_0000.nii.gz").unlink()
    told = as_json("verify", folder, code=1)
    assert (told["ok"], told["scans"], len(told["problems"])) == (False, 1, 1)
    result = run("verify", folder)
    assert result.exit_code == 1
    assert "The scan of case case-0001 is missing" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("1 wrong.")


def test_a_database_that_is_damaged_is_told_as_such(folder: Path, source: Path) -> None:
    run("add-folder", folder, source, "--yes")
    database = folder / "study.db"
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    database.write_bytes(data)
    told = as_json("verify", folder, code=1)
    assert told["ok"] is False
    assert len(told["problems"]) == 1


def test_a_folder_that_is_no_study_is_not_verified(tmp_path: Path) -> None:
    result = run("verify", tmp_path)
    assert isinstance(result.exception, LesionsegError)
    assert "is not a study" in str(result.exception)
