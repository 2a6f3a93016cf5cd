"""Train a network on a study. The loop reads in the order it happens."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lesionseg_training.checkpoint import FILE, TrainState, load_checkpoint, save_checkpoint
from lesionseg_training.config import TrainConfig
from lesionseg_training.curves import draw_curves
from lesionseg_training.data import TrainingCase, load_cases, to_tensors
from lesionseg_training.evaluate import evaluate_model, quick_dice
from lesionseg_training.events import Epoch, Event, Finished, Started, Step, Warning_
from lesionseg_training.losses import hybrid_loss
from lesionseg_training.sampling import Batch, Item, draw_epoch
from napari_lesionseg import __version__
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.device import choose_device, describe_device
from napari_lesionseg.models.card import LoadedModel, ModelCard, load_model, save_model
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.atomic import write_atomically

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
    """Train on the study's ``train`` patients and write a model folder.

    Parameters
    ----------
    run
        Run folder: ``config.json``, ``metrics.jsonl``, ``curves.png``, ``checkpoint.safetensors``, ``model/``.
    start
        Model folder whose weights the training starts from.
    resume
        Go on from the run folder's checkpoint, with the configuration the run was started with.

    Returns
    -------
    Path
        The model folder.

    Raises
    ------
    LesionsegError
        If the study has no labelled training case, the run folder is in use, or the loss stops being a number.
    """
    run = Path(run)
    config = _open_run(run, config, resume)
    torch.set_num_threads(config.threads or os.cpu_count() or 1)
    device = choose_device(config.device)
    cases = load_cases(study, "train", config)
    if not cases:
        raise LesionsegError(f"{study.folder} has no training case with truth or a correction; add one first.")
    held_out = load_cases(study, config.validation_split, config)
    if not held_out:
        emit(Warning_(f"No labelled {config.validation_split} patient in the study: Dice is on training data alone."))
    state = _new_state(config, device, start)
    if resume:
        load_checkpoint(run, state)
    patients = {"train": len({case.patient for case in cases}), "validation": len({c.patient for c in held_out})}
    emit(Started(str(run), config.name, describe_device(device), config.epochs, state.epoch, patients))

    for epoch in range(state.epoch, config.epochs):
        began = time.perf_counter()
        loss, train_dice = _train_epoch(state, cases, config, device, emit)
        last = epoch + 1 == config.epochs
        look = bool(held_out) and (last or (epoch + 1) % config.validate_every == 0)
        dice = _validate(state.average, held_out, config, device) if look else None
        state.epoch = epoch + 1
        seconds = time.perf_counter() - began
        record = Epoch(
            state.epoch,
            config.epochs,
            loss,
            train_dice,
            dice,
            state.optimiser.param_groups[0]["lr"],
            seconds,
            seconds * (config.epochs - state.epoch),
        )
        state.history.append(asdict(record))
        _record(run, state, draw=look or last)
        emit(record)

    folder = run / "model"
    card = save_model(folder, state.average, _card(study, config, cases, start))
    if held_out:
        metrics = evaluate_model(load_model(folder, device), study, config.validation_split, device=device)
        card = save_model(folder, state.average, card.model_copy(update={"metrics": {"validation": metrics}}))
    emit(Finished(str(folder), "completed", card.metrics))
    return folder


def _open_run(run: Path, config: TrainConfig, resume: bool) -> TrainConfig:
    path = run / "config.json"
    if resume:
        try:
            return TrainConfig.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise LesionsegError(f"{run} is not a run that can be resumed: {path.name} is missing or damaged.") from error
    if (run / FILE).exists() or path.exists():
        raise LesionsegError(f"{run} holds a run already; resume it, or give another folder.")
    write_atomically(path, config.model_dump_json(indent=2).encode() + b"\n")
    return config


def _new_state(config: TrainConfig, device: str, start: Path | None) -> TrainState:
    torch.manual_seed(config.seed)
    if start is not None:
        network = load_model(start, device).network.train()
        if network.config != config.network:
            raise LesionsegError(f"{start} is another network than the configuration asks for; leave 'network' to it.")
    else:
        network = DualEncoderUNet(config.network, config.prior).to(device)
    average = copy.deepcopy(network).requires_grad_(False) if config.ema else network
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    return TrainState(network, average, optimiser)


def _train_epoch(
    state: TrainState, cases: list[TrainingCase], config: TrainConfig, device: str, emit: Emit
) -> tuple[float, float]:
    """One pass over the epoch's batches; mean loss, and Dice pooled over all its cut-outs."""
    rng = np.random.default_rng([config.seed, state.epoch])
    batches = _draw(cases, config, rng, state.epoch / config.epochs)
    losses, overlaps, began = [], np.zeros(2), time.perf_counter()
    state.network.train()
    for index, batch in enumerate(batches):
        grey, target = (tensor.to(device) for tensor in to_tensors(cases, batch, config, rng))
        logits = state.network(grey)
        loss = hybrid_loss(
            logits,
            target,
            dice_weight=config.dice_weight,
            bce_weight=config.bce_weight,
            pool=config.pool_dice,
            epsilon=config.epsilon,
        )
        (loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
        if not math.isfinite(loss.item()):
            raise LesionsegError(
                f"The loss stopped being a number in epoch {state.epoch + 1}; resume with a lower learning_rate."
            )
        if (index + 1) % config.accumulate == 0 or index + 1 == len(batches):
            _step(state, config, (state.epoch + index / len(batches)) / config.epochs)
        losses.append(loss.item())
        overlaps += _overlap(logits, target)
        done = state.epoch * len(batches) + index + 1
        eta = (time.perf_counter() - began) / (index + 1) * (config.epochs * len(batches) - done)
        emit(Step(done, config.epochs * len(batches), losses[-1], eta))
    return float(np.mean(losses)), float(2 * overlaps[0] / max(overlaps[1], 1.0))


def _draw(cases: list[TrainingCase], config: TrainConfig, rng: np.random.Generator, progress: float) -> list[Batch]:
    """The epoch's batches; with ``replay``, each is joined from corrected cases and from cases with truth."""

    def draw(which: list[int], size: int, batches: int | None) -> list[Batch]:
        pools = [cases[index].pools for index in which]
        drawn = draw_epoch(config.sampler, pools, rng, batch_size=size, batches=batches, progress=progress)
        return [[Item(which[item.case], item.row) for item in batch] for batch in drawn]

    corrected = [index for index, case in enumerate(cases) if case.corrected]
    known = [index for index, case in enumerate(cases) if not case.corrected]
    replayed = round(config.replay * config.batch_size)
    if not (replayed and corrected and known):
        return draw(list(range(len(cases))), config.batch_size, config.steps_per_epoch)
    new = draw(corrected, config.batch_size - replayed, config.steps_per_epoch)
    old = draw(known, replayed, len(new))
    return [a + b for a, b in zip(new, old, strict=False)]


def _step(state: TrainState, config: TrainConfig, progress: float) -> None:
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(config, progress)
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), 1.0 if config.schedule == "cosine" else math.inf)
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


