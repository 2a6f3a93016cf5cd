"""One writer of a journal, and its news in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry
from napari_lesionseg.widgets.save_state import SaveState, describe

if TYPE_CHECKING:
    from napari_lesionseg.study.drafts import Draft
    from napari_lesionseg.study.replay import Restored
    from napari_lesionseg.study.writer import Writer
    from napari_lesionseg.study.writing import Listener

    MakeWriter = Callable[[Listener], Writer]


class Recording(QObject):
    """Hands lines to a writer, and knows how far it has come.

    Parameters
    ----------
    make
        Makes the writer that tells a listener.
    reading
        Whether nothing will be written.
    """

    opened = Signal(object, object)
    """A ``Restored`` and its ``Draft``."""
    locked = Signal(object)
    """The ``LockedBy`` that says who has the case."""
    saved = Signal(int, str)
    """The position up to which all is on the disk, and when (UTC, ISO 8601)."""
    failed = Signal(str)
    branched = Signal(object)
    """The ``Draft`` in which it goes on."""
    _heard = Signal(str, object)  # From the writer's thread; its receiver lives in the window's.

    def __init__(self, make: MakeWriter, *, reading: bool = False) -> None:
        from napari_lesionseg.study.writing import Listener  # Not while the dock opens.

        super().__init__()
        self.restored: Restored | None = None
        self.draft: Draft | None = None
        self.make = make
        self._reading, self._failure = reading, ""
        self._saved_at: str | None = None
        self._heard.connect(self._on_heard)
        self.writer = make(
            Listener(
                opened=lambda *told: self._heard.emit("opened", told),
                locked=lambda *told: self._heard.emit("locked", told),
                saved=lambda *told: self._heard.emit("saved", told),
                failed=lambda *told: self._heard.emit("failed", told),
                branched=lambda *told: self._heard.emit("branched", told),
            )
        )

    @property
    def reading(self) -> bool:
        """Whether nothing is written."""
        return self._reading

    @property
    def state(self) -> SaveState:
        """How the journal stands."""
        return describe(
            reading=self._reading,
            failure=self._failure,
            waiting=self.writer.waiting_seconds,
            saved_at=self._saved_at,
        )

    def put(self, entry: Entry) -> None:
        """Hand over a line; a line that cannot be taken makes the state a failed one."""
        try:
            self.writer.put(entry)
        except LesionsegError as error:
            self._failure = str(error)
            self.failed.emit(self._failure)

    def _on_heard(self, name: str, told: Any) -> None:
        if name == "opened":
            self.restored, self.draft = told
            self._failure = ""
            log = self.restored.log if self.restored is not None else ()
            self._saved_at = log[-1].time if log else None
        elif name == "saved":
            self._saved_at, self._failure = told[1], ""
        elif name == "failed":
            self._failure = told[0]
        elif name == "branched":
            self.draft = told[0]
        getattr(self, name).emit(*told)
