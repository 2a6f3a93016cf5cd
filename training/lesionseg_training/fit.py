"""Train a network on a study. The loop reads in the order it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lesionseg_training.batches import draw_batches
from lesionseg_training.board import Board
from lesionseg_training.checkpoint import load_checkpoint
from lesionseg_training.config import TrainConfig, config_path
from lesionseg_training.data import TrainingCase, TrainingData, cut, draw_views, load_data
from lesionseg_training.evaluate import quick_dice
from lesionseg_training.events import Epoch, Event, Finished, Started, Step, Warning_
from lesionseg_training.machine import Machine, machine_for
from lesionseg_training.outcome import make_card, publish
from lesionseg_training.prefetch import prefetched
from lesionseg_training.run_folder import MODEL, claimed, open_run, record, record_history
from lesionseg_training.sampling import Batch
from lesionseg_training.schedule import Pace, looks_at
from lesionseg_training.start import new_state
from lesionseg_training.step import Stepper, add_gradients, check_weights, take_step
from lesionseg_training.tally import Tally
from napari_lesionseg.inference.device import describe_device
from napari_lesionseg.models.card import load_card
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
        Run folder: ``config.json``, ``metrics.jsonl``, ``curves.png``, ``checkpoint.safetensors``, TensorBoard's files,
        ``model/``.
    config
        Of a resumed run that which it was started with, but for what is the machine's (device, threads, …).
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
    with machine_for(config) as machine, claimed(run) if machine.first else nullcontext():
        if machine.first:
            config = open_run(run, config, resume=resume, parent=parent)
        machine.wait()
        if not machine.first:  # The first process has written the configuration; this one may not speak.
            config, emit = open_run(run, config, resume=True, parent=parent), lambda event: None
        with _threads(config.threads):
            return _fit(study, run, config, start, machine, emit)


def _fit(study: Study, run: Path, config: TrainConfig, start: Path | None, machine: Machine, emit: Emit) -> Path:
    state = new_state(config, machine.device, start)
    data = _load(study, config, machine, emit)
    if load_checkpoint(run, state) and machine.first:
        record_history(run, state)  # It may have been killed before that.
    machine.wait()
    patients = {"train": len({c.patient for c in data.cases}), "validation": len({c.patient for c in data.held_out})}
    emit(Started(str(run), config.name, describe_device(machine.device), config.epochs, state.epoch, patients))

    stepper, pace = Stepper(state, config, machine, lambda message: emit(Warning_(message))), Pace(config)
    with closing(Board(run, state.epoch)) as board:
        for epoch in range(state.epoch, config.epochs):
            began = time.perf_counter()
            tally = _train_epoch(stepper, data.cases, pace, emit)
            dice = _validate(stepper, data.held_out, pace) if looks_at(config, epoch) else None
            state.epoch = epoch + 1
            ended = Epoch(
                epoch=state.epoch,
                epochs=config.epochs,
                dice=dice,
                learning_rate=state.optimiser.param_groups[0]["lr"],
                seconds=time.perf_counter() - began,
                eta_s=pace.seconds_left(tally.steps * (config.epochs - state.epoch), state.epoch),
                **tally.figures(),
            )
            state.history.append(asdict(ended))
            if machine.first:
                board.add(state.history[-1])
                record(run, state)
            emit(ended)

    if machine.first:
        card = make_card(config, data, machine.device, start)
        card = publish(run / MODEL, state.average, card, study, config, machine.device)
        emit(Finished(str(run / MODEL), "completed", card.metrics))
    return run / MODEL


def _load(study: Study, config: TrainConfig, machine: Machine, emit: Emit) -> TrainingData:
    """Read the cases; the first process before the others, so that they find what it has prepared."""
    if not machine.first:
        machine.wait()
    data = load_data(study, config, lambda message: emit(Warning_(message)))
    if machine.first:
        machine.wait()
    return data


def _train_epoch(stepper: Stepper, cases: list[TrainingCase], pace: Pace, emit: Emit) -> Tally:
    """One pass over the epoch's batches."""
    state, config = stepper.state, stepper.config
    rng = np.random.default_rng([config.seed, state.epoch])
    batches = draw_batches(cases, config, rng, state.epoch, state.mined)
    tally, steps, mined = Tally(), len(batches), set[tuple[str, int]]()
    cut_outs = prefetched(_cut(cases, batches, stepper, rng), config.prefetch)
    state.network.train()
    for index in range(steps):
        began = time.perf_counter()
        grey, target = (tensor.to(stepper.machine.device) for tensor in next(cut_outs))
        waited = time.perf_counter() - began
        first = index - index % config.accumulate
        group = min(config.accumulate, steps - first)  # The last one may be smaller.
        loss, pixels, invented = add_gradients(stepper, grey, target, 1 / group)
        if index + 1 == first + group:
            take_step(stepper, (state.epoch + index / steps) / config.epochs)
        seconds = time.perf_counter() - began
        tally.add(loss, pixels, seconds, waited)
        mined |= _where(batches[index], invented, cases, stepper.machine)
        pace.stepped(seconds)
        done, total = state.epoch * steps + index + 1, config.epochs * steps
        emit(Step(done, total, loss, pace.seconds_left(total - done, state.epoch)))
    check_weights(stepper)
    state.mined = sorted(mined)
    return tally


def _where(batch: Batch, invented: list[bool], cases: Sequence[TrainingCase], machine: Machine) -> set[tuple[str, int]]:
    """(case id, row) of the batch's cut-outs on which any process's part invented lesion."""
    flags = np.zeros(len(batch))
    flags[machine.part(len(batch))] = invented
    seen = zip(batch, machine.add_figures(flags.tolist()), strict=True)
    return {(cases[item.case].id, item.row) for item, wrong in seen if wrong}


def _cut(
    cases: Sequence[TrainingCase], batches: Sequence[Batch], stepper: Stepper, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Cut one process's part of each batch; what is random is drawn for the whole batch, the same in every process."""
    for batch in batches:
        views = draw_views(cases, batch, stepper.config, rng)
        part = stepper.machine.part(len(batch))
        if batch[part]:
            yield cut(cases, batch[part], views[part], stepper.config)
        else:  # Fewer slices than processes.
            yield (
                torch.zeros(0, stepper.config.network.stack, 1, 1),
                torch.zeros(0, stepper.config.network.marked, 1, 1),
            )


def _validate(stepper: Stepper, cases: Sequence[TrainingCase], pace: Pace) -> float | None:
    """Mean Dice of the cases that have lesion or got some; each process looks at some of them."""
    config, machine, network = stepper.config, stepper.machine, stepper.state.average
    began = time.perf_counter()
    mine = cases[machine.rank :: machine.size]
    scores = [quick_dice(network, case, machine.device, config.threshold, config.validation_stride) for case in mine]
    network.to(machine.device)  # Inference goes to the CPU when memory runs out.
    defined = [score for score in scores if score is not None]
    total, count = machine.add_figures([sum(defined), len(defined)])
    pace.looked(time.perf_counter() - began)
    return total / count if count else None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let torch use so many threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
