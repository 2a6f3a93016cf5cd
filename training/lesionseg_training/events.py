"""What a training run says: one JSON object per line on stdout. Read by panels, so without torch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    def to_line(self) -> str:
        """One line of JSON, without the line break; a figure that is not finite is null, as JSON has no NaN."""
        return json.dumps({"event": type(self).__name__.rstrip("_").lower(), **_finite(asdict(self))}, allow_nan=False)


@dataclass(frozen=True)
class Started(Event):
    """The data is read and the first step is about to be taken."""

    run: str
    model: str
    device: str
    epochs: int
    first_epoch: int
    patients: dict[str, int]


@dataclass(frozen=True)
class Step(Event):
    """A step was taken; ``step`` and ``steps`` count over the whole run."""

    step: int
    steps: int
    loss: float
    eta_s: float


@dataclass(frozen=True)
class Epoch(Event):
    """An epoch ended and its checkpoint is on disk.

    ``train_dice`` is over the cut-outs trained on; ``dice`` is per case on validation patients, where looked at.
    ``predicted_share`` and ``lesion_share`` are shares of the pixels trained on, by which a network that marks nothing
    (or everything) gives itself away. ``data_share`` is the share of the steps' time spent waiting for cut-outs.
    """

    epoch: int
    epochs: int
    loss: float
    train_dice: float
    dice: float | None
    learning_rate: float
    seconds: float
    eta_s: float
    predicted_share: float = 0.0
    lesion_share: float = 0.0
    data_share: float = 0.0


@dataclass(frozen=True)
class Warning_(Event):
    """Something a user should know; training goes on."""

    message: str


@dataclass(frozen=True)
class Finished(Event):
    """The model folder is on disk."""

    model_folder: str
    reason: str
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed(Event):
    """The run ended without a model; the last checkpoint stands."""

    message: str


_KINDS: dict[str, type[Event]] = {
    "started": Started,
    "step": Step,
    "epoch": Epoch,
    "warning": Warning_,
    "finished": Finished,
    "failed": Failed,
}


def parse_line(line: str) -> Event | None:
    """Read one line; ``None`` for anything that is not an event (a library's own print, a cut line)."""
    try:
        values = json.loads(line)
        return _KINDS[values.pop("event")](**values)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
