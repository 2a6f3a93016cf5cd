"""Cases are read before they are wanted, one at a time, and a few of them are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.widgets.read_ahead import HELD, ReadAhead
from napari_lesionseg.widgets.study_thread import StudyThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.widgets.read_worker import Wanted

GRID = Geometry.from_spacing((4, 8, 10), (2.0, 1.0, 1.0))
CASES = "abcde"
PATIENCE = 60_000  # A child starts anew for each test, and the processor is shared.


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Five predicted cases; a and b have a truth. The first voxel of a scan tells which it is."""
    study = Study.create(tmp_path / "study")
    for number, case in enumerate(CASES):
        voxels = np.full(GRID.display_shape, -800, np.int16)
        voxels[0, 0, 0] = number
        nifti.write_scan(tmp_path / f"{case}.nii.gz", Volume(voxels, GRID))
        study.add_case(case, f"p{case}", tmp_path / f"{case}.nii.gz")
        mask = Mask.empty(GRID)
        mask.array[1, 2:4, 2 : 4 + number] = 1
        study.add_revision(case, "prediction", mask, model="tiny")
        if case in "ab":
            study.add_revision(case, "truth", mask)
    return study


class Ahead:
    """What was told of reading ahead, and which files were really read."""

    def __init__(self, reader: ReadAhead) -> None:
        self.reader, self.files = reader, list[str]()
        self.read, self.failed = list[str](), list[tuple[str, str]]()
        reader.read.connect(self.read.append)
        reader.failed.connect(lambda *told: self.failed.append(told))
        really = reader._reader.read

        def note(wanted: Wanted, *more: Any) -> None:
            self.files.append(wanted.path.name)
            really(wanted, *more)

        reader._reader.read = note  # type: ignore[method-assign]


@pytest.fixture
def ahead(qtbot: QtBot) -> Iterator[Ahead]:
    reader = ReadAhead()
    yield Ahead(reader)
    reader.close()


@pytest.fixture
def thread(study: Study) -> Iterator[StudyThread]:
    thread = StudyThread(study.folder)
    yield thread
    thread.close()


def test_scan_and_truth_are_read_and_stay(ahead: Ahead, thread: StudyThread, qtbot: QtBot) -> None:
    ahead.reader.want("b", thread)
    ahead.reader.want("b", thread)  # It is on its way.
    qtbot.waitUntil(lambda: ahead.read == ["b"], timeout=PATIENCE)
    for _ in range(2):
        case = ahead.reader.take("b")
        assert case.scan.array[0, 0, 0] == 1 and case.truth.array.sum() == 6
    assert len(ahead.files) == 2
    ahead.reader.want("b", thread)
    qtbot.waitUntil(lambda: ahead.read == ["b", "b"], timeout=PATIENCE)
    assert len(ahead.files) == 2


def test_another_wish_takes_the_place_of_the_one_that_is_read(ahead: Ahead, thread: StudyThread, qtbot: QtBot) -> None:
    ahead.reader.want("c", thread)
    ahead.reader.want("d", thread)
    qtbot.waitUntil(lambda: ahead.read == ["d"], timeout=PATIENCE)
    assert ahead.reader.take("c") is None and ahead.reader.take("d").truth is None


def test_the_last_few_are_held_and_no_more(ahead: Ahead, thread: StudyThread, qtbot: QtBot) -> None:
    for count, case in enumerate(CASES, start=1):
        ahead.reader.want(case, thread)
        qtbot.waitUntil(lambda count=count: len(ahead.read) == count, timeout=PATIENCE)
    assert [case for case in CASES if ahead.reader.take(case)] == list(CASES[-HELD - 1 :])
    ahead.reader.clear()
    assert not any(ahead.reader.take(case) for case in CASES)


def test_what_cannot_be_read_is_one_sentence_and_the_next_one_is_read(
    ahead: Ahead, thread: StudyThread, study: Study, qtbot: QtBot
) -> None:
    study.case("a").scan.unlink()
    ahead.reader.want("a", thread)
    qtbot.waitUntil(lambda: len(ahead.failed) == 1, timeout=PATIENCE)
    assert ahead.failed[0][0] == "a" and ahead.failed[0][1].startswith("Case a cannot be opened: ")
    ahead.reader.want("b", thread)
    qtbot.waitUntil(lambda: ahead.read == ["b"], timeout=PATIENCE)


def test_the_case_to_come_is_read_while_one_is_open_and_opening_it_reads_nothing(
    workbench: Any, study: Study, qtbot: QtBot
) -> None:
    opening, panel = workbench.context.opening, workbench.cases
    ahead = Ahead(opening.ahead)

    def until(case: str, following: str) -> None:
        qtbot.waitUntil(lambda: opening.now is not None and opening.now.id == case, timeout=PATIENCE)
        qtbot.waitUntil(lambda: ahead.read[-1:] == [following], timeout=PATIENCE)

    workbench.open.study_requested.emit(str(study.folder))
    qtbot.waitUntil(lambda: len(panel.model.rows) == len(CASES), timeout=PATIENCE)
    workbench.press("next_case")
    until("a", following="b")
    for case, following in ("bc", "cd", "de"):
        del ahead.files[:]
        workbench.press("next_case")
        qtbot.waitUntil(lambda case=case: opening.now.id == case, timeout=PATIENCE)
        assert workbench.session.scan.array[0, 0, 0] == CASES.index(case)
        assert f"{case}.nii.gz" not in ahead.files
        until(case, following)
        assert f"{following}.nii.gz" in ahead.files
