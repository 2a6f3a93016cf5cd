"""The run folder: whose it is, the configuration it was started with, and its records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lesionseg_training.checkpoint import FILE, TrainState, save_checkpoint
from lesionseg_training.config import RUN_CONFIG, TrainConfig, config_path, load_config
from lesionseg_training.curves import draw_curves
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, WEIGHTS
from napari_lesionseg.volumes.atomic import write_atomically

METRICS, CURVES, MODEL = "metrics.jsonl", "curves.png", "model"
MACHINE = {"device", "threads", "cache_gb", "prefetch"}  # What a resumed run may do otherwise than before.


@contextmanager
def claimed(run: Path) -> Iterator[None]:
    """Keep other trainers out of the run folder; the system lets it go when the process dies, however it dies.

    Raises
    ------
    LesionsegError
        If another process trains there, or the folder cannot be made.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LesionsegError(f"{run} is in use by another training; wait for it, or give another folder.") from error
    except OSError as error:
        raise LesionsegError(f"{run} cannot be a run folder: {error.strerror or error}; give another.") from error
    try:
        _sweep(run)
        yield
    finally:
        lock.release()


def open_run(run: Path, config: TrainConfig, *, resume: bool, parent: str) -> TrainConfig:
    """Write the configuration of a new run, or read that of a resumed one.

    Parameters
    ----------
    config
        Of a resumed run that which it was started with, but for what is in ``MACHINE``.
    parent
        SHA-256 of the weights to start from, or empty.

    Raises
    ------
    LesionsegError
        If a new run would overwrite another, or a resumed one is missing or was started otherwise.
    """
    if resume:
        return _kept_config(run, config, parent)
    if (run / FILE).exists() or (run / MODEL).exists():
        raise LesionsegError(f"{run} holds a run already; resume it, or give another folder.")
    config = config.model_copy(update={"parent": parent})
    write_atomically(run / RUN_CONFIG, config.model_dump_json(indent=2).encode() + b"\n")
    return config


def record(run: Path, state: TrainState, *, draw: bool) -> None:
    """Write checkpoint, metrics and curves; the checkpoint first, for the others can be made again from it."""
    save_checkpoint(run, state)
    record_history(run, state, draw=draw)


def record_history(run: Path, state: TrainState, *, draw: bool) -> None:
    """Write ``metrics.jsonl`` and, if ``draw``, ``curves.png``."""
    lines = "".join(json.dumps(one, allow_nan=False) + "\n" for one in state.history)
    write_atomically(run / METRICS, lines.encode())
    if draw:
        draw_curves(run / CURVES, state.history)


def _kept_config(run: Path, asked: TrainConfig, parent: str) -> TrainConfig:
    kept = load_config(config_path(run))
    if kept.parent != parent:
        whence = "with other weights" if parent and kept.parent else "from a model" if kept.parent else "from none"
        raise LesionsegError(f"{run} was started {whence}; resume it with the command it was started with.")
    before, now = kept.model_dump(exclude=MACHINE | {"parent"}), asked.model_dump(exclude=MACHINE | {"parent"})
    for key, value in before.items():
        if now[key] != value:
            raise LesionsegError(
                f"{run} was started with {key}={value}, not {now[key]}; leave {key} as it was, or start a new run."
            )
    return kept.model_copy(update={key: getattr(asked, key) for key in MACHINE})


def _sweep(run: Path) -> None:
    """Remove the temporary files of a run that was killed while it wrote."""
    for folder, names in ((run, (FILE, RUN_CONFIG, METRICS, CURVES)), (run / MODEL, (WEIGHTS, CARD))):
        for name in names:
            for left in folder.glob(f".????????.{name}"):
                left.unlink(missing_ok=True)
