from __future__ import annotations

import gc
import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.chain import line_hash
from napari_lesionseg.study.ledger import check_ledger, extends, ledger_hash
from napari_lesionseg.study.seal import SEALED, learning_cases

MakeScan = Callable[..., Path]


@pytest.fixture
def five(study: Study, make_scan: MakeScan) -> Study:
    """A study of five patients, the first with two scans."""
    for number in range(5):
        study.add_case(f"c{number}", f"p{number}", make_scan(f"{number}.nii", number))
    study.add_case("again", "P0", make_scan("again.nii", 9))
    return study


def _without_guards(study: Study, *statements: str) -> None:
    """Change what the study does not let anybody change."""
    connection = sqlite3.connect(study.folder / "study.db")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_each_line_is_hashed_with_the_line_before(five: Study) -> None:
    before = ""
    for patient, split, noted in five.ledger():
        assert noted == hashlib.sha256(f"{before}\n{patient}\n{split}".encode()).hexdigest()
        before = noted
    assert [line[0] for line in five.ledger()] == ["p0", "p1", "p2", "p3", "p4"]
    assert ledger_hash(five) == before


def test_an_empty_ledger_has_no_hash_and_every_ledger_goes_on_from_it(study: Study, make_scan: MakeScan) -> None:
    assert ledger_hash(study) == ""
    study.add_case("c1", "p1", make_scan("one.nii"))
    assert extends(study, "")


def test_a_ledger_extends_what_it_was_and_no_other(five: Study, make_scan: MakeScan) -> None:
    earlier = ledger_hash(five)
    five.add_case("new", "p5", make_scan("new.nii", 6))
    assert ledger_hash(five) != earlier
    assert extends(five, earlier)
    assert not extends(five, line_hash("", "p0", "test"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE patients SET split = 'test' WHERE id = 'p2'",
        "UPDATE patients SET id = 'other' WHERE id = 'p0'",
        "DELETE FROM patients WHERE id = 'p1'",
    ],
)
def test_a_ledger_that_was_changed_behind_our_back_teaches_nobody(five: Study, change: str) -> None:
    check_ledger(five)
    _without_guards(five, change)
    with pytest.raises(LesionsegError, match="The ledger of .* was changed at patient"):
        check_ledger(five)
    with pytest.raises(LesionsegError, match="was changed at patient"):
        learning_cases(five)


@pytest.mark.parametrize("split", sorted(SEALED))
@pytest.mark.parametrize("among", [(), ("train",)])
def test_the_sealed_splits_are_not_given_out(five: Study, split: str, among: tuple[str, ...]) -> None:
    with pytest.raises(LesionsegError, match=f"The split {split} of .* is sealed: it judges models"):
        learning_cases(five, (*among, split))


def test_cases_to_learn_from_are_all_of_the_split_but_the_removed(five: Study) -> None:
    train = set(five.split()["train"])
    wanted = [case.id for case in five.cases() if case.patient in train]
    assert "again" in wanted
    assert [case.id for case in learning_cases(five)] == wanted
    five.remove_case("c0", "moved")
    assert [case.id for case in learning_cases(five)] == [case for case in wanted if case != "c0"]
    assert {case.split for case in learning_cases(five, ("train", "calibration"))} == {"train", "calibration"}


class _Steps:
    """Adds, removes and renames cases at random, and remembers which patient was seen in which split."""

    def __init__(self, study: Study, scan: Path, seed: int) -> None:
        self.study, self.random = study, random.Random(seed)
        self._bytes, self._folder, self._number = scan.read_bytes(), scan.parent, 0
        self.seen: dict[str, str] = {}
        self.patient_of: dict[str, str] = {}

    def step(self) -> None:
        doings = [self._add, self._add_again, self._remove, self._restore, self._rename, self._forget]
        self.random.choices(doings, weights=[30, 20, 20, 10, 15, 5])[0]()

    def _scan(self) -> Path:
        self._number += 1
        path = self._folder / f"scan-{self._number}.nii"
        path.write_bytes(self._bytes[:-2] + self._number.to_bytes(2, "little"))
        return path

    def _keep(self, case_id: str, patient: str, split: str | None) -> None:
        case = self.study.add_case(case_id, patient, self._scan(), split=split)
        self.seen.setdefault(case.patient, case.split)
        assert case.split == self.seen[case.patient]
        self.patient_of[case.id] = case.patient

    def _add(self) -> None:
        split = self.random.choice([None, None, None, "train", "test"])
        self._keep(f"case-{self._number}", f"p{self._number}", split)

    def _add_again(self) -> None:
        if self.seen:
            patient = self.random.choice(sorted(self.seen))
            self._keep(f"case-{self._number}", self.random.choice([patient, patient.upper()]), None)

    def _remove(self) -> None:
        if there := self.study.cases():
            self.study.remove_case(self.random.choice(there).id, "at random")

    def _restore(self) -> None:
        if gone := self.study.cases(removed=True):
            self.study.restore_case(self.random.choice(gone).id)

    def _rename(self) -> None:
        if there := self.study.cases():
            old = self.random.choice(there).id
            self._number += 1
            new = f"named-{self._number}"
            self.study.rename_case(old, new)
            self.patient_of[new] = self.patient_of.pop(old)

    def _forget(self) -> None:
        self.study = Study.open(self.study.folder)


def test_additions_removals_and_names_at_random_move_no_patient(
    study: Study, make_scan: MakeScan, hazard_count: Callable[[int, int], int]
) -> None:
    """1,000 of them with ``--hazard-scale full``."""
    count = hazard_count(120, 1000)
    steps, hashes = _Steps(study, make_scan("first.nii"), seed=4), [""]
    for _ in range(count):
        steps.step()
        ledger = steps.study.ledger()
        assert {patient: split for patient, split, _ in ledger} == steps.seen
        assert len(ledger) == len({patient.lower() for patient, _, _ in ledger})
        assert [line[2] for line in ledger][: len(hashes) - 1] == hashes[1:]  # Nothing but new lines
        hashes = ["", *(line[2] for line in ledger)]
    check_ledger(steps.study)
    assert len(hashes) > count / 5
    there = [*steps.study.cases(), *steps.study.cases(removed=True)]
    assert {case.id: case.patient for case in there} == steps.patient_of
    assert all(case.split == steps.seen[case.patient] for case in there)


def test_ten_thousand_cases_are_listed_in_a_second(study: Study) -> None:
    affine = json.dumps([-0.8, 0, 0, 0, 0, -0.8, 0, 0, 0, 0, 2.5, 0, 0, 0, 0, 1.0])
    connection = sqlite3.connect(study.folder / "study.db")
    numbers = range(1, 10_001)
    connection.executemany("INSERT INTO patients VALUES (?, 'p' || ?1, 'train', '')", [(n,) for n in numbers])
    connection.executemany(
        "INSERT INTO cases (number, id, patient_number, scan, sha256, shape, affine, added)"
        " VALUES (?, 'case-' || ?1, ?1, '/scans/' || ?1 || '.nii.gz', ?1, '[512, 512, 300]', ?, '')",
        [(n, affine) for n in numbers],
    )
    connection.commit()
    connection.close()
    gc.collect()
    gc.freeze()  # What other tests have left behind would be gone through at every ten thousandth object.
    try:
        began = time.thread_time()  # Others on this machine, and threads of other tests, do not count.
        cases = study.cases()
        seconds = time.thread_time() - began
    finally:
        gc.unfreeze()
    assert [case.id for case in cases[::9999]] == ["case-1", "case-10000"]
    assert seconds < 1
