"""Double reading: blind until both have finished, then compared and settled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry, change_between
from napari_lesionseg.study import Study, locks
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.readings import Readings
from napari_lesionseg.study.states import FINISHED
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask

NO_MASK = "two finished readings"


@pytest.fixture
def case(study: Study, make_scan: Callable[..., Path]) -> str:
    return study.add_case("c1", "p1", make_scan("one.nii")).id


@pytest.fixture
def readings(study: Study, case: str) -> Readings:
    return Readings(study)


def voxels(mask: Mask) -> int:
    return int(np.count_nonzero(mask.array))


def draw(study: Study, draft: Draft, reviewer: str, mask: Mask) -> None:
    """Keep one stroke that makes an empty mask ``mask``, as a writer would."""
    lock = locks.take(study, draft, reviewer)
    change = change_between(np.zeros_like(mask.array), mask.array, range(len(mask.array)))
    with Journal(study, draft, lock.token) as journal:
        journal.append([Entry(1, "edit", "brush", 0, voxels(mask), "2026-01-01T00:00:00.000+00:00", change)], reviewer)
    locks.release(study, lock)


def test_two_readers_finish_and_their_masks_can_be_compared(
    readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    first, second = readings.start(case, "ann"), readings.start(case, "bob")
    readings.finish(second, make_mask(4))
    assert (readings.state(case).readers, readings.state(case).finished) == (("ann", "bob"), ("bob",))
    kept = readings.finish(first, make_mask(6))
    assert (kept.role, kept.reviewer, kept.draft, kept.parent) == ("reading", "ann", first.id, None)
    a, b = readings.pair(case)
    assert [(one.reviewer, one.role) for one in (a, b)] == [("ann", "reading"), ("bob", "reading")]  # As they began.
    found = readings.agreement(case)
    assert found.dice == pytest.approx(2 * 4 / 10)
    assert (found.volume_a_ml, found.difference_ml) == (pytest.approx(6 * 1.4e-3), pytest.approx(-2 * 1.4e-3))


def test_a_reading_starts_from_the_prediction_and_never_from_the_other_reader(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    predicted = study.add_revision(case, "prediction", make_mask(3))
    study.add_revision(case, "correction", make_mask(5), reviewer="cid")
    readings.finish(readings.start(case, "ann"), make_mask(7))
    draft = readings.start(case, "bob")
    assert draft.base is not None and draft.base.id == predicted.id
    with Journal(study, draft, locks.take(study, draft, "bob").token) as journal:
        assert voxels(journal.restore().mask) == 3


def reach_for_masks(study: Study, draft: Draft, kept_id: str, reviewer: str) -> dict[str, Callable[[], Any]]:
    """Every public way to what was drawn, tried by ``reviewer``; each gives masks, revisions, lines or an error."""
    readings, drafts = Readings(study), Drafts(study)

    def lines(read: Callable[[Journal], Any]) -> Callable[[], Any]:
        def attempt() -> Any:
            with Journal(study, draft) as journal:
                return read(journal)

        return attempt

    def taken() -> Any:
        lock = locks.take(study, draft, reviewer)
        with Journal(study, draft, lock.token) as journal:
            return journal.restore()

    def branched() -> Any:
        branch = drafts.branch(draft, reviewer, 1)
        with Journal(study, branch, locks.take(study, branch, reviewer).token) as journal:
            return journal.restore()

    return {
        "revisions": lambda: [one for one in study.revisions(draft.case) if one.role == "reading"],
        "latest": lambda: study.latest(draft.case, "reading"),
        "pair": lambda: readings.pair(draft.case),
        "masks": lambda: readings.masks(draft.case),
        "agreement": lambda: readings.agreement(draft.case),
        "restore": lines(lambda journal: journal.restore()),
        "log": lines(lambda journal: journal.log()),
        "entries": lines(lambda journal: journal.entries()),
        "entry": lines(lambda journal: journal.entry(1)),
        "chosen": lines(lambda journal: list(journal.chosen([1]))),
        "transaction": lines(lambda journal: journal.transaction().__enter__()),
        "lock": taken,
        "branch": branched,
        "parent": lambda: study.add_revision(draft.case, "correction", Mask.empty(study.case(draft.case).geometry), parent=kept_id),  # noqa: E501
        "main": lambda: drafts.open_main(draft.case, reviewer, study._all_revisions(draft.case)[-1]),
        "settle": lambda: readings.settle(draft.case, reviewer, Mask.empty(study.case(draft.case).geometry)),
    }  # fmt: skip


@pytest.mark.parametrize("who", ["bob", "cid", ""])
@pytest.mark.parametrize("finished", [False, True])
def test_nobody_gets_a_reading_by_any_public_call_before_both_have_finished(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask], who: str, finished: bool
) -> None:
    first, second = readings.start(case, "ann"), readings.start(case, "bob")
    draw(study, first, "ann", make_mask(6))
    kept = study.add_revision(case, "reading", make_mask(6), reviewer="ann", draft=first.id).id
    if finished:
        readings.finish(first, make_mask(6))
    for name, attempt in reach_for_masks(study, first, kept, who).items():
        try:
            got = attempt()
        except LesionsegError:
            continue
        assert not got, f"{name} gave {got}"
    assert study.role_counts()[case].get("correction", 0) == 0
    readings.finish(second, make_mask(4))
    if finished:
        assert [voxels(one) for one in readings.masks(case)] == [6, 4]
        assert len(study.revisions(case)) == 3  # The one kept before finishing, too.
        with Journal(study, first) as journal:
            assert voxels(journal.restore().mask) == 6


def test_the_list_of_public_ways_is_whole() -> None:
    """A new public method that could give a mask has to be tried above."""
    ways = {
        Study: {"revisions", "latest", "add_revision"},
        Readings: {"pair", "masks", "agreement", "settle", "start", "finish", "withdraw", "state"},
        Drafts: {
            "open_main",
            "branch",
            "start_reading",
            "start_adjudication",
            "of",
            "find_main",
            "find_branch",
            "close",
        },
        Journal: {"restore", "log", "entries", "entry", "chosen", "transaction", "append", "close"},
    }
    harmless = {  # They give no mask, no revision and no line.
        Study: {
            *("create", "open", "case", "cases", "add_case", "remove_case", "restore_case", "rename_case"),
            *("relink_case", "check_scan", "corrected_slices", "role_counts", "split", "ledger"),
        },
    }
    for kind, known in ways.items():
        public = {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}
        assert public <= known | harmless.get(kind, set())


def test_who_reads_goes_on_with_their_own_reading_after_a_restart(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    first = readings.start(case, "ann")
    draw(study, first, "ann", make_mask(6))
    again = Readings(Study.open(study.folder)).start(case, "ann")
    assert again == first
    with Journal(study, again, locks.take(study, again, "ann").token) as journal:
        assert voxels(journal.restore().mask) == 6


def test_the_list_of_cases_does_not_tell_how_much_a_blind_reader_drew(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    from napari_lesionseg.study.queue import case_rows

    study.add_revision(case, "prediction", make_mask(3))
    before = case_rows(study)[0].lesion_ml
    readings.finish(readings.start(case, "ann"), make_mask(9))
    assert case_rows(study)[0].lesion_ml == before


def test_two_readings_are_of_two_reviewers(readings: Readings, case: str, make_mask: Callable[..., Mask]) -> None:
    readings.finish(readings.start(case, "Ann Bee"), make_mask())
    for name in ("Ann Bee", " ann  bee "):
        with pytest.raises(LesionsegError, match="another reviewer's"):
            readings.start(case, name)
    with pytest.raises(LesionsegError, match="name the reviewer"):
        readings.start(case, " ")
    assert readings.state(case).readers == ("Ann Bee",)


def test_a_third_reader_waits_until_the_two_are_settled(
    readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    drafts = [readings.start(case, name) for name in ("ann", "bob")]
    with pytest.raises(LesionsegError, match="two readings already"):
        readings.start(case, "cid")
    for draft in drafts:
        readings.finish(draft, make_mask())
    with pytest.raises(LesionsegError, match="two readings already"):
        readings.start(case, "cid")
    readings.settle(case, "cid", make_mask())
    assert readings.start(case, "cid").purpose == "reading"
    assert readings.state(case).readers == ("cid",)
    with pytest.raises(LesionsegError, match=NO_MASK):
        readings.pair(case)  # The new pair is not complete, and the old one is not meant.


def test_a_withdrawn_reading_makes_room_and_is_never_shown(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    first = readings.start(case, "ann")
    draw(study, first, "ann", make_mask(6))
    readings.withdraw(first)
    for name in ("bob", "cid"):
        readings.finish(readings.start(case, name), make_mask())
    assert readings.state(case).finished == ("bob", "cid")
    with pytest.raises(LesionsegError, match="blind"), Journal(study, first) as journal:
        journal.restore()


def test_a_finished_reading_takes_no_more_lines_and_is_finished_once(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    first = readings.start(case, "ann")
    readings.finish(first, make_mask(6))
    with pytest.raises(LesionsegError, match="no open reading"):
        readings.finish(first, make_mask(1))
    lock = locks.take(study, first, "ann")
    with pytest.raises(locks.Superseded), Journal(study, first, lock.token) as journal:
        journal.append([Entry(1, "edit", "brush", 0, 1, "2026-01-01T00:00:00.000+00:00")], "ann")


def test_killed_between_the_mask_and_the_end_a_reading_is_open_and_its_newest_mask_counts(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    first = readings.start(case, "ann")
    study.add_revision(case, "reading", make_mask(2), reviewer="ann", draft=first.id)
    assert readings.state(case).finished == ()
    readings.finish(readings.start(case, "ann"), make_mask(6))
    readings.finish(readings.start(case, "bob"), make_mask(4))
    assert [voxels(one) for one in readings.masks(case)] == [6, 4]


def test_a_reading_that_went_on_in_a_branch_is_finished_as_the_same_reading(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    first = readings.start(case, "ann")
    draw(study, first, "ann", make_mask(6))
    branch = Drafts(study).branch(first, "ann", 1)
    with pytest.raises(LesionsegError, match="blind"), Journal(study, branch) as journal:
        journal.restore()
    kept = readings.finish(branch, make_mask(7), position=3)
    assert (kept.draft, kept.position) == (first.id, None)
    assert readings.state(case).finished == ("ann",)
    assert all(one.closed for one in Drafts(study).of(case))


def test_no_other_draft_is_finished_as_a_reading(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    main = Drafts(study).open_main(case, "ann")
    for attempt in (lambda: readings.finish(main, make_mask()), lambda: readings.withdraw(main)):
        with pytest.raises(LesionsegError, match="reading"):
            attempt()
    assert Drafts(study).find_main(case) == main


def test_settling_makes_a_correction_of_every_slice_with_both_readings_as_its_sources(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    for name, count in (("ann", 6), ("bob", 4)):
        readings.finish(readings.start(case, name), make_mask(count))
    a, b = readings.pair(case)
    draft = Drafts(study).start_adjudication(case, "cid", a)
    kept = readings.settle(case, "cid", make_mask(5), draft, 0)
    assert (kept.role, kept.reviewer, kept.sources) == ("correction", "cid", (a.id, b.id))
    assert (kept.parent, kept.draft, kept.position, kept.corrected_slices) == (a.id, draft.id, 0, None)
    assert study.latest(case, "correction") == kept
    assert readings.state(case).settled
    assert study.case(case).state == "corrected"
    assert [one.closed is not None for one in Drafts(study).of(case)] == [True, True, True]
    assert readings.pair(case) == (a, b)  # The readings stay as they were.


def test_after_settling_the_main_draft_begins_anew_with_the_settled_mask(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    old = Drafts(study).open_main(case, "ann")
    for name in ("ann", "bob"):
        readings.finish(readings.start(case, name), make_mask(4))
    kept = readings.settle(case, "cid", make_mask(5))
    new = Drafts(study).open_main(case, "ann")
    assert new.id != old.id and new.base is not None and new.base.id == kept.id


def test_a_main_draft_that_somebody_works_on_is_left_to_them(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    old = Drafts(study).open_main(case, "ann")
    for name in ("ann", "bob"):
        readings.finish(readings.start(case, name), make_mask(4))
    locks.take(study, old, "ann")
    readings.settle(case, "cid", make_mask(5))
    assert Drafts(study).open_main(case, "ann").id == old.id


def test_one_finished_reading_cannot_be_settled(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask]
) -> None:
    readings.finish(readings.start(case, "ann"), make_mask(6))
    with pytest.raises(LesionsegError, match=NO_MASK):
        readings.settle(case, "cid", make_mask(5))
    with pytest.raises(LesionsegError, match="name the reviewer"):
        readings.settle(case, "", make_mask(5))
    assert study.latest(case, "correction") is None


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_a_case_whose_review_is_finished_is_reopened_first(
    study: Study, readings: Readings, case: str, make_mask: Callable[..., Mask], state: str
) -> None:
    for step in ("in review", "corrected", state) if state != "skipped" else (state,):
        Workflow(study).move(case, step, "ann", "so")
    with pytest.raises(LesionsegError, match=f"c1 is {state}; reopen it first"):
        readings.start(case, "ann")
    Workflow(study).move(case, "reopened", "ann")
    readings.start(case, "ann")
    assert study.case(case).state == "in review"
