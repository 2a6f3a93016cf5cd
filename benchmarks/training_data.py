"""How long a training waits for its data: ``python benchmarks/training_data.py [--patients N] [--device …] [--json]``.

A study of generated patients, the preset ``robust`` (cut-outs of 128², batches of 8, augmented): seconds until all
cases are ready without and with the study's cache, and the share of a step that is spent waiting for the next batch,
cut in turn and cut ahead. Target: at most 10 % of a step. About half of the patients are trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lesionseg_training.batches import draw_batches
from lesionseg_training.config import TrainConfig, load_config
from lesionseg_training.data import TrainingCase, load_data, to_tensors
from lesionseg_training.losses import hybrid_loss
from lesionseg_training.prefetch import prefetched

from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.study.phantom_study import write_phantom_study
from napari_lesionseg.study.store import Study

TARGET = 0.10
Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scan", default="120,384,384", help="voxels of a generated scan")
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--steps", type=int, default=15, help="steps that are timed, of each kind")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    config = load_config("robust")
    with tempfile.TemporaryDirectory(prefix="lesionseg-data-") as folder:
        shape = tuple(int(side) for side in asked.scan.split(","))
        study = write_phantom_study(Path(folder) / "study", asked.patients, shape=shape)  # type: ignore[arg-type]
        cases, ready = starts(study, config)
        figures = {**ready, **steps(cases, config, asked.steps, asked.device)}
    figures["holds"] = figures["waiting_ahead"] <= TARGET
    if asked.json:
        print(json.dumps(figures))
    else:
        for key, value in figures.items():
            print(f"{key:28} {value:.4g}" if isinstance(value, float) else f"{key:28} {value}")
    sys.exit(0 if figures["holds"] else 1)


def starts(study: Study, config: TrainConfig) -> tuple[list[TrainingCase], dict[str, Any]]:
    """Seconds until the cases are ready: without a cache, with one to be filled, and with one that is."""
    never = config.model_copy(update={"cache_gb": 0.0})
    figures: dict[str, Any] = {}
    for key, one in (("without_cache_s", never), ("filling_cache_s", config), ("with_cache_s", config)):
        began = time.perf_counter()
        data = load_data(study, one, lambda said: print(said, file=sys.stderr))
        figures[key] = time.perf_counter() - began
    cases = [*data.cases, *data.held_out]
    figures["cases"] = len(cases)
    figures["cache_mb"] = sum(case.slices.nbytes + case.soft.nbytes for case in cases) / 1e6
    return data.cases, figures


def steps(cases: list[TrainingCase], config: TrainConfig, count: int, device: str) -> dict[str, float]:
    """Milliseconds to cut a batch and to learn from it, and the share of a step that the network waits."""
    torch.manual_seed(0)
    network = DualEncoderUNet(config.network, config.prior).to(device)
    optimiser = torch.optim.AdamW(network.parameters())

    def learn(grey: torch.Tensor, target: torch.Tensor) -> None:
        logits = network(grey.to(device))
        loss = hybrid_loss(logits, target.to(device), dice_weight=0.6, bce_weight=0.4, pool=True, epsilon=1e-5)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loss.item()

    for grey, target in batches(cases, config, 3):  # Warm.
        learn(grey, target)
    figures = {}
    for key, ahead in (("in_turn", 0), ("ahead", config.prefetch)):
        waited, whole = timed(prefetched(batches(cases, config, count), ahead), learn)
        figures |= {f"waiting_{key}": waited / whole, f"step_{key}_ms": 1000 * whole / count}
        figures[f"samples_per_s_{key}"] = count * config.batch_size / whole
    began = time.perf_counter()
    for _ in batches(cases, config, count):
        pass
    figures["cutting_ms"] = 1000 * (time.perf_counter() - began) / count
    figures["samples_per_s_cut_alone"] = 1000 * config.batch_size / figures["cutting_ms"]
    return figures


def batches(cases: list[TrainingCase], config: TrainConfig, count: int) -> Batches:
    rng = np.random.default_rng(0)
    for batch in draw_batches(cases, config.model_copy(update={"steps_per_epoch": count}), rng, 0):
        yield to_tensors(cases, batch, config, rng)


def timed(source: Batches, learn: Callable[[torch.Tensor, torch.Tensor], None]) -> tuple[float, float]:
    """Seconds that were spent waiting for batches, and in all."""
    waited, began = 0.0, time.perf_counter()
    while True:
        asked = time.perf_counter()
        batch = next(source, None)
        waited += time.perf_counter() - asked
        if batch is None:
            return waited, time.perf_counter() - began
        learn(*batch)


if __name__ == "__main__":
    main()
