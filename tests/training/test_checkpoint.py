from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from lesionseg_training.checkpoint import FILE, TrainState, load_checkpoint, save_checkpoint
from lesionseg_training.start import new_state
from lesionseg_training.step import Stepper, add_gradients, take_step

from napari_lesionseg.errors import LesionsegError

RECORDS = [{"epoch": 1, "loss": 0.1 + 0.2, "dice": None}, {"epoch": 2, "loss": 1e-17, "dice": 0.625}]


def _trained(config, steps: int = 2) -> TrainState:
    state = new_state(config, "cpu", None)
    _train(state, config, steps)
    state.epoch, state.history, state.mined = 2, RECORDS, [("a", 3), ("b", 0)]
    return state


def _train(state: TrainState, config, steps: int) -> None:
    grey = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        add_gradients(Stepper(state, config), grey, (grey[:, 1:2] > 0.8).float(), 1.0)
        take_step(Stepper(state, config), 0.5)


def _all_tensors(state: TrainState) -> list[torch.Tensor]:
    slots = [
        slot for _, one in sorted(state.optimiser.state_dict()["state"].items()) for _, slot in sorted(one.items())
    ]
    return [*state.network.state_dict().values(), *state.average.state_dict().values(), *slots]


def _same(one: TrainState, other: TrainState) -> bool:
    pairs = list(zip(_all_tensors(one), _all_tensors(other), strict=True))
    return all(torch.equal(a, b) and a.dtype == b.dtype for a, b in pairs)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_state_comes_back_to_the_bit_and_goes_on_the_same_way(tiny, tmp_path: Path, ema: float) -> None:
    config = tiny(ema=ema)
    state = _trained(config)
    save_checkpoint(tmp_path, state)
    other = new_state(tiny(ema=ema, seed=1), "cpu", None)
    assert load_checkpoint(tmp_path, other)
    assert _same(state, other)
    assert (other.epoch, other.history, other.mined) == (2, RECORDS, [("a", 3), ("b", 0)])
    for one in (state, other):
        _train(one, config, 2)
    assert _same(state, other)


def test_without_a_checkpoint_the_state_is_left_alone(tiny, tmp_path: Path) -> None:
    state, untouched = (new_state(tiny(), "cpu", None) for _ in range(2))
    assert not load_checkpoint(tmp_path, state)
    assert _same(state, untouched)
    assert state.epoch == 0


def test_a_loaded_state_does_not_hold_on_to_the_file(tiny, tmp_path: Path) -> None:
    config = tiny()
    save_checkpoint(tmp_path, _trained(config))
    state = new_state(config, "cpu", None)
    load_checkpoint(tmp_path, state)
    before = [tensor.clone() for tensor in _all_tensors(state)]
    path = tmp_path / FILE
    path.write_bytes(bytes(path.stat().st_size))  # In place: a mapped tensor would turn to zeros.
    assert all(torch.equal(a, b) for a, b in zip(before, _all_tensors(state), strict=True))
    if os.path.exists("/proc/self/maps"):
        assert str(path) not in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "flipped header", "no metadata", "folder"])
def test_a_damaged_checkpoint_is_told_in_one_sentence(tiny, tmp_path: Path, damage: str) -> None:
    from safetensors.torch import load, save

    config = tiny()
    save_checkpoint(tmp_path, _trained(config))
    path = tmp_path / FILE
    data = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
        assert not load_checkpoint(tmp_path, new_state(config, "cpu", None))
        return
    changed = {
        "cut": data[: len(data) // 2],
        "empty": b"",
        "text": b"weights" * 100,
        "flipped header": data[:20] + bytes([data[20] ^ 0xFF]) + data[21:],
        "no metadata": save(load(data)),
    }
    path.write_bytes(changed[damage])
    with pytest.raises(LesionsegError, match=r"checkpoint.safetensors is damaged or of another network; start") as told:
        load_checkpoint(tmp_path, new_state(config, "cpu", None))
    assert "\n" not in str(told.value)


def test_a_checkpoint_of_another_network_is_told(tiny, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, _trained(tiny()))
    with pytest.raises(LesionsegError, match="is damaged or of another network"):
        load_checkpoint(tmp_path, new_state(tiny(network={"widths": [4, 12]}), "cpu", None))


@pytest.mark.hazard("H3")
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_last_checkpoint_whole(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    config = tiny()
    state = _trained(config)
    save_checkpoint(tmp_path, state)
    before = (tmp_path / FILE).read_bytes()
    _train(state, config, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(LesionsegError, match=r"Could not write .*: No space left on device; free some space"):
            save_checkpoint(tmp_path, state)
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
