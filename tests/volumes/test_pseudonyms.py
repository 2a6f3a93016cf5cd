"""The map from source ids to neutral names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.pseudonyms import Pseudonyms

HEADER = "source_id,pseudonym\n"


def test_each_source_gets_a_neutral_name_and_keeps_it(tmp_path: Path) -> None:
    names = Pseudonyms.open(tmp_path / "map.csv")
    assert [names.name(source) for source in ("MUELLER^HANS", "b", "MUELLER^HANS")] == [
        "case-0001",
        "case-0002",
        "case-0001",
    ]
    names.save()
    again = Pseudonyms.open(tmp_path / "map.csv")
    assert (again.name("c"), again.name("b")) == ("case-0003", "case-0002")


def test_a_name_that_was_given_by_hand_is_kept_and_never_given_again(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text(f"{HEADER}x,Case-0041\ny,lung-7\n")
    names = Pseudonyms.open(tmp_path / "map.csv")
    assert (names.name("y"), names.name("new")) == ("lung-7", "case-0042")


def test_ids_that_a_spreadsheet_would_run_come_back_as_they_were(tmp_path: Path) -> None:
    hostile = ["=1+1", "'=1+1", "-5", "@x", 'a,"b"', "a;=c", "ä\nb", " ", ""]
    names = Pseudonyms.open(tmp_path / "map.csv")
    given = [names.name(source) for source in hostile]
    names.save()
    again = Pseudonyms.open(tmp_path / "map.csv")
    assert [again.name(source) for source in hostile] == given
    assert len(set(given)) == len(hostile)
    assert "\n'=1+1," in (tmp_path / "map.csv").read_text()


@pytest.mark.parametrize("inside", ["map.csv", "deeper/map.csv", "../out/map.csv"])
def test_a_map_inside_the_export_is_refused(tmp_path: Path, inside: str) -> None:
    with pytest.raises(LesionsegError, match="is going to be given away; keep it elsewhere"):
        Pseudonyms.open(tmp_path / "out" / inside, outside=tmp_path / "out")


def test_a_map_inside_the_export_is_refused_behind_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with pytest.raises(LesionsegError, match="keep it elsewhere"):
        Pseudonyms.open(tmp_path / "link" / "map.csv", outside=tmp_path / "out")


def test_a_map_beside_the_export_is_accepted(tmp_path: Path) -> None:
    names = Pseudonyms.open(tmp_path / "out-map.csv", outside=tmp_path / "out")
    names.name("a")
    names.save()
    assert (tmp_path / "out-map.csv").read_text() == f"{HEADER}a,case-0001\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_its_owner_can_read_the_map(tmp_path: Path) -> None:
    names = Pseudonyms.open(tmp_path / "map.csv")
    names.save()
    assert (tmp_path / "map.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n", "is not a map of pseudonyms"),
        ("", "is not a map of pseudonyms"),
        (f"{HEADER}x\n", "is not a map of pseudonyms"),
        (f"{HEADER}x,../y\n", "Line 2 of .* cannot name a file"),
        (f"{HEADER}x,CON\n", "cannot name a file"),
        (f"{HEADER}x,a\nx,b\n", "Line 3 of .* repeats an id or a pseudonym"),
        (f"{HEADER}x,a\ny,A\n", "repeats an id or a pseudonym"),
    ],
)
def test_a_map_that_cannot_be_trusted_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(LesionsegError, match=sentence):
        Pseudonyms.open(tmp_path / "map.csv")


def test_a_failed_save_leaves_the_old_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "map.csv").write_text(f"{HEADER}x,a\n")
    names = Pseudonyms.open(tmp_path / "map.csv")
    names.name("y")

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LesionsegError, match="No space left"):
        names.save()
    assert (tmp_path / "map.csv").read_text() == f"{HEADER}x,a\n"
