"""What a comparison found, as one JSON file: tables and figures can be made from it anew without training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically

Result = dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """One run, trained and then evaluated on patients it had not learned from.

    Parameters
    ----------
    run
        Name of its folder.
    cases
        Case id to the figures of :func:`lesionseg_training.evaluate.evaluate_model`, with ``true_lesions``: of each
        true lesion its ml and the share of it that was marked.
    patients
        Case id to patient.
    history
        The records of ``metrics.jsonl``.
    training_s
        Wall seconds of all epochs, validations included.
    infer_s
        Median wall seconds a scan, from the open scan to the probability.
    peak_mb, gpu_mb
        Most memory of the training process, and of the GPU; None where it could not be told, or there was none.
    steps, pixels
        Batches in all, and pixels marked in each.
    """

    run: str
    cases: dict[str, Result]
    patients: dict[str, str]
    history: list[dict[str, Any]]
    training_s: float
    infer_s: float
    peak_mb: float | None
    gpu_mb: float | None
    parameters: int
    steps: int
    pixels: int


@dataclass(frozen=True)
class Contender:
    """An architecture trained by a preset; several runs where patients were left out in turn."""

    name: str
    preset: str
    runs: tuple[Trained, ...]

    @property
    def label(self) -> str:
        """What it is called in tables and on the command line."""
        return f"{self.name}-{self.preset}"

    @property
    def cases(self) -> dict[str, Result]:
        """The figures of every case."""
        return {case: result for run in self.runs for case, result in run.cases.items()}

    @property
    def by_patient(self) -> dict[str, list[Result]]:
        """The figures of every patient's cases."""
        patients: dict[str, list[Result]] = {}
        for run in self.runs:
            for case, result in run.cases.items():
                patients.setdefault(run.patients[case], []).append(result)
        return patients


@dataclass(frozen=True)
class Comparison:
    """Contenders on the same patients; ``against`` is the label of the reference, ``about`` says what was run where."""

    split: str
    folds: int
    against: str
    contenders: tuple[Contender, ...]
    about: dict[str, Any]


def find_label(labels: Sequence[str], asked: str | None) -> str:
    """The label meant by a whole label or by the name of an architecture; the first one if nothing is asked.

    Raises
    ------
    LesionsegError
        If there is none, or more than one.
    """
    if asked is None or asked in labels:
        return asked or labels[0]
    meant = [label for label in labels if label.rpartition("-")[0] == asked]
    if len(meant) != 1:
        raise LesionsegError(f"--against {asked} is not one of the contenders; choose one of {', '.join(labels)}.")
    return meant[0]


def save_comparison(path: Path, comparison: Comparison) -> None:
    """Write the comparison as JSON, atomically."""
    write_atomically(path, json.dumps(asdict(comparison), indent=1, allow_nan=False).encode() + b"\n")


def load_comparison(path: Path) -> Comparison:
    """Read what :func:`save_comparison` wrote.

    Raises
    ------
    LesionsegError
        If it cannot be read.
    """
    values = read_json(path)
    try:
        contenders = tuple(_contender(one) for one in values.pop("contenders"))
        return Comparison(contenders=contenders, **values)
    except (KeyError, TypeError, AttributeError) as error:
        raise LesionsegError(
            f"{path} is not a comparison; give the folder that lesionseg-train compare made."
        ) from error


def save_trained(path: Path, trained: Trained) -> None:
    """Write the result of one run as JSON, atomically."""
    write_atomically(path, json.dumps(asdict(trained), indent=1, allow_nan=False).encode() + b"\n")


def load_trained(path: Path) -> Trained:
    """Read what :func:`save_trained` wrote.

    Raises
    ------
    LesionsegError
        If it cannot be read.
    """
    try:
        return Trained(**read_json(path))
    except TypeError as error:
        raise LesionsegError(f"{path} is not the result of a run; delete it, and it is made again.") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    LesionsegError
        If it cannot be read.
    """
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise LesionsegError(f"{path} cannot be read as JSON; delete it, and it is made again.") from error
    if not isinstance(values, dict):
        raise LesionsegError(f"{path} holds no JSON object; delete it, and it is made again.")
    return values


def _contender(values: Mapping[str, Any]) -> Contender:
    return Contender(values["name"], values["preset"], tuple(Trained(**one) for one in values["runs"]))
