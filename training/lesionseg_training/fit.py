"""Train a network on a study. The loop reads in the order it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from lesionseg_training.batches import draw_batches
from lesionseg_training.checkpoint import TrainState, load_checkpoint
from lesionseg_training.config import TrainConfig, config_path
from lesionseg_training.data import TrainingCase, load_data, to_tensors
from lesionseg_training.evaluate import quick_dice
from lesionseg_training.events import Epoch, Event, Finished, Started, Step, Warning_
from lesionseg_training.outcome import make_card, publish
from lesionseg_training.run_folder import MODEL, claimed, open_run, record, record_history
from lesionseg_training.schedule import Pace, looks_at
from lesionseg_training.start import new_state
from lesionseg_training.step import add_gradients, check_weights, take_step
from napari_lesionseg.inference.device import choose_device, describe_device
from napari_lesionseg.models.card import load_card
from napari_lesionseg.models.network import LesionNetwork
from napari_lesionseg.study.store import Study

Emit = Callable[[Event], None]


def fit(
    study: Study,
    run: Path,
    config: TrainConfig,
    *,
    start: Path | None = None,
    resume: bool = False,
    emit: Emit = lambda event: None,
) -> Path:
    """Train on the study's ``train`` patients; write a model folder and return it.

    Parameters
    ----------
    run
        Run folder: ``config.json``, ``metrics.jsonl``, ``curves.png``, ``checkpoint.safetensors``, ``model/``.
    config
        Of a resumed run that which it was started with, but for device and threads.
    start
        Model folder whose weights the training starts from.
    resume
        Go on from the run folder's checkpoint.

    Raises
    ------
    LesionsegError
        If the study has no labelled training case, the run folder is in use, memory or disk run out, or the loss
        stops being a number. The last checkpoint stands.
    """
    run = Path(run)
    parent = load_card(start).sha256 if start is not None else ""
    if resume:
        config_path(run)
    with claimed(run):
        config = open_run(run, config, resume=resume, parent=parent)
        with _threads(config.threads):
            return _fit(study, run, config, start, emit)


def _fit(study: Study, run: Path, config: TrainConfig, start: Path | None, emit: Emit) -> Path:
    device = choose_device(config.device)
    state = new_state(config, device, start)
    data = load_data(study, config, lambda message: emit(Warning_(message)))
    if load_checkpoint(run, state):
        record_history(run, state, draw=looks_at(config, state.epoch - 1))  # It may have been killed before that.
    patients = {"train": len({c.patient for c in data.cases}), "validation": len({c.patient for c in data.held_out})}
    emit(Started(str(run), config.name, describe_device(device), config.epochs, state.epoch, patients))

    pace = Pace(config)
    for epoch in range(state.epoch, config.epochs):
        began = time.perf_counter()
        loss, train_dice, steps = _train_epoch(state, data.cases, config, device, pace, emit)
        look = looks_at(config, epoch)
        dice = _validate(state.average, data.held_out, config, device, pace) if look and data.held_out else None
        state.epoch = epoch + 1
        ended = Epoch(
            epoch=state.epoch,
            epochs=config.epochs,
            loss=loss,
            train_dice=train_dice,
            dice=dice,
            learning_rate=state.optimiser.param_groups[0]["lr"],
            seconds=time.perf_counter() - began,
            eta_s=pace.seconds_left(steps * (config.epochs - state.epoch), state.epoch),
        )
        state.history.append(asdict(ended))
        record(run, state, draw=look)
        emit(ended)

    card = publish(run / MODEL, state.average, make_card(config, data, device, start), study, config, device)
    emit(Finished(str(run / MODEL), "completed", card.metrics))
    return run / MODEL


def _train_epoch(
    state: TrainState, cases: list[TrainingCase], config: TrainConfig, device: str, pace: Pace, emit: Emit
) -> tuple[float, float, int]:
    """One pass over the epoch's batches; mean loss, Dice pooled over all its cut-outs, and their number."""
    rng = np.random.default_rng([config.seed, state.epoch])
    batches = draw_batches(cases, config, rng, state.epoch)
    steps, losses, overlaps = len(batches), [], np.zeros(2)
    state.network.train()
    for index, batch in enumerate(batches):
        began = time.perf_counter()
        grey, target = (tensor.to(device) for tensor in to_tensors(cases, batch, config, rng))
        first = index - index % config.accumulate
        group = min(config.accumulate, steps - first)  # The last one may be smaller.
        loss, overlap = add_gradients(state, grey, target, config, 1 / group)
        if index + 1 == first + group:
            take_step(state, config, (state.epoch + index / steps) / config.epochs)
        losses.append(loss)
        overlaps += overlap
        pace.stepped(time.perf_counter() - began)
        done, total = state.epoch * steps + index + 1, config.epochs * steps
        emit(Step(done, total, loss, pace.seconds_left(total - done, state.epoch)))
    check_weights(state)
    return float(np.mean(losses)), float(2 * overlaps[0] / max(overlaps[1], 1.0)), steps


def _validate(
    network: LesionNetwork, cases: list[TrainingCase], config: TrainConfig, device: str, pace: Pace
) -> float | None:
    """Mean Dice of the cases that have lesion or got some."""
    began = time.perf_counter()
    scores = [quick_dice(network, case, device, config.threshold, config.validation_stride) for case in cases]
    network.to(device)  # Inference goes to the CPU when memory runs out.
    pace.looked(time.perf_counter() - began)
    defined = [score for score in scores if score is not None]
    return float(np.mean(defined)) if defined else None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let torch use so many threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
