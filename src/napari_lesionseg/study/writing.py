"""The writer's thread: opens the draft, keeps lines as they come, tries again when it cannot, and says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from napari_lesionseg.study.failures import Failures
from napari_lesionseg.study.inbox import Inbox, Work

if TYPE_CHECKING:
    from napari_lesionseg.study.drafts import Draft
    from napari_lesionseg.study.held_draft import HeldDraft
    from napari_lesionseg.study.locks import LockedBy
    from napari_lesionseg.study.replay import Restored

BEAT_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 5.0  # Time spent on slices is kept at least this often.
_log = logging.getLogger(__name__)


def _nobody(*_: Any) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Listener:
    """Who is told; all of it in the writer's thread, and what they raise is logged and changes nothing.

    Parameters
    ----------
    opened
        The draft as it stands, and the draft itself: lines may be put, from position ``len(restored.log) + 1`` on.
    locked
        Who holds the draft; the writer has ended.
    saved
        The position up to which all lines are on the disk, and when that was (UTC, ISO 8601).
    failed
        One sentence. Nothing is lost: the writer tries again until it is closed, and tells with ``saved``.
    branched
        The draft that lines go to from now on, because another reviewer took the old one over.
    """

    opened: Callable[[Restored, Draft], None] = _nobody
    locked: Callable[[LockedBy], None] = _nobody
    saved: Callable[[int, str], None] = _nobody
    failed: Callable[[str], None] = _nobody
    branched: Callable[[Draft], None] = _nobody


class Writing:
    """One run of the thread; ``held`` is the draft once it is opened.

    Parameters
    ----------
    inbox
        Where the lines come from.
    listener
        Who is told.
    hold
        Opens and locks the draft, or says who holds it.
    """

    def __init__(self, inbox: Inbox, listener: Listener, hold: Callable[[], HeldDraft | LockedBy]) -> None:
        self.held: HeldDraft | None = None
        self._inbox, self._listener, self._hold = inbox, listener, hold
        self._failures = Failures(lambda sentence: self._tell(listener.failed, sentence))
        self._told: Draft | None = None
        self._saved = 0
        self._beat_at = 0.0

    def run(self) -> None:
        """Open the draft and write until the inbox is closed."""
        held = None
        while held is None and not self._inbox.closed:
            try:
                held = self._open()
                if held is None:
                    return
            except Exception as error:
                pause = self._failures.tell(error)
                if not self._failures.may_pass(error):
                    return
                self._inbox.put_back({}, pause)
        if held is not None:
            self._write_until_closed(held)
            try:
                held.close()
            except Exception as error:  # A lock that is not released is stale in 90 s.
                _log.warning("The journal was not closed in order: %s", type(error).__name__)

    def _open(self) -> HeldDraft | None:
        from napari_lesionseg.study.locks import LockedBy  # In the thread, and not before.

        found = self._hold()
        if isinstance(found, LockedBy):
            self._tell(self._listener.locked, found)
            return None
        try:
            restored = found.restore()
        except Exception:
            found.close()
            raise
        self.held, self._told, self._saved = found, found.draft, len(restored.log)
        self._beat_at = time.monotonic() + BEAT_SECONDS
        self._failures.over()
        self._tell(self._listener.opened, restored, found.draft)
        return found

    def _write_until_closed(self, held: HeldDraft) -> None:
        looks_at = 0.0
        while not self._inbox.given_up:
            work = self._inbox.wait(min(self._beat_at, looks_at))
            looks = work.looks
            try:
                self._keep_lines(held, work)
                held.add_looks(looks)
                looks = {}
                self._beat(held)
            except Exception as error:
                self._inbox.put_back(looks, self._failures.tell(error))
                continue
            if work.looks or time.monotonic() >= looks_at:
                looks_at = time.monotonic() + LOOK_SECONDS
            self._failures.over()
            self._inbox.done()
            if work.last:
                return

    def _keep_lines(self, held: HeldDraft, work: Work) -> None:
        if work.entries:
            held.append(work.entries)
            self._inbox.take_out(len(work.entries))
            self._saved = work.entries[-1].position
            self._tell_branched(held)
            self._tell(self._listener.saved, self._saved, datetime.now(UTC).isoformat(timespec="milliseconds"))

    def _beat(self, held: HeldDraft) -> None:
        if time.monotonic() >= self._beat_at:
            held.beat(self._saved)
            self._beat_at = time.monotonic() + BEAT_SECONDS
            self._tell_branched(held)

    def _tell_branched(self, held: HeldDraft) -> None:
        if held.draft != self._told:
            self._told = held.draft
            self._tell(self._listener.branched, held.draft)

    def _tell(self, listener: Callable[..., None], *told: object) -> None:
        try:
            listener(*told)
        except Exception:  # A window that has gone must not take the journal along.
            _log.debug("A listener of the journal failed", exc_info=True)
