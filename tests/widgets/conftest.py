"""A workbench on a viewer without a window, a scan on disk, and a model small enough to run in a test."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes.phantom import PhantomCase
    from napari_lesionseg.widgets.workbench import Workbench


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, models and study of each test are its own."""
    monkeypatch.setenv("LESIONSEG_HOME", str(tmp_path / "home"))


ANSWER_SECONDS = 20.0  # Tests answer their dialogs within milliseconds.


@pytest.fixture(autouse=True)
def _no_dialog_waits(qapp: QApplication) -> Iterator[None]:
    """A dialog that nobody answers fails its test; it would hold up the whole run, beyond the reach of time limits."""
    waiting: dict[QWidget, float] = {}
    unanswered: list[str] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            waiting.clear()
        elif time.monotonic() - waiting.setdefault(dialog, time.monotonic()) > ANSWER_SECONDS:
            unanswered.append(f"{dialog.windowTitle()}: {getattr(dialog, 'text', str)()}")
            waiting.clear()
            dialog.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(500)
    yield
    timer.stop()
    if unanswered:
        pytest.fail(f"a dialog waited for an answer: {unanswered}")


@pytest.fixture
def workbench(qtbot: QtBot) -> Iterator[Workbench]:
    """The workbench on napari's viewer model: real layers, no window to wait for."""
    from napari.components import ViewerModel

    from napari_lesionseg.widgets.workbench import Workbench

    class HandledWorkbench(Workbench):
        """A workbench with what a hand and an eye do."""

        def press(self, name: str) -> None:
            """Click the button of that object name."""
            self.findChild(QWidget, name).click()

        def text(self, name: str) -> str:
            """Read the label of that object name."""
            return str(self.findChild(QWidget, name).text())

        def show_case(self, case: tuple[Volume, Mask, np.ndarray]) -> None:
            """Open a scan with its truth and its prediction, on slice 1."""
            self.session.open_scan(case[0])
            self.session.set_truth(case[1])
            self.session.set_prediction(case[2], "tiny", 0.5)
            self.session.set_slice(1)

    viewer = ViewerModel()
    made = HandledWorkbench(viewer)
    qtbot.addWidget(made)
    yield made
    made.context.close()
    del viewer


@pytest.fixture
def tiny() -> tuple[Volume, Mask, np.ndarray]:
    """A scan of 4 × 10 × 10 voxels of 2 × 1 × 1 mm, its truth of 9 voxels in slice 1, and a prediction of 4 of them."""
    geometry = Geometry.from_spacing((4, 10, 10), (2.0, 1.0, 1.0))
    scan = Volume(np.full((4, 10, 10), -1000, np.int16), geometry)
    truth, probability = Mask.empty(geometry), np.zeros((4, 10, 10), np.uint8)
    truth.array[1, 2:5, 2:5] = 1
    probability[1, 2:4, 2:4] = 204  # 0.8
    return scan, truth, probability


@pytest.fixture
def phantom_files(phantom_case: PhantomCase, tmp_path: Path) -> tuple[Path, Path]:
    """The phantom's scan and truth as files."""
    scan, truth = tmp_path / "phantom.nii.gz", tmp_path / "phantom_truth.nii.gz"
    nifti.write_scan(scan, phantom_case.scan)
    nifti.write_mask(truth, phantom_case.truth)
    return scan, truth


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model folder with untrained weights, small enough for a slice in milliseconds."""
    import torch

    from napari_lesionseg.models.card import ModelCard, save_model
    from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
    from napari_lesionseg.models.dual_encoder import DualEncoderUNet

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    network = DualEncoderUNet(DualEncoderConfig(widths=(4, 8)))
    save_model(folder, network, ModelCard(name="tiny", preprocessing=Preprocessing(size=64)))
    return folder


class Heartbeat(QObject):
    """Beats every 10 ms while the window's event loop is free.

    The time this thread was ready to run and other programs had the processor is not counted (on Linux).
    """

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = self._clock()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._beat)
        self._timer.start(10)

    def _beat(self) -> None:
        now = self._clock()
        self.gaps.append(now - self._last)
        self._last = now

    @staticmethod
    def _clock() -> float:
        try:
            waited = int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
        except OSError:
            waited = 0.0
        return time.perf_counter() - waited

    def stop(self) -> float:
        """End, and give the longest gap in seconds."""
        self._timer.stop()
        return max(self.gaps)


@pytest.fixture
def heartbeat(qtbot: QtBot) -> Iterator[Callable[[], Heartbeat]]:
    """Start a heartbeat when called; how long the window stood still is the longest gap between two beats."""
    made: list[Heartbeat] = []

    def start() -> Heartbeat:
        made.append(Heartbeat())
        return made[-1]

    yield start
    for heart in made:
        heart.stop()


@pytest.fixture
def when_asked(qtbot: QtBot) -> Iterator[Callable[[Callable[[QWidget], None]], list[QWidget]]]:
    """Do something to the next dialog that waits for an answer: ``asked = when_asked(lambda dialog: …)``."""
    timers: list[QTimer] = []

    def answer(act: Callable[[QWidget], None]) -> list[QWidget]:
        asked: list[QWidget] = []
        timer = QTimer()
        timers.append(timer)

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if dialog is not None and dialog.isVisible():
                timer.stop()
                asked.append(dialog)
                act(dialog)

        timer.timeout.connect(look)
        timer.start(20)
        return asked

    yield answer
    for timer in timers:
        timer.stop()


@pytest.fixture
def sentences(workbench: Any) -> list[str]:
    """What the workbench complained about."""
    said: list[str] = []
    workbench.context.problem.connect(said.append)
    return said