def learning_rate(config: TrainConfig, progress: float) -> float:
    """Learning rate at a share ``progress`` of the run."""
    if config.schedule == "step":
        return config.learning_rate * config.step_gamma ** (int(progress * config.epochs + 1e-9) // config.step_epochs)
    if progress < config.warm_up:
        return config.learning_rate * (0.05 + 0.95 * progress / config.warm_up)
    falling = (progress - config.warm_up) / (1 - config.warm_up)
    half_cosine = 0.5 * (1 + math.cos(math.pi * falling))
    return config.final_learning_rate + (config.learning_rate - config.final_learning_rate) * half_cosine


def _overlap(logits: torch.Tensor, target: torch.Tensor) -> Any:
    predicted, lesion = logits.detach() > 0, target > 0.5
    return np.array([(predicted & lesion).sum().item(), predicted.sum().item() + lesion.sum().item()], float)


def _validate(network: DualEncoderUNet, cases: list[TrainingCase], config: TrainConfig, device: str) -> float | None:
    scores = [quick_dice(network, case, device, config.threshold, config.validation_stride) for case in cases]
    defined = [score for score in scores if score is not None]
    return float(np.mean(defined)) if defined else None


def _record(run: Path, state: TrainState, *, draw: bool) -> None:
    """Checkpoint first: metrics and curves can be made again from it."""
    save_checkpoint(run, state)
    lines = "".join(json.dumps(record) + "\n" for record in state.history)
    write_atomically(run / "metrics.jsonl", lines.encode())
    if draw:
        draw_curves(run / "curves.png", state.history)


def _card(study: Study, config: TrainConfig, cases: list[TrainingCase], start: Path | None) -> ModelCard:
    split = json.dumps(study.split(), sort_keys=True)
    own = {"description", "licence", "training_data", "limits", "name", "preprocessing", "threshold", "network"}
    return ModelCard(
        name=config.name,
        description=config.description,
        preprocessing=config.preprocessing,
        threshold=config.threshold,
        training_data=config.training_data or f"{len(cases)} cases of the user's own study",
        licence=config.licence,
        limits=config.limits,
        parent=load_model(start).card.name if start is not None else "",
        split_hash=hashlib.sha256(split.encode()).hexdigest(),
        training={
            "config": config.model_dump(mode="json", exclude=own),
            "cases": [case.id for case in cases],
            "hardware": f"{platform.machine()}, {describe_device(choose_device(config.device))}",
            "versions": {"napari-lesionseg": __version__, "torch": str(torch.__version__)},
        },
    )
