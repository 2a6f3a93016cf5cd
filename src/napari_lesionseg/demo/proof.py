"""What must be true of a study after its review: all approved, no stroke lost, every step with a name and a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesionseg.demo.told import Line, Told
from napari_lesionseg.review.changes import Entry, Labels
from napari_lesionseg.study.audit import AuditRow, audit_rows
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.replay import standing
from napari_lesionseg.study.store import Study
from napari_lesionseg.study.workflow import Move, Workflow
from napari_lesionseg.volumes import read_mask

REVIEWED = ("in review", "corrected", "approved")


@dataclass
class Verdict:
    """What was counted, and what is missing, a sentence each."""

    figures: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def prove(folder: Path, told: Told) -> Verdict:
    """Hold the study in ``folder`` against what its windows told before they ended."""
    study, verdict = Study.open(folder), Verdict()
    drafts: dict[str, Draft] = {}
    cases = study.cases()
    for case in cases:
        drafts |= {draft.id: draft for draft in Drafts(study).of(case.id)}
        verdict.faults += [f"case {case.id}: {fault}" for fault in _faults(study, case)]
    lost = list(_lost(study, drafts, told))
    verdict.faults += lost
    verdict.figures = {
        "cases": len(cases),
        "approved": sum(1 for case in cases if case.state == "approved"),
        "strokes": told.strokes,
        "lines": sum(len(lines) for lines in told.drawn.values()),
        "acknowledged": sum(len(lines) for lines in told.acknowledged.values()),
        "lost": len(lost),
        "journal": sum(len(_log(study, draft)) for draft in drafts.values()),
        "audit_complete": not verdict.faults,
    }
    return verdict


def _lost(study: Study, drafts: dict[str, Draft], told: Told) -> Iterator[str]:
    for name, lines in told.acknowledged.items():
        log = {line.position: line for line in _log(study, drafts[name])} if name in drafts else {}
        for position, line in lines.items():
            if position not in log:
                yield f"line {position} of draft {name} was called saved, and is not in the journal"
            elif _as_told(log[position]) != line:
                yield f"line {position} of draft {name} is {_as_told(log[position])}, not {line} as it was drawn"


def _log(study: Study, draft: Draft) -> list[Entry]:
    with Journal(study, draft) as journal:
        return journal.log()


def _as_told(line: Entry) -> Line:
    return (line.kind, line.tool, line.slice, line.voxels, line.target)


def _faults(study: Study, case: Case) -> Iterator[str]:
    """What is missing of one case's way from being opened to being approved."""
    if case.state != "approved":
        yield f"it is {case.state}, not approved"
    yield from _faults_of_moves(Workflow(study).moves(case.id))
    kept = study.latest(case.id, "correction")
    if kept is None:
        yield "no corrected mask was kept"
        return
    if not (kept.reviewer and kept.created):
        yield f"revision {kept.id} does not say who made it, or when"
    draft = next((draft for draft in Drafts(study).of(case.id) if draft.id == kept.draft), None)
    if draft is None:
        yield f"revision {kept.id} does not say which draft it is of"
    else:
        yield from _faults_of_draft(study, case, draft, kept)


def _faults_of_moves(moves: list[Move]) -> Iterator[str]:
    named = [move for move in moves if move.after in REVIEWED]
    if not set(REVIEWED) <= {move.after for move in named}:
        yield f"it was moved to {', '.join(move.after for move in moves) or 'nothing'} only"
    if not all(move.reviewer and move.time for move in named):
        yield "a move does not say who made it, or when"
    if [move.time for move in moves] != sorted(move.time for move in moves):
        yield "its moves are not in the order of time"


def _faults_of_draft(study: Study, case: Case, draft: Draft, kept: Revision) -> Iterator[str]:
    with Journal(study, draft) as journal:
        log = journal.log()
        labels = _replayed(case, draft, journal)
    if not draft.reviewer or not log:
        yield f"draft {draft.id} has no reviewer, or no line"
    if kept.position != len(log):
        yield f"revision {kept.id} was kept at line {kept.position} of {len(log)}"
    if not np.array_equal(read_mask(kept.path, case.geometry).array, labels):
        yield f"revision {kept.id} is not what its journal says"
    yield from _faults_of_trail(audit_rows(study, case.id), draft, log, kept)


def _faults_of_trail(trail: list[AuditRow], draft: Draft, log: list[Entry], kept: Revision) -> Iterator[str]:
    drawn = [row for row in trail if row.what in ("edit", "undo", "redo") and row.draft == draft.id]
    own = [line for line in log if line.position > (draft.branched_at or 0)]
    if [(row.position, row.tool, row.time) for row in drawn] != [(line.position, line.tool, line.time) for line in own]:
        yield "its audit trail has other lines than its journal"
    # Masks may be a model's; so is the move that a first prediction makes.
    if not all(row.reviewer for row in trail if row.what != "mask" and not row.text.endswith("to predicted")):
        yield "a line of its audit trail does not say who it was"
    approved = [row.time for row in trail if row.what == "move" and row.text.endswith("to approved")]
    order = [draft.started, *(row.time for row in drawn), kept.created, *approved[-1:]]
    if order != sorted(order):
        yield "it was not opened, drawn on, kept and approved in this order"


def _replayed(case: Case, draft: Draft, journal: Journal) -> Labels:
    """The mask by every line from the first on: ``restore`` would begin with the very mask that is to be proved."""
    labels = read_labels(case, draft.base)
    for line in journal.chosen([edit.position for edit in standing(journal.log())]):
        if line.change is not None:
            line.change.apply(labels)
    return labels
