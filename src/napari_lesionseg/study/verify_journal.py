"""Replay a journal line by line, undos and redos too, and hold it against every mask that was kept from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Change, Entry, Labels
from napari_lesionseg.study.drafts import Draft
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask


def check_draft(study: Study, draft: Draft, kept: Sequence[Revision]) -> int:
    """Prove the journal of a draft, and return how many lines it has.

    A line must find the voxels that it says it changed, an undo must name the last edit done and a redo the last one
    undone, and a mask that was kept after some line must be what the lines up to there make.

    Parameters
    ----------
    kept
        The revisions of the draft's case.

    Raises
    ------
    LesionsegError
        If any of it does not hold, or the mask that the draft began with is missing or has changed.
    """
    labels = read_labels(study.case(draft.case), draft.base)
    due = {one.position: one for one in kept if one.draft == draft.id and one.position is not None}
    with Journal(study, draft) as journal:
        journal._asks = False  # Nobody is shown what is proved here.
        lines = journal.log()
        _compare(draft, due.get(0), labels)
        walked = _Walk(labels, journal)
        for line in journal.chosen([line.position for line in lines]):
            try:
                walked.step(line)
            except LesionsegError as error:
                where = f"Line {line.position} of draft {draft.id} (case {draft.case})"
                raise LesionsegError(f"{where} does not fit: {error}") from error
            _compare(draft, due.get(line.position), labels)
    return len(lines)


class _Walk:
    """The mask as the lines so far have made it."""

    def __init__(self, labels: Labels, journal: Journal) -> None:
        self._labels, self._journal = labels, journal
        self._done: list[int] = []
        self._undone: list[int] = []

    def step(self, line: Entry) -> None:
        """Do what the line says to the mask."""
        if line.kind == "edit":
            self._done.append(line.position)
            self._undone.clear()
            if line.change is not None:
                line.change.apply(self._labels)
            return
        taken, given = (self._done, self._undone) if line.kind == "undo" else (self._undone, self._done)
        if not taken or taken[-1] != line.target:
            raise LesionsegError(f"it changes line {line.target} out of turn; restore the study from a backup.")
        given.append(taken.pop())
        change = self._change(given[-1])
        if change is not None and line.kind == "undo":
            change.revert(self._labels)
        elif change is not None:
            change.apply(self._labels)

    def _change(self, position: int) -> Change | None:
        return self._journal.entry(position).change


def _compare(draft: Draft, revision: Revision | None, labels: Labels) -> None:
    if revision is None or not revision.path.is_file() or sha256_of(revision.path) != revision.sha256:
        return  # A mask that is missing or has changed is told as such.
    if not np.array_equal(read_mask(revision.path).array, labels):
        raise LesionsegError(
            f"The mask {revision.id} of case {draft.case} is not what its journal makes up to line "
            f"{revision.position}; restore the study from a backup."
        )
