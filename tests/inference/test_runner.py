"""Slices through a network: in any batch the same logits, less memory when there is none, and a stop that stops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_lesionseg.errors import Cancelled
from napari_lesionseg.inference.backends.torch_eager import TorchEager
from napari_lesionseg.inference.blocks import stacks
from napari_lesionseg.inference.runner import SliceRunner
from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.dual_encoder import DualEncoderUNet

SLICES = np.random.default_rng(0).integers(0, 256, (11, 24, 20)).astype(np.uint8)


class Watched(DualEncoderUNet):
    """Notes the size of each batch, and runs out of memory above ``room`` slices."""

    def __init__(self, room: int = 99) -> None:
        torch.manual_seed(0)
        super().__init__(DualEncoderConfig(widths=(4, 8)))
        self.room = room
        self.batches: list[int] = []

    def forward(self, stack: Tensor) -> Tensor:
        self.batches.append(len(stack))
        if len(stack) > self.room:
            raise torch.OutOfMemoryError("injected")
        return super().forward(stack)


def logits(network: DualEncoderUNet, batch_size: int, rows: list[int] | None = None) -> np.ndarray:
    return np.stack(list(SliceRunner(TorchEager(network, "cpu"), batch_size).run(SLICES, rows)))


@pytest.fixture(scope="module")
def one_by_one() -> np.ndarray:
    return logits(Watched(), 1)


def test_a_stack_is_a_slice_between_its_neighbours_and_the_ends_are_repeated() -> None:
    marks = np.arange(5, dtype=np.uint8).reshape(5, 1, 1)
    assert stacks(marks, [0, 2, 4], 3)[..., 0, 0].tolist() == [[0, 0, 1], [1, 2, 3], [3, 4, 4]]
    assert stacks(marks, [1], 5)[..., 0, 0].tolist() == [[0, 0, 1, 2, 3]]
    assert stacks(marks[:1], [0], 5)[..., 0, 0].tolist() == [[0] * 5]


def test_the_logits_are_those_of_the_network_on_grey_values_from_0_to_1(one_by_one: np.ndarray) -> None:
    stack = torch.from_numpy(SLICES[[3, 4, 5]].astype(np.float32) / 255)[None]
    with torch.no_grad():
        assert np.allclose(one_by_one[4], Watched().eval()(stack)[0, 0].numpy(), atol=1e-5)
    assert one_by_one.shape == SLICES.shape
    assert one_by_one.dtype == np.float32


@pytest.mark.parametrize("batch_size", [2, 4, 11, 50])
def test_batches_of_any_size_give_the_same_logits_in_order(one_by_one: np.ndarray, batch_size: int) -> None:
    network = Watched()
    assert np.abs(logits(network, batch_size) - one_by_one).max() <= 1e-5
    assert network.batches == [batch_size] * (11 // batch_size) + ([11 % batch_size] if 11 % batch_size else [])


def test_only_the_rows_asked_for_are_run(one_by_one: np.ndarray) -> None:
    network = Watched()
    assert np.abs(logits(network, 2, rows=[10, 3, 4]) - one_by_one[[10, 3, 4]]).max() <= 1e-5
    assert network.batches == [2, 1]


@pytest.mark.hazard("H24")
@pytest.mark.parametrize(
    ("room", "tried"), [(4, [8, 4, 4, 3]), (2, [8, 4, 2, 2, 2, 2, 2, 1]), (1, [8, 4, 2] + [1] * 11)]
)
def test_when_memory_runs_out_the_batch_is_halved_and_the_logits_are_equal(
    one_by_one: np.ndarray, room: int, tried: list[int]
) -> None:
    network = Watched(room)
    assert np.abs(logits(network, 8) - one_by_one).max() <= 1e-5
    assert network.batches == tried


@pytest.mark.hazard("H24")
@pytest.mark.parametrize("failing", range(11))
def test_memory_that_runs_out_at_any_batch_costs_no_slice(one_by_one: np.ndarray, failing: int) -> None:
    network = Watched()
    forward, calls = network.forward, []

    def fail_once(stack: Tensor) -> Tensor:
        calls.append(len(stack))
        if len(calls) == failing + 1:
            raise torch.OutOfMemoryError("injected")
        return forward(stack)

    network.forward = fail_once  # type: ignore[method-assign]
    assert np.abs(logits(network, 2) - one_by_one).max() <= 1e-5


@pytest.mark.hazard("H24")
def test_when_one_slice_is_too_much_for_the_device_the_cpu_goes_on(one_by_one: np.ndarray) -> None:
    class Small(TorchEager):
        """A device that never has room."""

        def logits(self, stack: np.ndarray) -> np.ndarray:
            if self.device != "cpu":
                raise torch.OutOfMemoryError("injected")
            return super().logits(stack)

    runner = SliceRunner(Small(Watched(), "mps"), 4)
    assert np.abs(np.stack(list(runner.run(SLICES))) - one_by_one).max() <= 1e-5
    assert (runner.backend.device, runner.batch_size) == ("cpu", 1)


def test_when_nothing_is_left_to_give_up_the_error_is_told() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        logits(Watched(room=0), 4)


def test_another_error_is_not_taken_for_lack_of_memory() -> None:
    network = Watched()

    def broken(_: Tensor) -> Tensor:
        network.batches.append(1)
        raise RuntimeError("broken")

    network.forward = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="broken"):
        logits(network, 4)
    assert network.batches == [1]


@pytest.mark.hazard("H26")
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_cancelled_run_stops_before_the_next_batch(after: int) -> None:
    network = Watched()
    got = []
    with pytest.raises(Cancelled):
        for one in SliceRunner(TorchEager(network, "cpu"), 2).run(
            SLICES, cancelled=lambda: len(network.batches) >= after
        ):
            got.append(one)
    assert network.batches == [2] * after
    assert len(got) == 2 * after


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_evaluated_and_then_left_in_the_mode_it_was_in(training: bool) -> None:
    network = Watched().train(training)
    modes = []
    for _ in SliceRunner(TorchEager(network, "cpu"), 4).run(SLICES):
        modes.append(network.training)
    assert modes == [False] * 11
    assert network.training is training
    with pytest.raises(Cancelled):
        list(SliceRunner(TorchEager(network, "cpu"), 4).run(SLICES, cancelled=lambda: True))
    assert network.training is training


def test_no_graph_is_kept() -> None:
    network = Watched()
    seen = []
    forward = network.forward

    def keep(stack: Tensor) -> Tensor:
        seen.append(forward(stack))
        return seen[-1]

    network.forward = keep  # type: ignore[method-assign]
    logits(network, 4)
    assert not any(output.requires_grad for output in seen)
