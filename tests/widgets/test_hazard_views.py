"""Hidden, turned, in another case or behind a closed panel: every edit is kept (hazard 7)."""

from __future__ import annotations

import gc
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication
from skimage.segmentation import flood

from napari_lesionseg.review.session import Session
from napari_lesionseg.study import Study
from napari_lesionseg.study.desk import desk_case, desk_folder
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.widgets.layers import LayerBridge
from napari_lesionseg.widgets.recorder import Recorder
from napari_lesionseg.widgets.step_list import StepList
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    Count = Callable[[int, int], int]
    Figure = Callable[[str, str, bool], None]

SHAPE = (6, 12, 14)
GRID = Geometry.from_spacing(SHAPE, (2.5, 0.8, 0.7))
PATIENCE = 60_000  # A child is started to read scans.
CASES = ("case-1", "case-2", "loose")
VIEWS = ("hide", "look", "turn", "fold", "errors", "truth", "filter")
EDITS = (
    *("brush", "brush", "brush", "eraser", "fill", "polygon", "write", "copy", "holes", "revert", "load", "array"),
    *("threshold", "predict", "undo", "undo", "redo", "go to"),
)
ENDS = ("save", "switch case", "switch panel", "close and reopen")


@dataclass(frozen=True, eq=False)
class State:
    """A mask, and the slices of it that count as corrected."""

    labels: np.ndarray
    corrected: frozenset[int]


class Model:
    """One case in plain numpy: every state there was, and which of them is shown."""

    def __init__(self) -> None:
        self.now = State(np.zeros(SHAPE, np.uint8), frozenset())
        self.done: list[tuple[State, State, tuple[float, float] | None]] = []
        self.undone: list[tuple[State, State, tuple[float, float] | None]] = []
        self.threshold: float | None = None  # As its journal knows it; None: it never moved.
        self.probability: np.ndarray | None = None  # Not in the journal: gone when the case is opened again.

    def predicted(self, threshold: float) -> np.ndarray:
        if self.probability is None:
            return np.zeros(SHAPE, np.uint8)
        return (self.probability >= max(1, np.ceil(threshold * 255))).astype(np.uint8)

    def edit(self, labels: np.ndarray, threshold: float, told: set[int] | None = None) -> None:
        """Make ``labels`` of the mask; slices ``told`` of (None: those that changed) are corrected if they differ."""
        changed = {z for z in range(SHAPE[0]) if not np.array_equal(labels[z], self.now.labels[z])}
        told, predicted = changed if told is None else told, self.predicted(threshold)
        differing = {z for z in told if not np.array_equal(labels[z], predicted[z])}
        self.step(labels, (self.now.corrected - told) | differing)

    def predict(self, before: float, threshold: float, *, is_step: bool) -> None:
        """Write the prediction into every slice that is not corrected."""
        labels = self.predicted(threshold)
        for z in self.now.corrected:
            labels[z] = self.now.labels[z]
        self.step(labels, self.now.corrected, None if before == threshold else (before, threshold), is_step=is_step)

    def step(
        self,
        labels: np.ndarray,
        corrected: frozenset[int],
        moved: tuple[float, float] | None = None,
        *,
        is_step: bool = False,
    ) -> None:
        after = State(labels.copy(), frozenset(corrected))
        same = np.array_equal(labels, self.now.labels) and after.corrected == self.now.corrected and moved is None
        if same and not is_step:
            return
        self.done.append((self.now, after, moved))
        self.undone.clear()
        self.now = after
        self.threshold = self.threshold if moved is None else moved[1]

    def undo(self) -> float | None:
        """Take the last step back; the threshold to go back to, if it had moved."""
        before, after, moved = self.done.pop()
        self.undone.append((before, after, moved))
        self.now, self.threshold = before, self.threshold if moved is None else moved[0]
        return None if moved is None else moved[0]

    def redo(self) -> float | None:
        """Make the step again that was undone last; the threshold it moves to, if it does."""
        before, after, moved = self.undone.pop()
        self.done.append((before, after, moved))
        self.now, self.threshold = after, self.threshold if moved is None else moved[1]
        return None if moved is None else moved[1]


