"""One step of the training: gradients, then weights, then their moving average; none of them ever NaN."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lesionseg_training.checkpoint import TrainState
from lesionseg_training.config import TrainConfig
from lesionseg_training.losses import Whole, hybrid_loss, overlap_sums, presence_loss
from lesionseg_training.machine import Machine
from lesionseg_training.schedule import learning_rate
from napari_lesionseg.errors import LesionsegError

INVENTED_PIXELS = 10  # Fewer are a speck at a cut-out's border.
Pixels = npt.NDArray[np.float64]
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Stepper:
    """What all steps of a run have in common."""

    state: TrainState
    config: TrainConfig
    machine: Machine = Machine()
    warn: Callable[[str], None] = lambda message: None


class Added(NamedTuple):
    """What a batch came to.

    Parameters
    ----------
    loss, pixels
        Of the whole batch; pixels are hit, predicted, lesion, all.
    invented
        For each cut-out of this process's part, whether lesion was marked where there is none at all.
    """

    loss: float
    pixels: Pixels
    invented: list[bool]


def add_gradients(stepper: Stepper, grey: Tensor, target: Tensor, share: float) -> Added:
    """Forward and backward.

    Where memory runs out, the batch is split into smaller micro-batches and done again; the gradient stays what it is.

    Parameters
    ----------
    grey, target
        (N, K, H, W) and (N, C, H, W), from 0 to 1: this process's part of the batch.
    share
        Of this batch in the step.

    Raises
    ------
    LesionsegError
        If memory does not suffice for a single slice, or the loss is not a number.
    """
    machine, network = stepper.machine, stepper.state.network
    earlier = [weight.grad for weight in network.parameters()]  # Of other batches of this step.

    def sums() -> Tensor:
        return sum((_sums(stepper, *part) for part in _parts(stepper.state, grey, target)), torch.zeros(2).to(grey))

    def backward() -> tuple[Pixels, list[bool]]:
        network.zero_grad(set_to_none=True)
        whole = of_all or (Whole(len(grey), sums()) if _is_split(stepper.state, grey) else None)
        done = [_backward(stepper, *part, whole, share) for part in _parts(stepper.state, grey, target)]
        return sum((counts for counts, _ in done), np.zeros(5)), [one for _, invented in done for one in invented]

    of_all = None
    if machine.size > 1:
        slices = int(machine.add_figures([len(grey)])[0])
        of_all = Whole(slices, machine.add(_in_memory(stepper, len(grey), sums)))
    counts, invented = _in_memory(stepper, len(grey), backward)
    loss, *pixels = machine.add_figures(counts.tolist())
    for weight, before in zip(network.parameters(), earlier, strict=True):
        if before is not None:
            weight.grad = before if weight.grad is None else weight.grad + before
    return Added(_finite(loss, stepper), np.array(pixels), invented)


def take_step(stepper: Stepper, progress: float) -> None:
    """Turn the gradients into new weights; ``progress`` is the share of the run that is done.

    Raises
    ------
    LesionsegError
        If the gradients are not finite: they can be so where the loss is, and would spoil the weights for good.
    """
    state, config = stepper.state, stepper.config
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(config, progress)
    if stepper.machine.size > 1:
        _add_up_gradients(stepper)
    limit = 1.0 if config.schedule == "cosine" else math.inf
    _finite(torch.nn.utils.clip_grad_norm_(state.network.parameters(), limit).item(), stepper)
    state.optimiser.step()
    state.optimiser.zero_grad(set_to_none=True)
    if state.average is state.network:
        return
    # A young average would keep the random start: it forgets faster at first.
    steps = int(next(iter(state.optimiser.state.values()))["step"])
    decay = min(config.ema, (1 + steps) / (10 + steps))
    with torch.no_grad():
        for mean, weight in zip(state.average.parameters(), state.network.parameters(), strict=True):
            mean.lerp_(weight, 1 - decay)


def check_weights(stepper: Stepper) -> None:
    """Refuse weights that are not finite, so that no checkpoint ever holds such.

    Raises
    ------
    LesionsegError
        If there is one.
    """
    for network in (stepper.state.network, stepper.state.average):
        for weight in network.parameters():
            _finite(weight.detach().abs().max().item(), stepper)


def _backward(
    stepper: Stepper, grey: Tensor, target: Tensor, whole: Whole | None, share: float
) -> tuple[Pixels, list[bool]]:
    """Add a part's gradients; its share of the loss with its pixels (hit, …), and where it invented lesion."""
    config = stepper.config
    logits, presence = _marks(stepper, grey)
    loss = hybrid_loss(
        logits,
        target,
        dice_weight=config.dice_weight,
        bce_weight=config.bce_weight,
        pool=config.pool_dice,
        epsilon=config.epsilon,
        whole=whole,
    )
    if presence is not None and config.presence_weight:
        loss = loss + config.presence_weight * presence_loss(presence, target, whole)
    (loss * share).backward()
    predicted, lesion = logits.detach() > 0, target > 0.5
    counts = [(predicted & lesion).sum().item(), predicted.sum().item(), lesion.sum().item(), lesion.numel()]
    invented = (predicted.flatten(1).sum(1) >= INVENTED_PIXELS) & ~lesion.flatten(1).any(1)
    return np.array([loss.item(), *counts], np.float64), invented.tolist()


