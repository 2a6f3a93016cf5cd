"""TensorBoard's own reader is asked what it sees in the run folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lesionseg_training.board import Board
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from napari_lesionseg.errors import LesionsegError


def _record(epoch: int, loss: float, dice: float | None = None) -> dict[str, object]:
    return {
        "epoch": epoch,
        "loss": loss,
        "train_dice": 0.5,
        "dice": dice,
        "predicted_share": 0.03,
        "lesion_share": 0.02,
    }


def _seen(run: Path, tag: str) -> list[tuple[int, float]]:
    reader = EventAccumulator(str(run), purge_orphaned_data=True).Reload()
    return [(point.step, round(point.value, 6)) for point in reader.Scalars(tag)]


def _write(run: Path, done: int, *records: dict[str, object]) -> None:
    board = Board(run, done)
    for record in records:
        board.add(record)
    board.close()


def test_tensorboard_sees_a_point_for_each_epoch_that_has_the_figure(tmp_path: Path) -> None:
    _write(tmp_path, 0, _record(1, 0.5), _record(2, 0.25, 0.75))
    assert _seen(tmp_path, "loss/train") == [(1, 0.5), (2, 0.25)]
    assert _seen(tmp_path, "dice/validation") == [(2, 0.75)]
    assert _seen(tmp_path, "pixels/predicted") == [(1, 0.03), (2, 0.03)]


def test_a_point_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    board = Board(tmp_path, 0)
    board.add(_record(1, 0.5))
    assert _seen(tmp_path, "loss/train") == [(1, 0.5)]
    board.close()


def test_a_resumed_run_goes_on_and_takes_back_what_its_checkpoint_does_not_hold(tmp_path: Path) -> None:
    _write(tmp_path, 0, _record(1, 0.5), _record(2, 0.25), _record(3, 0.999))
    _write(tmp_path, 2, _record(3, 0.125), _record(4, 0.0625))
    assert _seen(tmp_path, "loss/train") == [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.0625)]


def test_half_a_point_of_a_killed_run_hides_nothing(tmp_path: Path) -> None:
    _write(tmp_path, 0, _record(1, 0.5), _record(2, 0.25))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    _write(tmp_path, 1, _record(2, 0.25), _record(3, 0.125))
    assert _seen(tmp_path, "loss/train") == [(1, 0.5), (2, 0.25), (3, 0.125)]


def test_a_run_that_does_nothing_writes_nothing(tmp_path: Path) -> None:
    _write(tmp_path, 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(tmp_path, 0)
    with (
        monkeypatch.context() as patched,
        pytest.raises(LesionsegError, match="Could not write .*tfevents…: No space left on device; free some space"),
    ):
        patched.setattr("builtins.open", lambda path, mode, full=open: full("/dev/full", "wb"))
        board.add(_record(1, 0.5))
