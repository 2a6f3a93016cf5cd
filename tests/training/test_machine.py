"""Several processes that share every batch are one trainer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lesionseg_training.events import Epoch, Finished, Started, parse_line
from lesionseg_training.machine import Machine, machine_for

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import verify
from napari_lesionseg.study.store import Study


@pytest.mark.parametrize(("count", "size"), [(8, 2), (5, 3), (1, 4), (0, 2)])
def test_every_slice_of_a_batch_is_in_exactly_one_process(count: int, size: int) -> None:
    parts = [list(range(count))[Machine(rank=rank, size=size).part(count)] for rank in range(size)]
    assert sum(parts, []) == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_precision_is_what_the_device_has_unless_asked_for(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    for there in (True, False):
        monkeypatch.setattr("lesionseg_training.machine.has_bfloat16", lambda device, there=there: there)
        for precision, expected in (("auto", there), ("32", False), ("bf16", True)):
            with machine_for(tiny(device="cpu", precision=precision)) as machine:
                assert (machine.half, machine.first, machine.size) == (expected, True, 1)


def test_more_gpus_than_there_are_is_told_before_anything_starts(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(LesionsegError, match="has 1 CUDA devices, not 4; set devices"),
        machine_for(tiny(device="cuda", devices=4, precision="32")),
    ):
        pytest.fail("it started")


def test_without_fabric_one_process_trains_and_several_are_told_what_to_install(
    tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with machine_for(tiny(device="cpu")) as machine:
        assert machine.size == 1
    with (
        pytest.raises(LesionsegError, match=r"need Lightning Fabric: pip install 'napari-lesionseg\[cluster\]'"),
        machine_for(tiny(device="cpu", devices=2)),
    ):
        pytest.fail("it started")


def test_two_processes_have_the_loss_curve_of_one(tiny, train, labelled: Study, tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    config = tiny(epochs=2, steps_per_epoch=3, batch_size=5, accumulate=2, device="cpu")
    alone = train(labelled, config, "alone")
    (tmp_path / "two.json").write_text(config.model_copy(update={"devices": 2}).model_dump_json())
    command = ["fit", str(labelled.folder), "-o", str(tmp_path / "two"), "--config", str(tmp_path / "two.json")]
    done = subprocess.run(
        [sys.executable, "-m", "lesionseg_training", *command], capture_output=True, text=True, timeout=170, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    events = [parse_line(line) for line in done.stdout.splitlines()]
    assert [type(event) for event in events] == [type(event) for event in alone.events]  # One process speaks.
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    for ours, theirs in zip(alone.of(Epoch), [event for event in events if isinstance(event, Epoch)], strict=True):
        assert theirs.loss == pytest.approx(ours.loss, abs=1e-5)
        assert theirs.dice == pytest.approx(ours.dice, abs=1e-3)
        assert theirs.lesion_share == ours.lesion_share
    verify(tmp_path / "two" / "model")
    assert json.loads((tmp_path / "two" / "config.json").read_text())["devices"] == 2
    assert len(list((tmp_path / "two").glob("events.out.tfevents.*"))) == 1
