"""How to train: one frozen description, saved beside the weights. Read by panels, so without torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.config import Architecture, DualEncoderConfig, Preprocessing, faulty_key

PRESETS = Path(__file__).parent / "configs"
RUN_CONFIG = "config.json"  # In the run folder.
MAX_BYTES = 4 << 20
Sampler = Literal["three_pool", "boundary", "lesion_only", "uniform"]


class TrainConfig(BaseModel):
    """Everything that decides a training run; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field("lesion-model", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Name on the model's card."""
    description: str = ""
    licence: str = ""
    """Licence of the weights, as far as the training data decides it."""
    training_data: str = ""
    limits: str = ""
    parent: str = ""
    """SHA-256 of the weights the run starts from, so that it is not resumed from others; filled in by the trainer."""
    seed: int = Field(0, ge=0)

    network: Architecture = DualEncoderConfig()
    preprocessing: Preprocessing = Preprocessing()
    prior: float = Field(0.02, gt=0, lt=1)
    """Share of lesion pixels that the untrained network predicts."""
    threshold: float = Field(0.5, gt=0, lt=1)

    guard: bool = False
    """Whether to fit threshold and guard on the calibration patients in the end, see ``guard.py``."""

    epochs: int = Field(50, ge=1)
    steps_per_epoch: int | None = Field(None, ge=1)
    """Batches in an epoch; ``None``: each drawn slice once."""
    batch_size: int = Field(8, ge=1)
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are added before a step."""
    learning_rate: float = Field(1e-3, gt=0, le=1)
    final_learning_rate: float = Field(1e-5, ge=0, le=1)
    """Reached at the end of the ``cosine`` schedule."""
    schedule: Literal["cosine", "step"] = "cosine"
    warm_up: float = Field(0.05, ge=0, lt=1)
    """Share of the steps over which the learning rate rises, with ``cosine``."""
    step_epochs: int = Field(20, ge=1)
    step_gamma: float = Field(0.1, gt=0, le=1)
    weight_decay: float = Field(1e-4, ge=0)
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay of the moving average of the weights; 0 keeps the last weights."""

    dice_weight: float = Field(0.6, ge=0)
    bce_weight: float = Field(0.4, ge=0)
    presence_weight: float = Field(0.0, ge=0)
    """Weight of telling slices with lesion from those without; for a network with a presence head."""
    pool_dice: bool = True
    """Dice over the whole batch instead of slice by slice."""
    epsilon: float = Field(1e-5, gt=0)

    sampler: Sampler = "three_pool"
    patch: int | None = Field(None, ge=32)
    """Side of the square cut-outs trained on, in pixels; ``None``: whole slices."""
    augment: bool = True
    zoom: tuple[float, float] = (0.8, 1.25)
    """Range of random magnification."""
    replay: float = Field(0.0, ge=0, lt=1)
    """Share of each batch that is drawn from cases with truth when learning from corrections."""
    leave_out: tuple[str, ...] = ()
    """Patients of the split ``train`` not to learn from: they are looked at instead of ``validation_split``."""
    cache_gb: float = Field(20.0, ge=0, le=1e6)
    """Room for prepared scans in the study's ``cache/``, in GB (1e9 bytes); 0 keeps none."""
    prefetch: int = Field(2, ge=0, le=64)
    """Batches cut ahead while the network computes; 0 cuts each when it is asked for."""

    validate_every: int = Field(5, ge=1)
    """Epochs between validations."""
    validation_split: Literal["calibration", "train"] = "calibration"
    validation_stride: int = Field(1, ge=1)
    """Every how manieth slice is looked at while training; the last validation takes all."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: int | None = Field(None, ge=1)
    """CPU threads; ``None``: all cores, or what ``OMP_NUM_THREADS`` says."""
    precision: Literal["auto", "32", "bf16"] = "auto"
    """Numbers that layers compute with: float32, or bfloat16 where it can be (weights and loss stay float32). ``auto``:
    bfloat16 where the device has it in hardware."""
    micro_batch: int | None = Field(None, ge=1)
    """Slices that go through the network at a time, to save memory; the gradient is that of the whole batch."""
    devices: int = Field(1, ge=1)
    """Processes on each node that share every batch: one a GPU, or with ``cpu`` so many on the CPU."""
    nodes: int = Field(1, ge=1)
    """Computers that share every batch, see ``training/slurm.sh``."""

    @field_validator("validation_split", mode="before")
    @classmethod
    def _seal_holds(cls, value: object) -> object:
        # Named here, not taken from the study: a panel that reads a configuration opens no database.
        if value in ("gate", "test"):
            raise ValueError(f"the split {value} is sealed, it judges models; choose calibration or train")
        return value

    @model_validator(mode="after")
    def _batches_fit(self) -> Self:
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise ValueError("zoom is a range of positive magnifications, the smaller first")
        if self.batch_size > 1 and self.patch is None and self.preprocessing.pixel_mm is not None:
            raise ValueError("slices of free size cannot share a batch: give patch, or batch_size=1")
        return self


def preset_names() -> list[str]:
    """Names of the presets that come with the trainer."""
    return sorted(path.stem for path in PRESETS.glob("*.json"))


def load_config(
    name_or_file: str | Path, overrides: Iterable[str] = (), given: Mapping[str, Any] | None = None
) -> TrainConfig:
    """Read a preset or a JSON file, and set ``key=value`` pairs on top (values as JSON, dots for nested keys).

    Parameters
    ----------
    given
        Values that count before the file's, and after the overrides: what a model's card says, for example.

    Raises
    ------
    LesionsegError
        If there is no such preset or file, or a key or value is not valid.
    """
    values = _read(name_or_file) | dict(given or {})
    for pair in overrides:
        _set(values, pair)
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = faulty_key(error) or "the configuration"
        what = first["msg"].removeprefix("Value error, ")
        raise LesionsegError(f"{where} in {name_or_file} is not valid: {what}; correct it.") from error


def config_path(run: Path) -> Path:
    """The configuration of a run that can be resumed.

    Raises
    ------
    LesionsegError
        If there is none.
    """
    path = run / RUN_CONFIG
    if not path.is_file():
        raise LesionsegError(
            f"{run} is not a run that can be resumed: it has no {RUN_CONFIG}; start it without --resume."
        )
    return path


def _read(name_or_file: str | Path) -> dict[str, Any]:
    path = PRESETS / f"{name_or_file}.json"
    if not path.is_file():
        path = Path(name_or_file)
    try:
        with open(path, "rb") as file:  # A stranger's file may be endless: more than this is cut off and no JSON.
            values = json.loads(file.read(MAX_BYTES).decode())
    except (OSError, ValueError, RecursionError) as error:
        presets = ", ".join(preset_names())
        raise LesionsegError(
            f"There is no readable configuration {name_or_file}; give a JSON file or one of: {presets}."
        ) from error
    if not isinstance(values, dict):
        raise LesionsegError(f"{name_or_file} is not a configuration: it holds no JSON object; write keys and values.")
    return values


def _set(values: dict[str, Any], pair: str) -> None:
    key, equals, text = pair.partition("=")
    if not equals:
        raise LesionsegError(f"--set {pair} has no value; write key=value.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    *parents, last = key.split(".")
    for parent in parents:
        inner = values.get(parent, {})
        if not isinstance(inner, dict):
            raise LesionsegError(f"--set {pair}: {parent} has no parts; correct the key.")
        values[parent] = dict(inner)  # A copy: the values may be a model card's own.
        values = values[parent]
    values[last] = value
