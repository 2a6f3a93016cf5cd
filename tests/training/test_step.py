from __future__ import annotations

import math

import pytest
import torch
from lesionseg_training.checkpoint import TrainState
from lesionseg_training.config import TrainConfig
from lesionseg_training.machine import Machine
from lesionseg_training.start import new_state
from lesionseg_training.step import Stepper, add_gradients, check_weights, take_step
from torch import Tensor

from napari_lesionseg.errors import LesionsegError

GREY = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
TARGET = (GREY[:, 1:2] > 0.8).float()


def _gradients(state: TrainState) -> Tensor:
    return torch.cat([weight.grad.flatten() for weight in state.network.parameters() if weight.grad is not None])


def _weights(network: torch.nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()]).clone()


def _ready(config: TrainConfig) -> TrainState:
    state = new_state(config, "cpu", None)
    add_gradients(Stepper(state, config), GREY, TARGET, 1.0)
    return state


def test_slice_by_slice_two_half_batches_give_the_gradient_of_one(tiny) -> None:
    config = tiny(pool_dice=False)
    whole, halves = _ready(config), new_state(config, "cpu", None)
    for part in (slice(0, 2), slice(2, 4)):
        add_gradients(Stepper(halves, config), GREY[part], TARGET[part], 0.5)
    assert torch.allclose(_gradients(whole), _gradients(halves), atol=1e-6)
    assert _gradients(whole).abs().max() > 1e-3


def test_pooled_dice_is_not_the_same_over_two_half_batches(tiny) -> None:
    config = tiny(pool_dice=True)
    target = TARGET * torch.tensor([1.0, 1, 0, 0])[:, None, None, None]  # The second half is empty.
    whole, halves = new_state(config, "cpu", None), new_state(config, "cpu", None)
    add_gradients(Stepper(whole, config), GREY, target, 1.0)
    for part in (slice(0, 2), slice(2, 4)):
        add_gradients(Stepper(halves, config), GREY[part], target[part], 0.5)
    assert (_gradients(whole) - _gradients(halves)).norm() > 0.05 * _gradients(whole).norm()


def test_pixels_are_counted(tiny) -> None:
    config = tiny(prior=0.9)
    state = new_state(config, "cpu", None)
    with torch.no_grad():
        predicted = state.network(GREY) > 0
    _, pixels, _ = add_gradients(Stepper(state, config), GREY, TARGET, 1.0)
    assert pixels.tolist() == [(predicted & (TARGET > 0)).sum(), predicted.sum(), TARGET.sum(), TARGET.numel()]
    assert pixels[0] > 0


def test_a_step_moves_the_weights_at_the_scheduled_rate_and_clears_the_gradients(tiny) -> None:
    config = tiny(warm_up=0.0, learning_rate=1e-2, final_learning_rate=1e-3, weight_decay=0.0)
    state = _ready(config)
    before = _weights(state.network)
    take_step(Stepper(state, config), 0.5)
    assert state.optimiser.param_groups[0]["lr"] == pytest.approx(5.5e-3)
    moved = (_weights(state.network) - before).abs()
    assert moved.max() == pytest.approx(5.5e-3, rel=1e-3)  # Adam's first step is the rate itself.
    assert all(weight.grad is None for weight in state.network.parameters())


