"""What depends on how far a run has come: learning rate, validations, and the time that is left."""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean

from lesionseg_training.config import TrainConfig

RECENT = 50  # Steps whose time tells the speed: a laptop slows down, a neighbour on the machine goes away.


def learning_rate(config: TrainConfig, progress: float) -> float:
    """Learning rate at a share ``progress`` of the run."""
    if config.schedule == "step":
        return config.learning_rate * config.step_gamma ** (int(progress * config.epochs + 1e-9) // config.step_epochs)
    if progress < config.warm_up:
        return config.learning_rate * (0.05 + 0.95 * progress / config.warm_up)
    falling = (progress - config.warm_up) / (1 - config.warm_up)
    half_cosine = 0.5 * (1 + math.cos(math.pi * falling))
    return config.final_learning_rate + (config.learning_rate - config.final_learning_rate) * half_cosine


def sampling_progress(config: TrainConfig, epoch: int) -> float:
    """How far the sampler's mix has slid in an epoch (from 0): 0 in the first, 1 in the last."""
    return epoch / max(1, config.epochs - 1)


def looks_at(config: TrainConfig, epoch: int) -> bool:
    """Whether an epoch (from 0) ends with a validation: every ``validate_every``-th does, and the last."""
    return (epoch + 1) % config.validate_every == 0 or epoch + 1 == config.epochs


class Pace:
    """Seconds a step and a validation take, timed apart: an epoch with a validation says little of one without."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._steps: deque[float] = deque(maxlen=RECENT)
        self._looks: deque[float] = deque(maxlen=RECENT)

    def stepped(self, seconds: float) -> None:
        """Note the time of a step."""
        self._steps.append(seconds)

    def looked(self, seconds: float) -> None:
        """Note the time of a validation."""
        self._looks.append(seconds)

    def seconds_left(self, steps: int, epoch: int) -> float:
        """Time for ``steps`` more steps and the validations from ``epoch`` (from 0) on; 0 for what is not known yet."""
        looks = sum(looks_at(self._config, later) for later in range(epoch, self._config.epochs))
        return steps * fmean(self._steps or [0.0]) + looks * fmean(self._looks or [0.0])
