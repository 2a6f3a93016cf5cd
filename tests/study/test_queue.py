"""The list of cases, and which one comes next."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from napari_lesionseg.study.queue import CaseSummary, case_rows, count_states, next_case
from napari_lesionseg.study.schema import CaseRow, PatientRow
from napari_lesionseg.study.workflow import Workflow

if TYPE_CHECKING:
    from napari_lesionseg.study import Study


def row(name: str, state: Any = "predicted") -> CaseSummary:
    return CaseSummary(name, f"p{name}", "train", state)


A_TO_D = [row("a"), row("b", "approved"), row("c"), row("d", "skipped")]


@pytest.mark.parametrize(
    ("current", "step", "found"),
    [("a", 1, "b"), ("b", -1, "a"), ("d", 1, None), ("a", -1, None), (None, 1, "a"), (None, -1, "d"), ("gone", 1, "a")],
)
def test_the_next_case_is_the_one_below_and_the_list_ends(current: str | None, step: int, found: str | None) -> None:
    assert next_case(A_TO_D, current, step, unfinished=False) == found


@pytest.mark.parametrize(
    ("current", "step", "found"),
    [("a", 1, "c"), ("c", 1, "a"), ("c", -1, "a"), ("a", -1, "c"), ("d", 1, "a"), ("b", -1, "a"), (None, -1, "c")],
)
def test_the_next_unfinished_case_is_found_beyond_the_end_of_the_list(
    current: str | None, step: int, found: str
) -> None:
    assert next_case(A_TO_D, current, step) == found


def test_there_is_no_unfinished_case_but_the_open_one() -> None:
    assert next_case([row("a"), row("b", "rejected")], "a", 1) is None
    assert next_case([row("b", "rejected")], None, 1) is None
    assert next_case([], "a", -1) is None


def test_the_order_of_the_list_decides() -> None:
    assert next_case(A_TO_D[::-1], "c", 1) == "a"
    assert next_case(A_TO_D[::-1], "c", 1, unfinished=False) == "b"


def test_states_are_counted_in_their_order() -> None:
    counts = count_states([*A_TO_D, row("e", "approved")])
    assert list(counts.items()) == [("predicted", 2), ("approved", 2), ("skipped", 1)]


def test_a_line_says_what_is_known_of_a_case(study: Study, make_scan: Any, make_mask: Any) -> None:
    study.add_case("b", "p1", make_scan("b.nii.gz", 1), split="train")
    study.add_case("a", "p2", make_scan("a.nii.gz", 2), split="gate")
    study.add_revision("a", "prediction", make_mask(3), model="tiny")
    study.add_revision("a", "truth", make_mask(2))
    workflow = Workflow(study)
    if case_rows(study, "a")[0].state == "unlabelled":
        workflow.move("a", "predicted", "")
    workflow.move("a", "skipped", "rev", reason="blurred")
    first, second = case_rows(study)
    assert (first.id, first.patient, first.split, first.state, first.masks) == ("b", "p1", "train", "unlabelled", ())
    assert (second.id, second.split, second.state, second.reviewer) == ("a", "gate", "skipped", "rev")
    assert second.masks == ("truth", "prediction")
    assert second.touched is not None and second.finished and not first.finished
    assert case_rows(study, "a") == [second]


def test_a_removed_case_is_not_listed(study: Study, make_scan: Any) -> None:
    study.add_case("a", "p1", make_scan("a.nii.gz", 1))
    study.add_case("b", "p2", make_scan("b.nii.gz", 2))
    with study._session(write=True) as session:
        session.execute(update(CaseRow).where(CaseRow.id == "a").values(removed="2026-01-01"))
    assert [one.id for one in case_rows(study)] == ["b"]


def test_ten_thousand_cases_are_listed_in_a_second(study: Study) -> None:
    with study._session(write=True) as session:
        session.execute(insert(PatientRow), [{"id": f"p{n}", "split": "train", "hash": "0"} for n in range(10_000)])
        cases = [
            {"id": f"c{n}", "patient_number": n + 1, "scan": "s", "sha256": "0", "shape": [1, 1, 1], "affine": [1.0]}
            for n in range(10_000)
        ]
        session.execute(insert(CaseRow), [{**case, "added": "2026-01-01"} for case in cases])
    gc.collect()
    gc.freeze()  # What other tests have left behind would be gone through at every ten thousandth object.
    try:
        began = time.thread_time()  # The other programs of this machine are not counted.
        assert len(case_rows(study)) == 10_000
        assert time.thread_time() - began < 1
    finally:
        gc.unfreeze()


def test_the_words_of_a_queue_need_no_database() -> None:
    code = "import sys, napari_lesionseg.study.queue; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
