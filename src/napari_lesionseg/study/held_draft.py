"""A draft as its writer holds it: opened in one of five modes, locked, and left for a branch when it was taken over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry
from napari_lesionseg.study import locks, looks
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, LockedBy, Superseded
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.reopen import reopen_study
from napari_lesionseg.study.replay import Restored
from napari_lesionseg.study.store import Study

if TYPE_CHECKING:
    from napari_lesionseg.study.records import Mode


class HeldDraft:
    """Lines go to the draft it holds; ``hold_draft`` makes it, ``close`` lets it go.

    Parameters
    ----------
    lock
        None to read only.
    clock
        Seconds since 1970, for the heartbeat.
    """

    def __init__(
        self, study: Study, draft: Draft, lock: Lock | None, reviewer: str, clock: Callable[[], float]
    ) -> None:
        self._study, self._reviewer, self._clock = study, reviewer, clock
        self._lock = lock
        self._journal = Journal(study, draft, "" if lock is None else lock.token)

    def _hold(self, draft: Draft, lock: Lock) -> None:
        self._journal.close()
        self._lock = lock
        self._journal = Journal(self._study, draft, lock.token)

    @property
    def draft(self) -> Draft:
        """The draft that lines go to now."""
        return self._journal.draft

    def restore(self) -> Restored:
        """Replay the journal (see ``Journal.restore``)."""
        return self._journal.restore()

    def reader(self) -> Journal:
        """Make a journal to read the draft from in another thread."""
        return Journal(self._study, self.draft, "" if self._lock is None else self._lock.token)

    def append(self, entries: Sequence[Entry]) -> None:
        """Keep lines in the draft, or if it was taken over in a branch of it; they are on the disk when this returns.

        Raises
        ------
        LesionsegError
            If the database cannot be written.
        """
        try:
            self._journal.append(entries, self._reviewer)
        except Superseded:
            self._go_on(entries, entries[0].position - 1)

    def beat(self, last: int) -> None:
        """Give a sign of life; if the draft was taken over, go on in a branch of its first ``last`` lines."""
        if self._lock is not None:
            try:
                with self._journal.transaction(write=True) as connection:
                    locks.beat_in(connection, self._lock, self._clock())
            except Superseded:
                self._go_on([], last)

    def add_looks(self, seconds: Mapping[int, float]) -> None:
        """Add to the time that display slices (z) were looked at, in seconds."""
        if self._lock is not None and seconds:
            with contextlib.suppress(Superseded), self._journal.transaction(write=True) as connection:
                looks.add_looks(connection, self._lock, seconds)  # Where it is refused, the next beat branches.

    def close(self) -> None:
        """Let the draft go; a branch in which nothing was drawn is closed."""
        try:
            if self._lock is not None:
                if self.draft.purpose == "branch" and self._journal.length == self.draft.branched_at:
                    Drafts(self._study).close(self.draft)
                with self._journal.transaction(write=True) as connection:
                    locks.release_in(connection, self._lock)
        finally:
            if self._lock is not None:
                locks.leave(self._lock)
            self._journal.close()

    def _go_on(self, entries: Sequence[Entry], last: int) -> None:
        """Go on where nobody else drew: in the draft itself if it is free and unchanged, else in a branch."""
        again = locks.take(self._study, self.draft, self._reviewer, now=self._clock())
        if isinstance(again, Lock):
            self._hold(self.draft, again)  # At once: if what follows fails, the next try has this lock.
            with contextlib.suppress(Superseded):
                if entries:
                    self._journal.append(entries, self._reviewer)
                if entries or self._journal.length == last:
                    return
            locks.release(self._study, again)
        self._branch(last)
        if entries:
            self._journal.append(entries, self._reviewer)

    def _branch(self, last: int) -> None:
        branch = Drafts(self._study).branch(self.draft, self._reviewer, last)
        lock = locks.take(self._study, branch, self._reviewer, now=self._clock())
        if not isinstance(lock, Lock):
            raise LesionsegError(f"{lock} Close the case and open it again.")  # Nobody else knows this draft yet.
        self._hold(branch, lock)


def hold_draft(
    folder: Path, case_id: str, reviewer: str, mode: Mode, base: Revision | None, clock: Callable[[], float]
) -> HeldDraft | LockedBy:
    """Open a draft of a case as ``mode`` wants it; or say who holds it.

    Raises
    ------
    LesionsegError
        If the study or the case cannot be opened, or ``base`` is missing for an adjudication.
    """
    study = reopen_study(folder)
    draft = _choose_draft(study, case_id, reviewer, mode, base)
    if mode == "read":
        return HeldDraft(study, draft, None, reviewer, clock)
    lock = locks.take(study, draft, reviewer, now=clock())
    return lock if isinstance(lock, LockedBy) else HeldDraft(study, draft, lock, reviewer, clock)


def _choose_draft(study: Study, case_id: str, reviewer: str, mode: Mode, base: Revision | None) -> Draft:
    drafts = Drafts(study)
    if mode == "reading":
        return drafts.start_reading(case_id, reviewer)
    if mode == "adjudicate":
        if base is None:
            raise LesionsegError(f"Case {case_id} is settled from one of its readings; choose the one to begin with.")
        return drafts.start_adjudication(case_id, reviewer, base)
    main = drafts.find_main(case_id) or drafts.open_main(case_id, reviewer, base)
    if mode != "branch":
        return main
    with Journal(study, main) as journal:
        return drafts.find_branch(main, reviewer) or drafts.branch(main, reviewer, journal.length)
