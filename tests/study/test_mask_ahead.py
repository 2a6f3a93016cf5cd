"""The mask a case begins with, read before it is opened, and what opening it does with that."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study, replay
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, take
from napari_lesionseg.study.mask_ahead import HELD, read_mask_ahead
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.replay import Restored
from tests.study.drafting import GRID, Hand, a_mask, add_case


@pytest.fixture
def files_read(study: Study, monkeypatch: pytest.MonkeyPatch) -> list[Revision | None]:
    """The masks that opening a case had to read itself."""
    read: list[Revision | None] = []
    read_labels = replay.read_labels
    monkeypatch.setattr(replay, "read_labels", lambda case, mask: read.append(mask) or read_labels(case, mask))
    return read


def add_predicted(study: Study, *cases: str) -> None:
    for seed, case in enumerate(cases):
        add_case(study, case)
        study.add_revision(case, "prediction", a_mask(seed), model="dual")


def restore(study: Study, case: str = "c1") -> Restored:
    with Journal(study, Drafts(study).open_main(case, "ann")) as journal:
        return journal.restore()


def test_what_was_read_ahead_is_taken_once_and_comes_twice(study: Study, files_read: list[Revision | None]) -> None:
    add_predicted(study, "c1")
    read_mask_ahead(study, study.case("c1"))
    ahead = restore(study)
    assert files_read == []
    assert np.array_equal(ahead.mask.array, a_mask(0).array) and np.array_equal(ahead.twin, a_mask(0).array)
    ahead.mask.array[:] = 7  # It is its own: neither its twin nor whoever opens the case again sees that.
    assert ahead.twin.max() == 1
    again = restore(study)
    assert len(files_read) == 1
    assert again.twin is None and np.array_equal(again.mask.array, a_mask(0).array)


def test_lines_of_the_journal_are_drawn_on_both(study: Study, files_read: list[Revision | None]) -> None:
    add_predicted(study, "c1")
    draft = Drafts(study).open_main("c1", "ann")
    hand = Hand(a_mask(0).array.copy())
    lock = take(study, draft, "ann")
    assert isinstance(lock, Lock)
    with Journal(study, draft, lock.token) as journal:
        journal.append([hand.dot(0, 1, 1, size=3), hand.dot(5, 8, 8), hand.dot(0, 2, 2, value=0), hand.undo()], "ann")
    read_mask_ahead(study, study.case("c1"))
    ahead = restore(study)
    assert files_read == []
    assert np.array_equal(ahead.mask.array, hand.labels) and np.array_equal(ahead.twin, hand.labels)


def test_only_the_last_few_are_held(study: Study, files_read: list[Revision | None]) -> None:
    cases = [f"c{number}" for number in range(HELD + 1)]
    add_predicted(study, *cases)
    for case in cases:
        read_mask_ahead(study, study.case(case))
    for case in reversed(cases):
        restore(study, case)
    assert [mask.id for mask in files_read] == [study.latest("c0", "prediction").id]


def test_a_mask_that_cannot_be_read_is_told_when_the_case_is_opened_and_not_before(study: Study) -> None:
    add_predicted(study, "c1")
    study.latest("c1", "prediction").path.write_bytes(b"something else")
    read_mask_ahead(study, study.case("c1"))
    with pytest.raises(LesionsegError, match="no longer the mask that was kept"):
        restore(study)


def test_a_case_without_a_mask_has_none_to_read(study: Study) -> None:
    add_case(study)
    read_mask_ahead(study, study.case("c1"))
    restored = restore(study)
    assert restored.twin is None and restored.mask.array.shape == GRID.display_shape and not restored.mask.array.any()