class World:
    """A window on a study of two cases and a scan without a study, and the model of all three."""

    def __init__(self, qtbot: QtBot, folder: Path, seed: int) -> None:
        self.qtbot, self.rng, self.did = qtbot, np.random.default_rng(seed), Counter[str]()
        study = Study.create(folder / "study")
        self.folder = study.folder
        self.scans = {case: Volume(np.full(SHAPE, -900 + n, np.int16), GRID) for n, case in enumerate(CASES)}
        for case in CASES[:2]:
            nifti.write_scan(folder / f"{case}.nii.gz", self.scans[case])
            study.add_case(case, f"patient-{case}", folder / f"{case}.nii.gz")
        self.models = {case: Model() for case in CASES}
        self.wrong: list[str] = []
        self.opened: set[str] = set()
        self.start()
        self.open(CASES[0])

    # ---- what is there

    @property
    def model(self) -> Model:
        return self.models[self.case]

    @property
    def session(self) -> Session:
        return self.workbench.session

    @property
    def layer(self) -> Any:
        return self.workbench.context.layers.mask

    @property
    def recorder(self) -> Recorder:
        return self.workbench.context.recorder

    def start(self) -> None:
        self.viewer = ViewerModel()
        self.show_panel()
        self.threshold = self.session.threshold

    def end(self) -> None:
        """Close the window, as a user does at any moment."""
        self.drop_panel()
        self.viewer = None

    def show_panel(self) -> None:
        self.workbench = Workbench(self.viewer)
        self.workbench.open_study(self.folder)
        self.qtbot.waitUntil(lambda: len(self.workbench.cases.model.rows) == 2, timeout=PATIENCE)

    def drop_panel(self) -> None:
        self.workbench.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()

    def open(self, case: str) -> None:
        if case == "loose":
            self.session.open_scan(self.scans[case])
        else:
            self.workbench.cases.case_requested.emit(case)
            self.qtbot.waitUntil(lambda: self.workbench.context.opening.heading_for == case, timeout=PATIENCE)
            self.qtbot.waitUntil(lambda: self.workbench.context.opening.now is not None, timeout=PATIENCE)
            self.qtbot.waitUntil(lambda: self.workbench.context.opening.now.id == case, timeout=PATIENCE)
        self.qtbot.waitUntil(lambda: self.recorder.is_open, timeout=PATIENCE)
        self.opened.add(case)
        self.case, self.model.probability = case, None
        if self.model.threshold is not None:
            self.threshold = self.model.threshold

    # ---- one step of the walk

    def step(self) -> None:
        what = str(self.rng.choice(self.choices()))
        self.did[what] += 1
        getattr(self, "do_" + what.replace(" ", "_"))()
        self.compare(what)

    def choices(self) -> list[str]:
        return [*VIEWS, *EDITS * 2, *ENDS[:3]] if self.rng.random() < 0.97 else list(ENDS)

    def compare(self, what: str) -> None:
        now, mask = self.model.now, self.session.mask
        same = (
            mask is not None
            and np.array_equal(mask.array, now.labels)
            and self.layer.data is mask.array
            and self.session.corrected_slices == now.corrected
            and self.session.threshold == self.threshold
            and (self.session.history.done, len(self.session.history.steps))
            == (len(self.model.done), len(self.model.done) + len(self.model.undone))
        )
        if not same:
            self.wrong.append(what)

    def on_disk(self, case: str) -> None:
        """Compare what the journal gives back with the model."""
        folder, case_id = self.folder, case
        if case == "loose":
            folder = desk_folder()
            case_id = desk_case(folder, self.scans[case].fingerprint, GRID)
        study = Study.open(folder)
        drafts = Drafts(study).of(case_id)
        if not drafts and case not in self.opened:
            return
        with Journal(study, drafts[0]) as journal:
            restored = journal.restore()
        now = self.models[case].now
        if len(drafts) > 1 or not np.array_equal(restored.mask.array, now.labels):
            self.wrong.append(f"{case} on the disk, {len(drafts)} drafts")
        if restored.corrected != now.corrected:
            self.wrong.append(f"corrected slices of {case} on the disk")

    # ---- views: none of them changes anything

    def do_hide(self) -> None:
        layer = self.viewer.layers[int(self.rng.integers(len(self.viewer.layers)))]
        layer.visible = not layer.visible
        layer.opacity = float(self.rng.random())

    def do_look(self) -> None:
        self.session.set_slice(int(self.rng.integers(SHAPE[0])))

    def do_turn(self) -> None:
        self.viewer.dims.order = tuple(self.rng.permutation(3))

    def do_fold(self) -> None:
        sections = list(self.workbench.sections.values())
        sections[int(self.rng.integers(len(sections)))].head.click()

    def do_errors(self) -> None:
        self.workbench.context.layers.set_errors_visible(bool(self.rng.integers(2)))

    def do_truth(self) -> None:
        truth = Mask(self.rng.integers(0, 2, SHAPE, dtype=np.uint8), GRID)
        self.session.set_truth(truth if self.rng.random() < 0.7 else None)

    def do_filter(self) -> None:
        panel = self.workbench.cases
        panel.text.setText(str(self.rng.choice(["", "case-1", "nobody"])))
        panel.state.setCurrentIndex(int(self.rng.integers(panel.state.count())))
        panel.table.sortByColumn(int(self.rng.integers(3)), Qt.SortOrder.DescendingOrder)

    # ---- edits

    def voxel(self) -> tuple[int, int, int]:
        z, y, x = (int(self.rng.integers(side)) for side in SHAPE)
        return z, y, x

    def axial(self) -> None:
        self.viewer.dims.order = (0, 1, 2)

    def changed(self) -> np.ndarray:
        return self.model.now.labels.copy()

    def do_brush(self, label: int = 1) -> None:
        labels, layer = self.changed(), self.layer
        layer.brush_size = 1
        z = self.voxel()[0]
        with layer.block_history():  # As one drag of the mouse.
            for _ in range(int(self.rng.integers(1, 5))):
                _, y, x = self.voxel()
                layer.paint((z, y, x), label)
                labels[z, y, x] = label
        self.model.edit(labels, self.threshold)

    def do_eraser(self) -> None:
        self.do_brush(0)

    def do_fill(self) -> None:
        self.axial()
        labels, (z, y, x), label = self.changed(), self.voxel(), int(self.rng.integers(2))
        self.session.set_slice(z)
        self.layer.fill((z, y, x), label)
        labels[z][flood(labels[z], (y, x), connectivity=1)] = label
        self.model.edit(labels, self.threshold)

    def do_polygon(self) -> None:
        self.axial()
        labels, (z, y, x), label = self.changed(), self.voxel(), int(self.rng.integers(2))
        y, x = min(y, SHAPE[1] - 4), min(x, SHAPE[2] - 5)
        self.session.set_slice(z)
        self.layer.paint_polygon([(z, y, x), (z, y, x + 4), (z, y + 3, x + 4), (z, y + 3, x)], label)
        labels[z, y : y + 4, x : x + 5] = label
        self.model.edit(labels, self.threshold)

    def do_write(self) -> None:
        labels, (z, y, x) = self.changed(), self.voxel()
        self.layer.data_setitem((np.array([z, 0]), np.array([y, 0]), np.array([x, 0])), 1)
        labels[z, y, x] = labels[0, 0, 0] = 1
        self.model.edit(labels, self.threshold)

    def do_copy(self) -> None:
        z = int(self.rng.integers(1, SHAPE[0]))
        self.session.set_slice(z)
        self.workbench.correct.action_requested.emit("copy_below", None)
        labels = self.changed()
        if labels[z - 1].any():  # An empty slice is not copied.
            labels[z] = labels[z - 1]
        self.model.edit(labels, self.threshold)

    def do_holes(self) -> None:
        labels, z = self.changed(), self.voxel()[0]
        self.session.set_slice(z)
        self.workbench.correct.action_requested.emit("fill_holes", None)
        outside = np.pad(labels[z] == 0, 1, constant_values=True)
        labels[z][(labels[z] == 0) & ~flood(outside, (0, 0), connectivity=1)[1:-1, 1:-1]] = 1
        self.model.edit(labels, self.threshold)

    def do_revert(self) -> None:
        labels, z = self.changed(), self.voxel()[0]
        self.session.set_slice(z)
        self.workbench.correct.action_requested.emit("revert_slice", None)
        if self.model.probability is not None:
            labels[z] = self.model.predicted(self.threshold)[z]
        self.model.edit(labels, self.threshold)

    def do_load(self) -> None:
        labels = self.rng.integers(0, 3, SHAPE, dtype=np.uint8)
        self.session.load_mask(Mask(labels, GRID))
        self.model.edit(labels, self.threshold, set(range(SHAPE[0])))

    def do_array(self) -> None:
        labels, (z, y, x) = self.changed(), self.voxel()
        labels[z, y, x] = 2
        self.layer.data = labels.astype(np.int64)
        self.model.edit(labels, self.threshold, set(range(SHAPE[0])))

    def do_threshold(self) -> None:
        before, self.threshold = self.threshold, round(float(self.rng.random()), 2)
        if self.model.probability is None:
            self.threshold = before
            return
        for threshold in (0.5, 0.25, self.threshold):  # As one drag of the slider.
            self.session.set_threshold(threshold)
        self.session.settle()
        self.model.predict(before, self.threshold, is_step=False)

    def do_predict(self) -> None:
        before, self.threshold = self.threshold, round(float(self.rng.random()), 2)
        self.model.probability = self.rng.integers(0, 256, SHAPE, dtype=np.uint8)
        self.session.set_prediction(self.model.probability, "tiny", self.threshold)
        self.model.predict(before, self.threshold, is_step=True)

    def do_undo(self) -> None:
        self.layer.undo()
        if self.model.done:
            self.follow(self.model.undo())

    def do_redo(self) -> None:
        self.layer.redo()
        if self.model.undone:
            self.follow(self.model.redo())

    def do_go_to(self) -> None:
        steps = self.session.history.steps
        done = int(self.rng.integers(len(steps) + 1))
        self.workbench.history.step_requested.emit(steps[done - 1].position if done else 0)
        while len(self.model.done) != done:
            self.follow(self.model.undo() if len(self.model.done) > done else self.model.redo())

    def follow(self, moved: float | None) -> None:
        self.threshold = self.threshold if moved is None else moved

    # ---- ends

    def do_save(self) -> None:
        if not self.recorder.flush(10):
            self.wrong.append("flush")
        self.on_disk(self.case)

    def do_switch_case(self) -> None:
        last = self.case
        self.open(str(self.rng.choice([case for case in CASES if case != last])))
        self.on_disk(last)

    def do_switch_panel(self) -> None:
        self.drop_panel()
        self.show_panel()
        self.qtbot.waitUntil(lambda: self.recorder.is_open, timeout=PATIENCE)

    def do_close_and_reopen(self) -> None:
        self.end()
        for case in CASES:
            self.on_disk(case)
        self.start()
        self.open(str(self.rng.choice(CASES)))


