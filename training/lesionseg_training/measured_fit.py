"""A training in a process of its own, so that its memory can be told: started, listened to and measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lesionseg_training.comparison import read_json
from lesionseg_training.config import RUN_CONFIG, TrainConfig
from lesionseg_training.events import Epoch, Event, Failed, Step, parse_line
from lesionseg_training.run_folder import MODEL
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.device import choose_device
from napari_lesionseg.models.card import CARD
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.atomic import write_atomically

MEASURED = "measured.json"  # In the run folder, since a resumed run has another process.
PATIENCE_S = 60


@dataclass
class Measured:
    """Steps of a run, and the most memory seen, in MB (1e6 bytes); None where it could not be told."""

    steps: int = 0
    peak_mb: float | None = None
    gpu_mb: float | None = None

    def note(self, steps: int, peak_mb: float | None, gpu_mb: float | None) -> None:
        """Keep the larger ones."""
        self.steps = max(self.steps, steps)
        self.peak_mb = max((mb for mb in (self.peak_mb, peak_mb) if mb is not None), default=None)
        self.gpu_mb = max((mb for mb in (self.gpu_mb, gpu_mb) if mb is not None), default=None)


def measured_fit(study: Study, run: Path, config: TrainConfig, tell: Callable[[Event], None]) -> Measured:
    """Train in the run folder, or go on there, until the model is done; what it tells is passed on.

    Memory is read with each step, of what the process had at most by then: that of reading the data and training, not
    of the evaluation afterwards. That of a GPU is what all of it holds more than before, so nobody else should use it.

    Raises
    ------
    LesionsegError
        If the training fails.
    """
    measured = Measured(**read_json(run / MEASURED)) if (run / MEASURED).is_file() else Measured()
    if (run / MODEL / CARD).is_file():
        return measured  # Its weights are final.
    run.parent.mkdir(parents=True, exist_ok=True)
    file = run.parent / f"{run.name}.json"
    write_atomically(file, config.model_dump_json(indent=2).encode() + b"\n")
    log = run.parent / f"{run.name}.log"
    on_gpu = choose_device(config.device).startswith("cuda")
    before = _gpu_mb() if on_gpu else 0.0
    failed = ""
    with _started(_command(study, run, file), log) as child:
        for line in child.stdout or ():
            event = parse_line(line)
            if event is None:
                continue
            if isinstance(event, Step):
                measured.note(event.steps, _peak_mb(child.pid), _gpu_mb() - before if on_gpu else None)
            if isinstance(event, Epoch):
                write_atomically(run / MEASURED, json.dumps(asdict(measured)).encode())
            if isinstance(event, Failed):
                failed = event.message
            tell(event)
    if child.returncode:
        raise LesionsegError(f"Training {run.name} failed: {failed or f'it ended in the middle; look into {log}.'}")
    return measured


def _command(study: Study, run: Path, file: Path) -> list[str]:
    command = [sys.executable, "-m", "lesionseg_training", "fit", str(study.folder), "-o", str(run)]
    return [*command, "--config", str(file), *(["--resume"] if (run / RUN_CONFIG).is_file() else [])]


@contextmanager
def _started(command: list[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """The child; if this process is stopped, the child is, too, and its checkpoint stands."""
    with open(log, "ab") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8")
    try:
        yield child
        child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _peak_mb(pid: int) -> float | None:
    """Most memory a process has had; where the system does not keep that, what it has now."""
    import psutil

    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        told = psutil.Process(pid).memory_info()
    except psutil.Error:
        return None
    return float(getattr(told, "peak_wset", told.rss)) / 1e6


def _gpu_mb() -> float:
    import torch

    free, total = torch.cuda.mem_get_info()
    return (total - free) / 1e6