def test_gradients_are_clipped_with_cosine_and_left_alone_with_step(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    norms = {}
    for schedule in ("cosine", "step"):
        config = tiny(schedule=schedule)
        state = _ready(config)
        for weight in state.network.parameters():
            if weight.grad is not None:
                weight.grad *= 1000
        monkeypatch.setattr(state.optimiser, "zero_grad", lambda set_to_none: None)
        take_step(Stepper(state, config), 0.5)
        norms[schedule] = _gradients(state).norm().item()
    assert norms["cosine"] == pytest.approx(1.0, rel=1e-4)
    assert norms["step"] > 10


def test_the_average_follows_slowly_and_a_young_one_faster(tiny) -> None:
    config = tiny(ema=0.5)
    state = _ready(config)
    old = _weights(state.average)
    take_step(Stepper(state, config), 0.5)
    share = 1 - 2 / 11  # After the first step: 1 − (1 + 1) / (10 + 1).
    expected = old + share * (_weights(state.network) - old)
    assert torch.allclose(_weights(state.average), expected, atol=1e-7)
    for _ in range(12):
        add_gradients(Stepper(state, config), GREY, TARGET, 1.0)
        old = _weights(state.average)
        take_step(Stepper(state, config), 0.5)
    assert torch.allclose(_weights(state.average), old + 0.5 * (_weights(state.network) - old), atol=1e-6)


def test_without_an_average_the_network_itself_is_kept(tiny) -> None:
    state = new_state(tiny(ema=0.0), "cpu", None)
    assert state.average is state.network


@pytest.mark.parametrize("figure", [math.nan, math.inf])
def test_a_loss_that_is_not_a_number_is_told(tiny, figure: float) -> None:
    config = tiny()
    state = new_state(config, "cpu", None)
    with pytest.raises(LesionsegError, match=r"stopped being a number in epoch 1, and .*; start a new run"):
        add_gradients(Stepper(state, config), torch.full_like(GREY, figure), TARGET, 1.0)


@pytest.mark.parametrize("schedule", ["cosine", "step"])
def test_an_infinite_gradient_is_told_before_it_reaches_the_weights(tiny, schedule: str) -> None:
    config = tiny(schedule=schedule)
    state = _ready(config)
    before = _weights(state.network)
    next(state.network.parameters()).grad[0, 0, 0, 0] = math.inf  # type: ignore[index]
    with pytest.raises(LesionsegError, match="stopped being a number"):
        take_step(Stepper(state, config), 0.5)
    assert torch.equal(_weights(state.network), before)


@pytest.mark.hazard("H25")
def test_weights_that_are_not_numbers_are_told(tiny) -> None:
    config = tiny()
    state = new_state(config, "cpu", None)
    check_weights(Stepper(state, config))
    for network in (state.network, state.average):
        with torch.no_grad():
            kept = next(network.parameters())[0, 0, 0, 0].item()
            next(network.parameters())[0, 0, 0, 0] = math.nan
        with pytest.raises(LesionsegError, match="stopped being a number"):
            check_weights(Stepper(state, config))
        with torch.no_grad():
            next(network.parameters())[0, 0, 0, 0] = kept


def _full_above(state: TrainState, most: int, monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[int]:
    """Let the network's memory suffice for ``most`` slices; the sizes that were tried."""
    tried, mark = [], state.network.marks

    def forward(stack: Tensor) -> tuple[Tensor, Tensor | None]:
        tried.append(len(stack))
        if len(stack) > most:
            raise error
        return mark(stack)

    monkeypatch.setattr(state.network, "marks", forward)
    return tried


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nGPU 0 …"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory: you tried to allocate"),
    MemoryError(),
]