@pytest.fixture(autouse=True)
def _own_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESIONSEG_DESK", str(tmp_path / "desk"))


@pytest.mark.hazard("H7")
@pytest.mark.timeout(3600)
def test_whatever_is_shown_every_edit_is_kept_and_the_mask_is_the_model(
    qtbot: QtBot, tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    count, world = hazard_count(200, 5000), World(qtbot, tmp_path, seed=7)
    for _ in range(count):
        world.step()
        if world.wrong:
            break
    world.do_close_and_reopen()
    world.compare("the end")
    world.end()
    done = sum(world.did.values())
    hazard_figure(
        "H7",
        f"{done} steps in {len(CASES)} cases, {world.did['close and reopen']} restarts: {len(world.wrong)} times the "
        "mask was not the model",
        not world.wrong and done == count,
    )
    assert (world.wrong, done) == ([], count)
    assert set(world.did) == {*VIEWS, *EDITS, *ENDS}


@dataclass
class Bench:
    """A mask on its layer with its journal, without panels."""

    qtbot: QtBot
    folder: Path
    viewer: ViewerModel = field(default_factory=ViewerModel)
    session: Session = field(default_factory=Session)
    steps: StepList = field(default_factory=StepList)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.recorder, self.bridge = Recorder(self.session), LayerBridge(self.viewer, self.session)
        self.session.history_changed.connect(lambda: self.steps.follow(self.session.history))

    def open(self, case: str) -> None:
        self.recorder.open_case(self.folder, case, "ann")
        self.session.open_scan(Volume(np.zeros(SHAPE, np.int16), GRID))
        self.recorder.attach()
        self.qtbot.waitUntil(lambda: self.recorder.is_open, timeout=30_000)

    def cycles(self, count: int) -> None:
        """Strokes, of which every fifth is undone and redone; what waits for the disk stays little."""
        layer: Any = self.bridge.mask
        layer.brush_size = 3
        for number in range(count):
            place = tuple(int(self.rng.integers(side)) for side in SHAPE)
            layer.paint(place, 1 - min(1, layer.data[place]))
            if number % 5 == 0:
                layer.undo()
                layer.redo()
            if number % 500 == 499:
                assert self.recorder.flush(30)
                QApplication.processEvents()

    def size(self) -> tuple[float, int]:
        """Memory in MB, and how many files are open."""
        gc.collect()
        process = psutil.Process()
        handles = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
        return process.memory_info().rss / 1e6, handles


@pytest.mark.hazard("H7")
@pytest.mark.timeout(3600)
def test_fifty_thousand_edits_take_little_memory_and_leave_no_file_open(
    qtbot: QtBot, tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    count, study = hazard_count(2000, 50_000), Study.create(tmp_path / "study")
    for case in CASES[:2]:
        nifti.write_scan(tmp_path / f"{case}.nii.gz", Volume(np.full(SHAPE, int(case[-1]), np.int16), GRID))
        study.add_case(case, f"patient-{case}", tmp_path / f"{case}.nii.gz")
    bench = Bench(qtbot, study.folder)
    for case in (*CASES[:2], CASES[0]):  # Libraries are loaded, and caches are as large as they get.
        bench.open(case)
        bench.cycles(500)
    # With no case open: SQLite keeps the file of a closed connection for as long as another one is open.
    bench.recorder.close()
    _, handles = bench.size()
    bench.open(CASES[0])
    (before, _), lines = bench.size(), bench.session.history.length
    bench.cycles(count)
    (after, _), lines = bench.size(), bench.session.history.length - lines
    for _ in range(10):
        for case in CASES[:2]:
            bench.open(case)
    bench.recorder.close()
    left, until = bench.size()[1], time.monotonic() + 5
    while left > handles and time.monotonic() < until:  # The time spent on slices may still be read beside the window.
        qtbot.wait(50)
        left = bench.size()[1]
    grown, limit = after - before, 50 * count / 50_000 + 4
    hazard_figure(
        "H7",
        f"{count} edit cycles, {lines} lines: memory grew by {max(0.0, grown):.1f} MB; after 20 changes of case "
        f"{left - handles} more files open",
        grown <= limit and left <= handles,
    )
    assert grown <= limit
    assert left <= handles
    assert lines == count + 2 * (count // 5)
