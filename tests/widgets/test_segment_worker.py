"""Segmenting in a child process: results, progress, cancel, failures, and a window that never stands still."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.redact import LEFT_OUT
from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.widgets.segment_worker import SegmentWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes.phantom import PhantomCase

FAKE = str(Path(__file__).with_name("fake_segmenter.py"))


@pytest.fixture
def worker_for(qtbot: QtBot) -> Iterator[Callable[..., SegmentWorker]]:
    made: list[SegmentWorker] = []

    def make(*command: str) -> SegmentWorker:
        made.append(SegmentWorker(command) if command else SegmentWorker())
        return made[-1]

    yield make
    for worker in made:
        worker.close()


@pytest.fixture
def scan() -> Volume:
    """Stored x-first with flips, so that a mix-up of stored and shown order would show."""
    geometry = Geometry((5, 4, 3), np.diag([1.0, 1.0, -2.0, 1.0]))
    array = np.full(geometry.display_shape, -1000, np.int16)
    array[0, 1, 2] = 50
    return Volume(array, geometry)


def test_a_result_belongs_to_its_scan_and_lies_in_display_order(
    qtbot: QtBot, worker_for: Callable[..., SegmentWorker], scan: Volume
) -> None:
    worker = worker_for(FAKE, "work")
    steps: list[tuple[int, int]] = []
    worker.progressed.connect(lambda done, total, _left: steps.append((done, total)))
    with (
        qtbot.waitSignals([worker.device_chosen, worker.finished], timeout=20000) as _,
        qtbot.waitSignal(worker.finished, timeout=20000) as finished,
    ):
        worker.start(scan, Path("model"), "auto")
    result = finished.args[0]
    assert result.scan is scan
    assert np.argwhere(result.probability).tolist() == [[0, 1, 2]]
    assert (result.model, result.threshold, result.device) == ("fake", 0.4, "pocket calculator")
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert not worker.running


def test_cancel_is_quick_and_the_next_scan_is_segmented(
    qtbot: QtBot, worker_for: Callable[..., SegmentWorker], scan: Volume
) -> None:
    worker = worker_for(FAKE, "hang")
    with qtbot.waitSignal(worker.progressed, timeout=20000):
        worker.start(scan, Path("model"), "auto")
    began = time.perf_counter()
    with qtbot.waitSignal(worker.cancelled, timeout=1000), qtbot.assertNotEmitted(worker.finished, wait=100):
        worker.cancel()
    assert time.perf_counter() - began < 0.6
    worker.runner.command = (FAKE, "work")
    with qtbot.waitSignal(worker.finished, timeout=20000):
        worker.start(scan, Path("model"), "auto")


def test_cancelling_when_idle_does_nothing(qtbot: QtBot, worker_for: Callable[..., SegmentWorker]) -> None:
    worker = worker_for(FAKE, "work")
    with qtbot.assertNotEmitted(worker.cancelled):
        worker.cancel()


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("refuse", "The model is too small for this scan; choose another."),
        ("crash", f"The child process ended without a result (RuntimeError: {LEFT_OUT}); try again."),
    ],
)
def test_a_failure_is_one_sentence(
    qtbot: QtBot, worker_for: Callable[..., SegmentWorker], scan: Volume, mode: str, sentence: str
) -> None:
    worker = worker_for(FAKE, mode)
    with qtbot.waitSignal(worker.failed, timeout=20000) as failed:
        worker.start(scan, Path("model"), "auto")
    assert failed.args == [sentence]
    assert not worker.running


def test_a_damaged_model_is_one_sentence(
    qtbot: QtBot, worker_for: Callable[..., SegmentWorker], scan: Volume, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in tiny_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with open(folder / "model.safetensors", "r+b") as weights:
        weights.seek(-1, 2)
        weights.write(b"\xff")
    worker = worker_for()
    with qtbot.waitSignal(worker.failed, timeout=60000) as failed:
        worker.start(scan, folder, "cpu")
    assert "does not match the SHA-256 on its card" in failed.args[0]


def test_the_window_never_stands_still_while_the_real_model_starts_and_runs(
    qtbot: QtBot, worker_for: Callable[..., SegmentWorker], phantom_case: PhantomCase, tiny_model: Path, heartbeat: Any
) -> None:
    worker = worker_for()
    heart = heartbeat()
    with qtbot.waitSignal(worker.finished, timeout=90000) as finished:
        worker.start(phantom_case.scan, tiny_model, "cpu")
    longest = heart.stop()
    assert len(heart.gaps) > 20
    assert longest < 0.2, f"{longest * 1000:.0f} ms"
    probability = finished.args[0].probability
    assert (probability.shape, probability.dtype) == (phantom_case.scan.array.shape, np.uint8)
    assert probability.any()


def test_nothing_is_left_on_disk(qtbot: QtBot, worker_for: Callable[..., SegmentWorker], scan: Volume) -> None:
    worker = worker_for(FAKE, "work")
    with qtbot.waitSignal(worker.finished, timeout=20000):
        worker.start(scan, Path("model"), "auto")
    folder = worker.runner.folder
    assert list(folder.iterdir()) == []
    worker.close()
    assert not folder.exists()
