"""The thread that keeps a reviewer's edits: painting hands a line over and goes on, the thread says when it is safe.

Nothing here imports SQLAlchemy before the thread runs: a window may import it at any time.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry
from napari_lesionseg.study.inbox import Inbox
from napari_lesionseg.study.records import Mode
from napari_lesionseg.study.writing import Listener, Writing

if TYPE_CHECKING:
    from napari_lesionseg.study.drafts import Draft
    from napari_lesionseg.study.held_draft import HeldDraft
    from napari_lesionseg.study.journal import Journal
    from napari_lesionseg.study.locks import LockedBy
    from napari_lesionseg.study.records import Revision
__all__ = ["Listener", "Mode", "Place", "Writer"]
Place = Callable[[], tuple[Path, str]]
CLOSE_SECONDS: Final = 5.0
_ending: set[threading.Thread] = set()  # Writers of this program that were told to end and still hold their drafts.


class Writer:
    """Writes the journal of one draft; ``start`` it, ``put`` lines, ``close`` it.

    Parameters
    ----------
    study_folder, case_id
        What is drawn on.
    reviewer
        Who draws.
    mode
        ``edit`` the main draft, ``read`` it, ``branch`` from it, or make a blind ``reading``, or ``adjudicate`` two.
    base
        What a new draft begins with; an adjudication needs it.
    clock
        Seconds since 1970, for the lock.
    """

    def __init__(
        self,
        study_folder: str | Path,
        case_id: str,
        reviewer: str,
        listener: Listener,
        *,
        mode: Mode = "edit",
        base: Revision | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        folder = Path(study_folder)
        self.place: Place = lambda: (folder, case_id)  # Called in the thread; see desk.desk_writer.
        self._reviewer, self._mode, self._base, self._clock = reviewer, mode, base, clock
        self._inbox = Inbox()
        self._writing = Writing(self._inbox, listener, self._hold)
        self._reader: Journal | None = None
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Begin; ``opened``, ``locked`` or ``failed`` follows."""
        atexit.register(self.close)  # Unregistered when the thread ends.
        self._thread.start()

    @property
    def draft(self) -> Draft | None:
        """The draft that lines go to, None before it is opened."""
        return None if self._writing.held is None else self._writing.held.draft

    @property
    def waiting_seconds(self) -> float:
        """How long the oldest line that is not on the disk has waited; 0 if all are."""
        return self._inbox.waiting_seconds

    def put(self, entry: Entry) -> None:
        """Hand a line over, and go on at once.

        Raises
        ------
        LesionsegError
            If the case is open to be read, or the writer was closed.
        """
        if self._mode == "read":
            raise LesionsegError("This case is open to be read; branch from it to draw on it.")
        if not self._inbox.put(entry):
            raise LesionsegError("The journal of this case is closed; open the case again.")

    def looked(self, z: int, seconds: float) -> None:
        """Take note that display slice ``z`` was looked at for so many more seconds; a reader's time is not kept."""
        if self._mode != "read":
            self._inbox.add_look(z, seconds)

    def fetch(self, position: int) -> Entry:
        """Return a line with its voxels, from the disk if it is there.

        Raises
        ------
        LesionsegError
            If there is none, or the database cannot be read.
        """
        waiting, held = self._inbox.find(position), self._writing.held
        if waiting is not None:
            return waiting
        if held is None:
            raise LesionsegError("The journal of this case is not open yet; try again in a moment.")
        with self._reading:
            if self._reader is None or self._reader.draft != held.draft:
                self._close_reader()
                self._reader = held.reader()
            return self._reader.entry(position)

    def flush(self, timeout: float) -> bool:
        """Wait until all that was handed over is on the disk, or ``timeout`` seconds; return whether it is."""
        return self._inbox.flush(timeout)

    def close(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Keep what was handed over, let the draft go, and end.

        Returns
        -------
        bool
            Whether all is on the disk. If not, the thread goes on trying after ``timeout`` seconds, until the program
            ends or ``give_up`` is called.
        """
        self._inbox.close()
        self._end(timeout)
        return self._inbox.clean

    def give_up(self) -> None:
        """End without what could not be kept, because a person said so."""
        self._inbox.close(give_up=True)
        self._end(CLOSE_SECONDS)

    def _end(self, timeout: float) -> None:
        if self._thread.is_alive():
            _ending.add(self._thread)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        with self._reading:
            self._close_reader()

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _hold(self) -> HeldDraft | LockedBy:
        from napari_lesionseg.study.held_draft import HeldDraft, hold_draft  # In the thread, and not before.

        def hold() -> HeldDraft | LockedBy:
            return hold_draft(folder, case_id, self._reviewer, self._mode, self._base, self._clock)

        folder, case_id = self.place()
        ending = _ending - {self._thread}
        held = hold()
        if ending and not isinstance(held, HeldDraft):  # It may be one of these who has it still.
            until = time.monotonic() + CLOSE_SECONDS
            for thread in ending:
                thread.join(max(0.0, until - time.monotonic()))
            held = hold()
        return held

    def _run(self) -> None:
        try:
            self._writing.run()
        finally:
            _ending.discard(self._thread)
            atexit.unregister(self.close)