@pytest.mark.hazard("H24")
@pytest.mark.parametrize("error", ERRORS, ids=["GPU", "CPU", "Python"])
def test_where_memory_runs_out_the_batch_is_split_and_its_gradients_stay(
    tiny, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    config, warnings = tiny(), []
    whole, small = (new_state(config, "cpu", None) for _ in range(2))
    for state in (whole, small):
        state.network.double()
    # A batch that came before in this step: what it gave is not lost, nor counted twice.
    for state in (whole, small):
        add_gradients(Stepper(state, config), GREY[:2].double(), TARGET[:2].double(), 0.5)
    loss, pixels, _ = add_gradients(Stepper(whole, config), GREY.double(), TARGET.double(), 0.5)
    tried = _full_above(small, 1, monkeypatch, error)
    again, counted, _ = add_gradients(Stepper(small, config, warn=warnings.append), GREY.double(), TARGET.double(), 0.5)
    assert tried == [4, 2, 1, 1, 1, 1, 1, 1, 1, 1]  # The last four with gradients.
    assert small.micro_batch == 1
    assert [warning[:46] for warning in warnings] == [
        f"Memory does not suffice for {n} slices at a time" for n in (4, 2)
    ]
    assert again == pytest.approx(loss, rel=1e-12)
    assert counted.tolist() == pixels.tolist()
    assert (_gradients(small) - _gradients(whole)).norm() < 1e-9 * _gradients(whole).norm()


@pytest.mark.hazard("H24")
def test_too_little_memory_for_a_single_slice_is_told_in_one_sentence(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    state = new_state(tiny(), "cpu", None)
    _full_above(state, 0, monkeypatch, ERRORS[0])
    with pytest.raises(LesionsegError, match=r"Memory does not suffice for a single slice; start .* smaller patch"):
        add_gradients(Stepper(state, tiny()), GREY, TARGET, 1.0)


def test_an_error_that_is_not_about_memory_is_passed_on(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    state = new_state(tiny(), "cpu", None)
    tried = _full_above(state, 0, monkeypatch, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        add_gradients(Stepper(state, tiny()), GREY, TARGET, 1.0)
    assert tried == [4]


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize("micro_batch", [1, 2, 3])
def test_micro_batches_give_the_gradient_of_the_whole_batch(tiny, micro_batch: int, pool: bool) -> None:
    target = (TARGET * torch.tensor([1.0, 1, 0, 0])[:, None, None, None]).double()  # The second half is empty.
    whole, split = (new_state(tiny(pool_dice=pool, micro_batch=m), "cpu", None) for m in (None, micro_batch))
    figures = []
    for state in (whole, split):
        state.network.double()
        figures.append(add_gradients(Stepper(state, tiny(pool_dice=pool)), GREY.double(), target, 1.0))
    assert (_gradients(whole) - _gradients(split)).norm() < 1e-9 * _gradients(whole).norm()
    assert figures[0][0] == pytest.approx(figures[1][0], rel=1e-12)
    assert figures[0][1].tolist() == figures[1][1].tolist()


def test_in_bfloat16_the_weights_stay_float32_and_the_gradients_are_nearly_the_same(tiny) -> None:
    exact, half = _ready(tiny()), new_state(tiny(), "cpu", None)
    add_gradients(Stepper(half, tiny(), Machine("cpu", half=True)), GREY, TARGET, 1.0)
    difference = (_gradients(exact) - _gradients(half)).norm() / _gradients(exact).norm()
    assert 0 < difference < 0.05
    assert {weight.dtype for weight in half.network.parameters()} == {torch.float32}


def test_the_sentence_says_what_stands_and_in_bfloat16_offers_float32(tiny) -> None:
    state = new_state(tiny(), "cpu", None)
    state.epoch = 6
    for half in (True, False):
        with pytest.raises(LesionsegError, match=r"epoch 7, and the checkpoint after epoch 6 is kept; ") as told:
            add_gradients(Stepper(state, tiny(), Machine("cpu", half)), GREY * math.nan, TARGET, 1.0)
        assert ("resume it with --set precision=32" in str(told.value)) is half


def test_lesion_is_invented_where_it_is_marked_and_there_is_none_at_all(tiny) -> None:
    state = _ready(tiny())
    with torch.no_grad():
        state.network.head.weight.zero_()
        state.network.head.bias.fill_(3.0)  # It marks everything.
    target = TARGET.clone()
    target[2:] = 0
    assert add_gradients(Stepper(state, tiny()), GREY, target, 1.0).invented == [False, False, True, True]
    with torch.no_grad():
        state.network.head.bias.fill_(-3.0)
    assert add_gradients(Stepper(state, tiny(micro_batch=1)), GREY, target, 1.0).invented == [False] * 4
