from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock
from lesionseg_training.checkpoint import FILE
from lesionseg_training.config import config_path
from lesionseg_training.run_folder import claimed, open_run

from napari_lesionseg.errors import LesionsegError


def test_a_run_folder_is_one_trainers_at_a_time(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one"
    with claimed(run):
        with pytest.raises(LesionsegError, match="one is in use by another training; wait for it"), claimed(run):
            pytest.fail("claimed twice")
        with claimed(tmp_path / "runs" / "two"):
            pass
    with claimed(run):
        pass


def test_a_run_folder_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), claimed(tmp_path):
        raise ZeroDivisionError
    FileLock(tmp_path / ".lock").acquire(timeout=0)


def test_a_file_in_the_place_of_the_run_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("thesis")
    with pytest.raises(LesionsegError, match="run cannot be a run folder: .*; give another"), claimed(tmp_path / "run"):
        pytest.fail("claimed a file")
    assert (tmp_path / "run").read_text() == "thesis"


def test_what_a_killed_run_was_writing_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    left = [f".0a1b2c3d.{FILE}", ".0a1b2c3d.metrics.jsonl", "model/.0a1b2c3d.model.safetensors"]
    kept = [FILE, ".0a1b2c3d.notes.txt", ".hidden", "model/card.json", f".0a1b2c3d4e.{FILE}"]
    for name in left + kept:
        (tmp_path / name).write_text("")
    with claimed(tmp_path):
        pass
    assert not any((tmp_path / name).exists() for name in left)
    assert all((tmp_path / name).exists() for name in kept)


def test_a_new_run_writes_its_configuration_and_where_it_starts_from(tiny, tmp_path: Path) -> None:
    config = open_run(tmp_path, tiny(), resume=False, parent="abc")
    assert config == tiny(parent="abc")
    assert json.loads((tmp_path / "config.json").read_text())["parent"] == "abc"


@pytest.mark.parametrize("name", [FILE, "model"])
def test_a_new_run_does_not_write_over_another(tiny, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(LesionsegError, match="holds a run already; resume it, or give another folder"):
        open_run(tmp_path, tiny(), resume=False, parent="")
    assert not (tmp_path / "config.json").exists()


def test_a_run_that_never_reached_a_checkpoint_may_be_started_again(tiny, tmp_path: Path) -> None:
    open_run(tmp_path, tiny(epochs=3), resume=False, parent="")
    assert open_run(tmp_path, tiny(epochs=4), resume=False, parent="").epochs == 4


def test_a_resumed_run_keeps_its_configuration_but_for_what_is_the_machines(tiny, tmp_path: Path) -> None:
    open_run(tmp_path, tiny(device="cuda", threads=8), resume=False, parent="abc")
    here = {"device": "cpu", "threads": 2, "cache_gb": 0, "prefetch": 0}
    assert open_run(tmp_path, tiny(**here), resume=True, parent="abc") == tiny(**here, parent="abc")


def test_a_resumed_run_refuses_another_configuration(tiny, tmp_path: Path) -> None:
    open_run(tmp_path, tiny(), resume=False, parent="")
    with pytest.raises(LesionsegError, match=r"was started with learning_rate=0.01, not 0.001; leave learning_rate as"):
        open_run(tmp_path, tiny(learning_rate=1e-3), resume=True, parent="")


@pytest.mark.parametrize(
    ("before", "now", "sentence"),
    [
        ("abc", "", "was started from a model; resume it with the command"),
        ("", "abc", "was started from none; resume it with the command"),
        ("abc", "def", "was started with other weights; resume it with the command"),
    ],
)
def test_a_resumed_run_refuses_other_starting_weights(
    tiny, tmp_path: Path, before: str, now: str, sentence: str
) -> None:
    open_run(tmp_path, tiny(), resume=False, parent=before)
    with pytest.raises(LesionsegError, match=sentence):
        open_run(tmp_path, tiny(), resume=True, parent=now)


def test_a_folder_without_a_run_cannot_be_resumed(tiny, tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match=r"is not a run that can be resumed: it has no config.json; start it"):
        config_path(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(LesionsegError, match="no readable configuration"):
        open_run(tmp_path, tiny(), resume=True, parent="")
