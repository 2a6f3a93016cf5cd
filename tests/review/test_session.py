"""The state all panels share, on scans of a few voxels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from psygnal import Signal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session
from napari_lesionseg.review.session_signals import SessionSignals
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window

SHAPE = (5, 4, 3)
GRID = Geometry.from_spacing(SHAPE, (3.0, 1.0, 1.0))
OTHER_GRID = Geometry.from_spacing(SHAPE, (3.0, 1.0, 2.0))
JOURNAL = {"settling", "edited", "history_changed"}  # Heard in test_session_history.py.
SIGNALS = [name for name, value in vars(SessionSignals).items() if isinstance(value, Signal) and name not in JOURNAL]


def scan(**kwargs: Any) -> Volume:
    return Volume(np.zeros(SHAPE, np.int16), GRID, **kwargs)


@pytest.fixture
def session() -> Session:
    session = Session()
    session.open_scan(scan())
    return session


@pytest.fixture
def predicted(session: Session) -> Session:
    """Slice z has probability 50·z everywhere: 128 and 255 are reached from slice 3 on, or not at all."""
    session.set_prediction(steps(), "tiny", 0.5)
    return session


def steps() -> np.ndarray:
    return np.broadcast_to(np.arange(5, dtype=np.uint8)[:, None, None] * 50, SHAPE).copy()


def record(session: Session) -> list[tuple[str, Any]]:
    heard: list[tuple[str, Any]] = []
    for name in SIGNALS:
        getattr(session, name).connect(lambda value, name=name: heard.append((name, value)))
    return heard


def slices_with_lesion(session: Session) -> list[int]:
    assert session.mask is not None
    return [z for z, one in enumerate(session.mask.array) if one.any()]


def paint(session: Session, z: int, label: int = 1) -> None:
    assert session.mask is not None
    session.mask.array[z, 0, 0] = label
    session.mark_edited([z])


def state(session: Session) -> tuple[object, ...]:
    pixels = None if session.mask is None else session.mask.array.tobytes()
    return (
        id(session.scan), id(session.truth), id(session.mask), id(session.probability), pixels, session.threshold,
        session.corrected_slices, session.dirty, session.window, session.slice_index, session.model_name,
    )  # fmt: skip


def test_a_new_session_holds_no_scan() -> None:
    assert len(SIGNALS) == 11
    session = Session()
    assert session.scan is session.truth is session.mask is session.probability is None
    assert not session.dirty


def test_opening_a_scan_gives_an_empty_mask_the_lung_window_and_the_middle_slice(session: Session) -> None:
    assert session.mask is not None
    assert session.mask.array.shape == SHAPE
    assert session.mask.array.dtype == np.uint8
    assert not session.mask.array.any()
    assert session.window == PRESETS["lung"]
    assert session.slice_index == 2


def test_a_grey_scan_opens_in_the_grey_window_and_says_its_warning() -> None:
    session = Session()
    heard = record(session)
    session.open_scan(scan(intensity="grey", warnings=("Grey, not HU.",)))
    assert session.window == GREY_WINDOW
    assert ("message", "Grey, not HU.") in heard


def test_opening_another_scan_drops_all_of_the_last_one(predicted: Session) -> None:
    predicted.set_truth(Mask.empty(GRID))
    paint(predicted, 0)
    last = predicted.mask
    heard = record(predicted)
    predicted.open_scan(scan())
    assert predicted.mask is not last
    assert predicted.truth is None
    assert predicted.probability is None
    assert predicted.model_name == ""
    assert predicted.corrected_slices == frozenset()
    assert heard[0] == ("scan_changed", predicted.scan)
    assert ("dirty_changed", False) in heard


def test_closing_a_scan_leaves_nothing_to_edit(predicted: Session) -> None:
    predicted.close_scan()
    assert predicted.scan is predicted.mask is predicted.probability is None
    with pytest.raises(LesionsegError, match="open a scan first"):
        predicted.mark_edited([0])
    with pytest.raises(LesionsegError, match="open a scan first"):
        predicted.set_truth(Mask.empty(GRID))


def test_a_prediction_is_thresholded_into_the_mask_in_place(session: Session) -> None:
    assert session.mask is not None
    array = session.mask.array
    heard = record(session)
    session.set_prediction(steps(), "tiny", 0.4)
    assert session.mask.array is array
    assert slices_with_lesion(session) == [3, 4]  # 0.4 · 255 = 102: 150 and 200 reach it, 100 does not.
    assert session.model_name == "tiny"
    assert [name for name, _ in heard] == ["prediction_changed", "threshold_changed", "mask_changed"]
    assert heard[-1] == ("mask_changed", None)


def test_moving_the_threshold_moves_the_mask_in_place(predicted: Session) -> None:
    assert predicted.mask is not None
    array = predicted.mask.array
    heard = record(predicted)
    predicted.set_threshold(0.1)
    assert slices_with_lesion(predicted) == [1, 2, 3, 4]
    predicted.set_threshold(0.7)
    assert slices_with_lesion(predicted) == [4]
    assert predicted.mask.array is array
    assert heard[:2] == [("threshold_changed", 0.1), ("mask_changed", None)]


def test_moving_the_threshold_without_a_prediction_keeps_the_mask(session: Session) -> None:
    paint(session, 1)
    heard = record(session)
    session.set_threshold(0.9)
    assert slices_with_lesion(session) == [1]
    assert heard == [("threshold_changed", 0.9)]


def test_moving_the_threshold_spares_corrected_slices(predicted: Session) -> None:
    paint(predicted, 3, label=0)
    heard = record(predicted)
    predicted.set_threshold(0.1)
    assert predicted.mask is not None
    assert [int(one.sum()) for one in predicted.mask.array] == [0, 12, 12, 11, 12]
    assert ("mask_changed", (0, 1, 2, 4)) in heard


def test_a_new_prediction_spares_corrected_slices_and_says_so(predicted: Session) -> None:
    paint(predicted, 0)
    heard = record(predicted)
    predicted.set_prediction(np.zeros(SHAPE, np.uint8), "other", 0.5)
    assert slices_with_lesion(predicted) == [0]
    assert predicted.corrected_slices == {0}
    assert predicted.dirty
    assert any(name == "message" and "corrections of 1 slice were" in value for name, value in heard)


def test_painting_marks_the_slice_corrected_and_the_session_dirty(predicted: Session) -> None:
    heard = record(predicted)
    paint(predicted, 1)
    assert predicted.corrected_slices == {1}
    assert heard == [("mask_changed", (1,)), ("dirty_changed", True)]


def test_a_slice_painted_as_predicted_is_not_corrected(predicted: Session) -> None:
    paint(predicted, 4, label=1)
    assert predicted.corrected_slices == frozenset()


def test_reverting_a_slice_frees_it_for_the_threshold(predicted: Session) -> None:
    assert predicted.mask is not None
    paint(predicted, 4, label=0)
    paint(predicted, 1)
    predicted.mask.array[4] = predicted.predicted_slice(4)
    predicted.mark_edited([4])
    assert predicted.corrected_slices == {1}
    predicted.set_threshold(0.9)
    assert slices_with_lesion(predicted) == [1]


def test_without_a_prediction_a_slice_is_corrected_while_it_is_not_empty(session: Session) -> None:
    paint(session, 2)
    assert session.corrected_slices == {2}
    paint(session, 2, label=0)
    assert session.corrected_slices == frozenset()


def test_a_correction_stays_one_when_the_threshold_comes_to_agree_with_it(predicted: Session) -> None:
    assert predicted.mask is not None
    predicted.mask.array[2] = 1
    predicted.mark_edited([2])
    predicted.set_threshold(0.1)  # Now slice 2 is predicted full as well.
    predicted.set_threshold(0.5)
    assert slices_with_lesion(predicted) == [2, 3, 4]


def test_exporting_makes_the_session_clean_until_the_next_edit(predicted: Session) -> None:
    paint(predicted, 0)
    heard = record(predicted)
    predicted.mark_exported()
    predicted.mark_exported()
    assert not predicted.dirty
    assert heard == [("dirty_changed", False)]
    assert predicted.corrected_slices == {0}
    paint(predicted, 0, label=0)
    assert predicted.dirty


def test_a_slice_outside_the_scan_cannot_be_edited(session: Session) -> None:
    before = state(session)
    for z in (-1, 5):
        with pytest.raises(IndexError, match="scan's 5"):
            session.mark_edited([0, z])
    assert state(session) == before


def test_a_loaded_mask_is_copied_in_place_and_its_lesions_are_kept(session: Session) -> None:
    assert session.mask is not None
    array = session.mask.array
    labels = np.zeros(SHAPE, np.int32)
    labels[1, 2, 2], labels[3, 0, 1] = 1, 2
    session.load_mask(Mask(labels, GRID))
    assert session.mask.array is array
    assert array[3, 0, 1] == 2
    assert session.corrected_slices == {1, 3}
    assert not session.dirty
    session.set_prediction(np.full(SHAPE, 255, np.uint8), "tiny", 0.5)
    assert [int(one.sum()) for one in array] == [12, 1, 12, 2, 12]


def test_a_mask_loaded_over_a_prediction_counts_as_corrected_where_they_differ(predicted: Session) -> None:
    predicted.load_mask(Mask.empty(GRID))
    assert predicted.corrected_slices == {3, 4}
    predicted.set_threshold(0.1)
    assert slices_with_lesion(predicted) == [1, 2]


@pytest.mark.parametrize("call", ["set_truth", "load_mask"])
def test_a_mask_of_another_grid_is_refused_by_name_and_changes_nothing(predicted: Session, call: str) -> None:
    predicted.set_truth(Mask.empty(GRID))
    paint(predicted, 0)
    before, heard = state(predicted), record(predicted)
    with pytest.raises(LesionsegError, match=r"wrong\.nii lies on another grid .* choose the mask"):
        getattr(predicted, call)(Mask(np.ones(SHAPE, np.uint8), OTHER_GRID, Path("wrong.nii")))
    assert state(predicted) == before
    assert heard == []


@pytest.mark.parametrize("label", [-1, 256])
def test_labels_that_do_not_fit_are_refused_before_a_voxel_changes(predicted: Session, label: int) -> None:
    labels = np.ones(SHAPE, np.int16)
    labels[-1, -1, -1] = label
    before, heard = state(predicted), record(predicted)
    with pytest.raises(LesionsegError, match="labels outside 0 to 255"):
        predicted.load_mask(Mask(labels, GRID))
    assert state(predicted) == before
    assert heard == []


@pytest.mark.parametrize(
    ("probability", "threshold"),
    [
        (np.zeros((4, 4, 3), np.uint8), 0.5),
        (np.zeros(SHAPE, np.float32), 0.5),
        (np.zeros(SHAPE, np.uint8), 1.5),
        (np.zeros(SHAPE, np.uint8), float("nan")),
    ],
)
def test_a_prediction_that_does_not_fit_changes_nothing(
    predicted: Session, probability: np.ndarray, threshold: float
) -> None:
    before, heard = state(predicted), record(predicted)
    with pytest.raises(LesionsegError):
        predicted.set_prediction(probability, "other", threshold)
    assert state(predicted) == before
    assert heard == []


def test_the_truth_can_be_set_and_taken_away(session: Session) -> None:
    truth = Mask.empty(GRID)
    heard = record(session)
    session.set_truth(truth)
    session.set_truth(None)
    assert heard == [("truth_changed", truth), ("truth_changed", None)]


def test_slices_are_held_inside_the_scan_and_said_once(session: Session) -> None:
    heard = record(session)
    for z in (4, 99, -3):
        session.set_slice(z)
    assert heard == [("slice_changed", 4), ("slice_changed", 0)]


def test_a_window_is_said_once_and_must_have_a_width(session: Session) -> None:
    heard = record(session)
    session.set_window(PRESETS["bone"])
    session.set_window(PRESETS["bone"])
    assert heard == [("window_changed", PRESETS["bone"])]
    with pytest.raises(LesionsegError, match="width above 0"):
        session.set_window(Window(0, 0))
    assert session.window == PRESETS["bone"]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_edits_are_kept_and_all_else_is_the_prediction(session: Session, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert session.mask is not None
    array, edited = session.mask.array, {}
    for _ in range(200):
        z = int(rng.integers(5))
        match rng.choice(["paint", "revert", "threshold", "predict"]):
            case "paint":
                array[z] = rng.integers(0, 2, SHAPE[1:])
                session.mark_edited([z])
                edited[z] = array[z].copy()
            case "revert":
                array[z] = session.predicted_slice(z)
                session.mark_edited([z])
            case "threshold":
                session.set_threshold(float(rng.random()))
            case "predict":
                session.set_prediction(rng.integers(0, 256, SHAPE, dtype=np.uint8), "tiny", float(rng.random()))
        assert session.mask.array is array
        for one in range(5):
            kept = edited[one] if one in session.corrected_slices else session.predicted_slice(one)
            np.testing.assert_array_equal(array[one], kept)


def test_all_state_is_new_before_the_first_signal(predicted: Session) -> None:
    paint(predicted, 0)
    seen: list[tuple[object, ...]] = []
    predicted.scan_changed.connect(lambda _: seen.append(state(predicted)))
    predicted.open_scan(scan())
    assert seen == [state(predicted)]


def test_the_session_starts_without_torch_qt_or_napari() -> None:
    code = (
        "import sys, napari_lesionseg.review.session, napari_lesionseg.review.evaluate; "
        "import napari_lesionseg.review.tools.smooth; "
        "print(sorted({'torch', 'qtpy', 'napari', 'matplotlib'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_several_slices_are_written_as_one_step(session: Session) -> None:
    told: list[object] = []
    session.mask_changed.connect(told.append)
    full = np.ones(SHAPE[1:], np.uint8)
    assert session.write_slices({1: full, 3: full}, "interpolate")
    assert told == [(1, 3)]
    assert [step.name for step in session.history.steps] == [f"interpolate, slice 2, +{2 * full.size} voxels"]
    assert not session.write_slices({1: full}, "interpolate")
    assert session.undo() and not session.mask.array.any()
    assert len(session.history.steps) == 1


def test_nothing_is_written_without_a_scan_or_into_a_mask_that_is_only_read(session: Session) -> None:
    full = np.ones(SHAPE[1:], np.uint8)
    with pytest.raises(LesionsegError, match="No scan is open"):
        Session().write_slices({0: full}, "lasso")
    session.set_editable(False)
    with pytest.raises(LesionsegError, match="reading only"):
        session.write_slices({0: full}, "lasso")
    assert not session.mask.array.any()


def test_lungs_belong_to_their_scan_and_are_not_checked_until_somebody_says_so(session: Session) -> None:
    lungs, told = Mask(np.ones(SHAPE, np.uint8), GRID), []
    session.lungs_changed.connect(told.append)
    session.set_lungs(lungs)
    assert session.lungs is lungs and not session.lungs_checked
    session.set_lungs(lungs, checked=True)
    assert session.lungs_checked
    session.open_scan(scan())
    assert (session.lungs, session.lungs_checked) == (None, False)
    assert told == [lungs, lungs, None]
