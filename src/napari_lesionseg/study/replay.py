"""The mask that a start and a journal give: which edits stand, and what they make of the voxels."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry, Labels
from napari_lesionseg.study import mask_ahead
from napari_lesionseg.study.drafts import Draft
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Mask

_NEWEST = 3  # So many kept masks are tried.


@dataclass(frozen=True, eq=False)
class Restored:
    """A draft as it stands.

    Parameters
    ----------
    mask
        uint8, writable, on the scan's grid.
    log
        All lines of the journal from position 1 on, without their voxels; the next line is ``len(log) + 1``.
    corrected
        Display slices (z) that count as corrected.
    twin
        The labels of ``mask`` once more, writable, if they were read ahead: a session compares with them.
    """

    mask: Mask
    log: tuple[Entry, ...]
    corrected: frozenset[int]
    twin: Labels | None = None


def replay(study: Study, draft: Draft, log: Sequence[Entry], read: Callable[[list[int]], Iterable[Entry]]) -> Restored:
    """Make the mask that ``log`` gives on what ``draft`` began with.

    A mask that was kept from the draft, and holds nothing that was undone since, saves the lines before it.

    Parameters
    ----------
    log
        All lines, without their voxels.
    read
        Reads the lines at some positions with their voxels, in order.

    Raises
    ------
    LesionsegError
        If the mask that the draft began with is missing or has changed, or a line does not fit it.
    """
    case, done = study.case(draft.case), standing(log)
    corrected = corrected_after(draft.base, done, case.geometry.display_shape[0])
    labels: tuple[Labels, ...] = ()
    for revision, rest in _starts(study, draft, log, done):
        # A kept mask that is gone costs time only: without it the journal is replayed from the start.
        with contextlib.suppress(LesionsegError):
            labels = _drawn(_start(case, revision), read([edit.position for edit in rest]))
            break
    if not labels:
        labels = _drawn(_start(case, draft.base), read([edit.position for edit in done]))
    return Restored(Mask(labels[0], case.geometry), tuple(log), corrected, *labels[1:])


def _starts(
    study: Study, draft: Draft, log: Sequence[Entry], done: list[Entry]
) -> Iterable[tuple[Revision, list[Entry]]]:
    """Masks kept from ``draft`` to start from, newest first, and the edits that are left to do on each."""
    kept = [revision for revision in study.revisions(draft.case) if revision.draft == draft.id]
    for revision in kept[: -_NEWEST - 1 : -1]:
        if revision.position is None or revision.position > len(log):
            continue
        before = standing(log[: revision.position])
        if before == done[: len(before)]:
            yield revision, done[len(before) :]


def _drawn(twins: tuple[Labels, ...], edits: Iterable[Entry]) -> tuple[Labels, ...]:
    for edit in edits:
        if edit.change is not None:
            for labels in twins:
                edit.change.apply(labels)
    return twins


def standing(log: Iterable[Entry]) -> list[Entry]:
    """Return the edits that are done, in order, after all lines of ``log``: an undone edit is not, a redone one is.

    Raises
    ------
    LesionsegError
        If a line undoes what is not the last edit done, or redoes what is not the last one undone.
    """
    done: list[Entry] = []
    undone: list[Entry] = []
    for line in log:
        if line.kind == "edit":
            done.append(line)
            undone.clear()  # They stay in the journal, and nothing reaches them any more.
            continue
        taken, given = (done, undone) if line.kind == "undo" else (undone, done)
        if not taken or taken[-1].position != line.target:
            raise LesionsegError(
                f"Line {line.position} of the journal changes line {line.target} out of turn; "
                "restore the study from a backup."
            )
        given.append(taken.pop())
    return done


def corrected_after(base: Revision | None, done: Sequence[Entry], depth: int) -> frozenset[int]:
    """Return the display slices (z) of ``depth`` that count as corrected after the edits ``done``."""
    corrected = _vouched_in(base, depth)
    for line in done:
        corrected = (corrected | set(line.marks.corrected)) - set(line.marks.uncorrected)
    return frozenset(corrected)


def _vouched_in(base: Revision | None, depth: int) -> set[int]:
    if base is None or base.role in ("prediction", "pseudo"):
        return set()
    return set(range(depth)) if base.corrected_slices is None else set(base.corrected_slices)


def _start(case: Case, revision: Revision | None) -> tuple[Labels, ...]:
    ahead = None if revision is None else mask_ahead.take(revision)
    return (read_labels(case, revision),) if ahead is None else ahead
