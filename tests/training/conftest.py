"""Studies small enough to be trained on in a second."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from lesionseg_training.config import TrainConfig

from napari_lesionseg.study.phantom_study import write_phantom_study
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

GRID = Geometry.from_spacing((10, 40, 48), (3.0, 1.0, 1.0))

TINY: dict[str, Any] = {
    "name": "tiny",
    "network": {"widths": [4, 8]},
    "preprocessing": {"size": 64},
    "epochs": 2,
    "steps_per_epoch": 3,
    "batch_size": 4,
    "learning_rate": 1e-2,
    "ema": 0.9,
    "patch": 32,
    "validate_every": 1,
    "threads": 1,
    "precision": "32",
}

CLOCKED = ("seconds", "eta_s", "data_share")

Kind = TypeVar("Kind")
MakeConfig = Callable[..., TrainConfig]
AddCase = Callable[..., Mask]


@pytest.fixture
def tiny() -> MakeConfig:
    """Make a configuration whose runs take a second, with ``values`` on top."""

    def make(**values: Any) -> TrainConfig:
        return TrainConfig.model_validate(TINY | values)

    return make


@pytest.fixture(scope="session")
def _phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom_study(tmp_path_factory.mktemp("phantoms") / "study", 2, shape=(16, 64, 64)).folder


@pytest.fixture
def phantoms(_phantoms: Path, tmp_path: Path) -> Study:
    """A study of one phantom to train on and one for calibration; each test has its own copy."""
    shutil.copytree(_phantoms, tmp_path / "phantoms")
    return Study.open(tmp_path / "phantoms")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path / "study")


@pytest.fixture
def add_case(study: Study, tmp_path: Path) -> AddCase:
    """Add a scan of 10 × 40 × 48 voxels with a lesion of 8 × 10 voxels in each slice of ``lesion``; return its mask."""

    def add(name: str, *, lesion: tuple[int, ...] = (3, 4, 5), patient: str = "", split: str = "train") -> Mask:
        rng = np.random.default_rng(len(study.cases()))
        voxels = rng.normal(-850, 20, GRID.display_shape).astype(np.int16)
        array = np.zeros(GRID.display_shape, np.uint8)
        for z in lesion:
            array[z, 10:18, 20:30] = 1
        voxels[array > 0] = 0
        nifti.write_scan(tmp_path / f"{name}.nii.gz", Volume(voxels, GRID))
        study.add_case(name, patient or name, tmp_path / f"{name}.nii.gz", split=split)
        return Mask(array, GRID)

    return add


@pytest.fixture
def labelled(study: Study, add_case: AddCase) -> Study:
    """Two hand-made scans with truth, one to train on and one for calibration."""
    study.add_revision("t1", "truth", add_case("t1"))
    study.add_revision("v1", "truth", add_case("v1", split="calibration"))
    return study


@dataclass
class Run:
    """A run folder and what the run said."""

    folder: Path
    events: list[Any] = field(default_factory=list)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def weights(self) -> str:
        return hashlib.sha256((self.folder / "model" / "model.safetensors").read_bytes()).hexdigest()

    @property
    def records(self) -> list[dict[str, Any]]:
        """The metrics without what a clock decides."""
        lines = [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]
        return [
            {key: value for key, value in one.items() if key not in ("seconds", "eta_s", "data_share")} for one in lines
        ]


@pytest.fixture
def quick_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a dot for the curves: drawing them takes longer than the training of these tests."""
    from lesionseg_training import run_folder

    from napari_lesionseg.volumes.atomic import write_atomically

    monkeypatch.setattr(run_folder, "draw_curves", lambda path, history: write_atomically(path, b"."))


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Run]:
    """Train in the run folder of this name; ``stop_after`` so many steps stands for Ctrl-C."""
    from lesionseg_training.events import Event, Step
    from lesionseg_training.fit import fit

    def start(study: Study, config: TrainConfig, name: str = "run", *, stop_after: int = 0, **how: Any) -> Run:
        run = Run(tmp_path / name)

        def emit(event: Event) -> None:
            run.events.append(event)
            if stop_after and isinstance(event, Step) and event.step == stop_after:
                raise KeyboardInterrupt

        fit(study, run.folder, config, emit=emit, **how)
        return run

    return start


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[[str], Run]:
    """Look at the run folder of this name."""
    return lambda name: Run(tmp_path / name)