def _sums(stepper: Stepper, grey: Tensor, target: Tensor) -> Tensor:
    with torch.no_grad():
        return overlap_sums(torch.sigmoid(_marks(stepper, grey)[0]), target)


def _marks(stepper: Stepper, grey: Tensor) -> tuple[Tensor, Tensor | None]:
    """Logits of pixels and, from a network with a presence head, of slices; both in float32 at least."""
    with torch.autocast(stepper.machine.device, torch.bfloat16, enabled=stepper.machine.half):
        logits, presence = stepper.state.network.marks(grey)
    if stepper.machine.half:
        return logits.float(), None if presence is None else presence.float()
    return logits, presence


def _is_split(state: TrainState, grey: Tensor) -> bool:
    return state.micro_batch is not None and state.micro_batch < len(grey)


def _parts(state: TrainState, grey: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The batch in micro-batches; none at all if this process has no part of it."""
    size = state.micro_batch or max(1, len(grey))
    for start in range(0, len(grey), size):
        yield grey[start : start + size], target[start : start + size]


def _in_memory(stepper: Stepper, slices: int, work: Callable[[], Result]) -> Result:
    """Do ``work``; with half the micro-batch, again, as long as memory does not suffice."""
    while True:
        try:
            return work()
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            tried = min(stepper.state.micro_batch or slices, slices)
            if tried == 1:
                raise LesionsegError(
                    "Memory does not suffice for a single slice; start a new run with a smaller patch or network, "
                    "or on another device."
                ) from error
        # Only here, where the error no longer holds on to what was computed.
        stepper.state.network.zero_grad(set_to_none=True)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        stepper.state.micro_batch = tried // 2
        stepper.warn(
            f"Memory does not suffice for {tried} slices at a time: it goes on with {tried // 2}, gradients unchanged."
        )


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "not enough memory" in str(error)


def _add_up_gradients(stepper: Stepper) -> None:
    """Add the processes' gradients, in one go; whoever had no part of the batch adds nothing."""
    weights = list(stepper.state.network.parameters())
    pieces = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
    has_any = torch.stack(
        [torch.zeros_like(piece.sum()) + (w.grad is not None) for w, piece in zip(weights, pieces, strict=True)]
    )
    *added, counts = stepper.machine.add(torch.cat([*(piece.flatten() for piece in pieces), has_any])).split(
        [*(weight.numel() for weight in weights), len(weights)]
    )
    for weight, piece, count in zip(weights, added, counts.tolist(), strict=True):
        weight.grad = piece.view_as(weight).clone() if count else None  # AdamW would decay what nobody used.


def _finite(number: float, stepper: Stepper) -> float:
    if math.isfinite(number):
        return number
    done = stepper.state.epoch
    stands = f"the checkpoint after epoch {done} is kept" if done else "no checkpoint is written"
    other = "resume it with --set precision=32, or " if stepper.machine.half and done else ""
    raise LesionsegError(
        f"The loss stopped being a number in epoch {done + 1}, and {stands}; {other}start a new run with a lower "
        "learning_rate."
    )
