"""Who takes part in a comparison, and with which budget: every run's configuration, before any is trained."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg_training.comparison import read_json
from lesionseg_training.config import TrainConfig, load_config
from lesionseg_training.evaluate import cases_with_truth
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.split import Split, check_split
from napari_lesionseg.study.store import Study

JUDGING = ("calibration", "test")  # The gate is for models that learned from corrections.


@dataclass(frozen=True)
class Wish:
    """What is to be compared.

    Parameters
    ----------
    models
        Kinds of network, or JSON files that describe one (``{"kind": …, "widths": …}``).
    presets
        Presets or configuration files.
    overrides
        ``key=value`` on top of each configuration.
    folds
        How many times a part of the split ``train`` is left out and evaluated on; 0: train on all of it, and evaluate
        on ``split``.
    """

    models: tuple[str, ...]
    presets: tuple[str, ...] = ("robust",)
    overrides: tuple[str, ...] = ()
    folds: int = 0
    split: Split = "calibration"


@dataclass(frozen=True)
class Job:
    """One run of a comparison: a contender on one division of the patients."""

    name: str
    preset: str
    run: str
    config: TrainConfig
    split: Split
    patients: tuple[str, ...]

    @property
    def pixels(self) -> int:
        """Pixels that are marked in a batch, as far as the cut-outs' size is fixed."""
        side = self.config.patch or self.config.preprocessing.size
        return self.config.batch_size * self.config.network.marked * side**2


def make_wish(
    models: Sequence[str],
    presets: Sequence[str] = ("robust",),
    overrides: Sequence[str] = (),
    folds: int = 0,
    split: str | None = None,
) -> Wish:
    """A wish that can be granted: evaluation is on the split ``train`` with folds, else on ``calibration`` or ``test``.

    Raises
    ------
    LesionsegError
        If folds and split are both given, the split is another, or nothing is to be compared.
    """
    if not models or not presets:
        raise LesionsegError("There is nothing to compare; name one or more with --models, and --presets.")
    if folds and split is not None:
        raise LesionsegError(f"--folds leaves training patients out and looks at no split; leave --split {split} away.")
    chosen = check_split("train" if folds else split or "calibration")
    if not folds and chosen not in JUDGING:
        raise LesionsegError(f"--split {chosen} does not compare models; choose {' or '.join(JUDGING)}, or --folds.")
    return Wish(tuple(models), tuple(presets), tuple(overrides), folds, chosen)


def plan_jobs(study: Study, wish: Wish) -> list[Job]:
    """Every run, contender by contender; all of them with the same data, steps and marked pixels.

    Raises
    ------
    LesionsegError
        If two contenders have one name, a configuration is not valid, or there are too few patients.
    """
    parts = _parts(study, wish)
    jobs = []
    for preset in wish.presets:
        for model in wish.models:
            label = f"{_stem(model)}-{_stem(preset)}"
            for number, patients in enumerate(parts, start=1):
                run = f"{label}-{number}" if wish.folds else label
                config = _config(wish, model, preset, run, patients if wish.folds else ())
                jobs.append(Job(_stem(model), _stem(preset), run, config, wish.split, patients))
    runs = [job.run for job in jobs]
    twice = next((run for run in runs if runs.count(run) > 1), None)
    if twice is not None:
        raise LesionsegError(f"Two contenders are called {twice}; name each model and preset once.")
    return jobs


def divide(patients: Sequence[str], folds: int) -> list[tuple[str, ...]]:
    """Divide patients into parts of equal size, give or take one, in the order of their ids' SHA-256.

    Raises
    ------
    LesionsegError
        If there are fewer patients than parts, or less than two parts.
    """
    if not 2 <= folds <= len(patients):
        raise LesionsegError(
            f"--folds {folds} cannot divide {len(patients)} training patients with truth; choose from 2 to that number."
        )
    order = sorted(patients, key=lambda patient: hashlib.sha256(patient.lower().encode()).digest())
    return [tuple(order[part::folds]) for part in range(folds)]


def _parts(study: Study, wish: Wish) -> list[tuple[str, ...]]:
    """The patients that are evaluated on, part by part."""
    patients = list(dict.fromkeys(case.patient for case, _ in cases_with_truth(study, wish.split)))
    if wish.folds:
        return divide(patients, wish.folds)
    if not patients:
        raise LesionsegError(
            f"{study.folder} has no case with truth in the split {wish.split}; choose another --split."
        )
    return [tuple(patients)]


def _config(wish: Wish, model: str, preset: str, run: str, leave_out: tuple[str, ...]) -> TrainConfig:
    base = load_config(preset, wish.overrides)
    given: dict[str, Any] = {"name": run[:64]}
    if model.endswith(".json"):
        given["network"] = read_json(Path(model))
    elif model != base.network.kind:  # Else the preset's own network: it may say more than the kind.
        given["network"] = {"kind": model}
    also = [f"leave_out={json.dumps(leave_out)}"] if leave_out else []
    config = load_config(preset, [*wish.overrides, *also], given)
    # A network that marks several slices at once gets as many fewer stacks, so that all see the same pixels.
    batch = max(1, round(config.batch_size / config.network.marked))
    return config if batch == config.batch_size else config.model_copy(update={"batch_size": batch})


def _stem(name_or_file: str) -> str:
    """A name for folders and cards: of a file, its stem."""
    return re.sub(r"[^A-Za-z0-9_]", "_", Path(name_or_file).stem if name_or_file.endswith(".json") else name_or_file)
