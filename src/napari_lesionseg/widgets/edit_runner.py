"""Runs an edit tool and writes what it gives as one step; what may take long runs beside the window."""

from __future__ import annotations

from collections.abc import Callable

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.editing import READ_ONLY
from napari_lesionseg.review.tools.given import Edited, Given, given_by
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.context import Context

BESIDE = 1_000_000  # Voxels of a slab from which a tool runs beside the window; fewer take some tens of milliseconds.
WHOLE_SCAN = 1_000_000  # As a reach: all slices there are.
BUSY = "Another tool is still at work; wait for it, then try again."
CHANGED = "The mask was changed meanwhile, so the result of “{}” was dropped; try again."
Made = Edited | tuple[Edited, str]
"""What a tool gives: the new slices, and perhaps a sentence about them."""
Make = Callable[[Given], Made]


class EditRunner:
    """Runs the edit tools of one viewer, one at a time."""

    def __init__(self, context: Context) -> None:
        self._context, self._session = context, context.session
        self._at_work = False

    def run(self, make: Make, tool: str, reach: int = 0, further: int = 0) -> None:
        """Write what ``make`` gives; say why if it cannot act.

        Parameters
        ----------
        make
            The tool.
        tool
            What its step is called.
        reach
            How many slices on either side of the one looked at the slab has.
        further
            How many slices beside the slab the tool may look at and write.
        """
        try:
            if not self._session.editable:
                raise LesionsegError(READ_ONLY)
            if self._at_work:
                raise LesionsegError(BUSY)
            self._session.settle(())
            given = given_by(self._session, reach)
            if (len(given.slab) + further) * given.mask[0].size >= BESIDE:
                self._run_beside(make, tool, given)
            else:
                self._write(make(given), tool)
        except LesionsegError as error:
            self._context.say(str(error))

    def _run_beside(self, make: Make, tool: str, given: Given) -> None:
        history, length = self._session.history, self._session.history.length
        self._at_work = True
        self._context.say(f"{tool.capitalize()} is at work …")

        def done(made: Made) -> None:
            self._at_work = False
            if self._session.history is history:  # Else another scan is open.
                self._finish(made, tool, length)

        run_in_background(lambda: make(given), done, self._on_failed)

    def _finish(self, made: Made, tool: str, length: int) -> None:
        self._session.settle(())  # A stroke under way becomes a step of its own.
        if self._session.history.length != length:
            self._context.say(CHANGED.format(tool))
            return
        try:
            self._write(made, tool)
        except LesionsegError as error:
            self._context.say(str(error))

    def _write(self, made: Made, tool: str) -> None:
        edited, sentence = made if isinstance(made, tuple) else (made, "")
        self._session.write_slices(edited, tool)
        self._context.say(sentence)

    def _on_failed(self, error: Exception) -> None:
        self._at_work = False
        if isinstance(error, LesionsegError):
            self._context.say(str(error))
        else:
            self._context.report(error)
