"""What is heard and measured of a training in another process; short scripts stand for the trainer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lesionseg_training import measured_fit as module
from lesionseg_training.events import Event, Step
from lesionseg_training.measured_fit import Measured, measured_fit

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.store import Study

STEP = '{"event": "step", "step": %d, "steps": 4, "loss": 0.5, "eta_s": 1.0}'
EPOCH = json.dumps(
    {
        **{"event": "epoch", "epoch": 1, "epochs": 2, "loss": 0.5, "train_dice": 0.1, "dice": None},
        **{"learning_rate": 0.1, "seconds": 1.0, "eta_s": 1.0},
    }
)


@pytest.fixture
def stand_in(study: Study, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Measured]:
    """Run a script in the trainer's place, in the run folder ``runs/one``."""

    def run(script: str, tell: Callable[[Event], None] = lambda event: None) -> Measured:
        (tmp_path / "runs" / "one").mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(module, "_command", lambda *_: [sys.executable, "-c", script])
        return measured_fit(study, tmp_path / "runs" / "one", tiny(), tell)

    return run


def test_the_memory_is_what_the_process_had_at_most(stand_in: Callable[..., Measured]) -> None:
    script = f"""
import time
full = bytearray(b"x") * 300_000_000
del full
print('{STEP % 1}', flush=True)
time.sleep(1)
"""
    measured = stand_in(script)
    assert measured.peak_mb is not None
    if sys.platform == "linux":  # Elsewhere it is what the process has at the step, or Windows' own peak.
        assert 300 < measured.peak_mb < 500
    assert (measured.steps, measured.gpu_mb) == (4, None)


def test_everything_is_heard_but_what_is_no_event(stand_in: Callable[..., Measured]) -> None:
    heard: list[Event] = []
    stand_in(f"print('a library says hello'); print('{STEP % 1}'); print('{STEP % 2}')", heard.append)
    assert [event.step for event in heard if isinstance(event, Step)] == [1, 2]
    assert len(heard) == 2


def test_what_was_measured_before_a_kill_is_remembered(stand_in: Callable[..., Measured], tmp_path: Path) -> None:
    killed = f"import os, time; print('{STEP % 1}'); print('{EPOCH}', flush=True); time.sleep(1); os.abort()"
    with pytest.raises(LesionsegError, match=r"Training one failed: it ended in the middle; look into .*one\.log"):
        stand_in(killed)
    kept = json.loads((tmp_path / "runs" / "one" / "measured.json").read_text())
    assert kept["steps"] == 4
    assert stand_in("pass") == Measured(**kept)


def test_a_training_that_fails_is_told_in_its_own_words(stand_in: Callable[..., Measured], tmp_path: Path) -> None:
    said = json.dumps({"event": "failed", "message": "The disk is full; free some space."})
    with pytest.raises(LesionsegError, match=r"^Training one failed: The disk is full; free some space\.$"):
        stand_in(f"import sys; print('{said}'); print('details', file=sys.stderr); sys.exit(2)")
    assert "details" in (tmp_path / "runs" / "one.log").read_text()


def test_the_trainer_ends_with_whoever_listens(stand_in: Callable[..., Measured], tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        raise KeyboardInterrupt

    mark = tmp_path / "survived"
    later = f"time.sleep(30); pathlib.Path({str(mark)!r}).touch()"
    with pytest.raises(KeyboardInterrupt):
        stand_in(f"import time, pathlib; print('{STEP % 1}', flush=True); {later}", stop)
    assert not mark.exists()  # measured_fit waited for it, and it did not sleep to its end.


def test_a_run_is_gone_on_with_and_a_finished_one_is_left_alone(
    stand_in: Callable[..., Measured], study: Study, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "one"
    file = tmp_path / "one.json"
    assert "--resume" not in module._command(study, run, file)
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    assert module._command(study, run, file)[-1] == "--resume"
    (run / "model").mkdir()
    (run / "model" / "card.json").write_text("{}")
    assert stand_in("raise SystemExit('not called')") == Measured()
