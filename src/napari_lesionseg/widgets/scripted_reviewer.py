"""A reviewer without a person: opens what is unfinished, draws what is missing with the mouse, and accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from qtpy.QtWidgets import QComboBox, QDialog, QPlainTextEdit

from napari_lesionseg.review.changes import Entry
from napari_lesionseg.widgets.hands import Hands, failure, require

NAME: Final = "demo reviewer"
SLICES: Final = 2  # So many slices of a case are corrected,
STROKES: Final = 3  # with so many strokes of the brush and of the eraser each.
SECONDS: Final = 60
CLOSER: Final = 1.5
Flat = npt.NDArray[np.uint8]
Run = tuple[int, int, int]  # Row, first and last column of neighbouring voxels.


class ScriptedReviewer:
    """Works through the study that is open in a window, and tells every line of the journal to its own output.

    Parameters
    ----------
    truths
        The folder of ``<case>.npy`` (z, y, x), which says what to draw.
    """

    def __init__(self, hands: Hands, truths: Path) -> None:
        self._hands, self._truths = hands, truths
        self._workbench, self._session = hands.workbench, hands.workbench.session
        self._panel, self._opening = hands.workbench.cases, hands.workbench.context.opening
        self._recorder = hands.workbench.context.recorder
        self._session.edited.connect(self._on_edited)
        self._recorder.saved.connect(self._on_saved)

    def open_study(self, folder: Path) -> None:
        """Open the study by its folder, as the button does, and say who draws."""
        self._workbench.open.study_requested.emit(str(folder))
        self._hands.wait(lambda: bool(self._panel.model.rows), SECONDS)
        self._hands.write("reviewer", NAME)

    @property
    def finished(self) -> int:
        """How many cases are finished."""
        return sum(1 for row in self._panel.model.rows if row.finished)

    @property
    def unfinished(self) -> int:
        """How many cases are not."""
        return len(self._panel.model.rows) - self.finished

    def open_next(self) -> str:
        """Go to the next case that is not finished; return its id."""
        before = self._opening.now
        self._hands.press("next_unfinished")
        self._hands.wait(lambda: self._opening.now not in (None, before) and self._recorder.draft is not None, SECONDS)
        case = self._opening.heading_for
        tell("opened", case=case, finished=self.finished)
        return case

    def correct(self, case: str, strokes: int = STROKES, brush: int = 1) -> None:
        """Draw what is missing and erase what is wrong in the slices with most wrong voxels.

        Parameters
        ----------
        strokes
            Of the brush and of the eraser in each slice.
        brush
            Diameter in voxels; beyond 1 the drawing is rough.
        """
        self._hands.viewer.reset_view()  # The mouse reaches what is on the canvas only.
        self._workbench.correct.brush.setValue(brush)
        self._workbench.correct.gate.setChecked(False)  # What to draw is known.
        truth = np.load(self._truths / f"{case}.npy")
        wrong = (self._mask() != truth).sum(axis=(1, 2))
        before = int(wrong.sum())
        for z in sorted(int(z) for z in wrong.argsort()[-SLICES:] if wrong[z]):
            self._session.set_slice(z)
            self._stroke("tool_paint", z, (truth[z] != 0) & (self._mask()[z] == 0), strokes)
            self._stroke("tool_erase", z, (truth[z] == 0) & (self._mask()[z] != 0), strokes)
        after = int((self._mask() != truth).sum())
        require(
            brush > 1 or after < before or before == 0, f"Drawing in case {case} left {after} of {before} voxels wrong."
        )

    def think_twice(self) -> None:
        """Undo two strokes and redo them."""
        drawn = self._mask().copy()
        for button in ("undo", "undo", "redo", "redo"):
            self._hands.press(button)
        require(np.array_equal(drawn, self._mask()), "Undo and redo did not give the mask back.")

    def accept(self, case: str) -> None:
        """Approve the open case."""
        asked = self._workbench.cases.anyway
        self._hands.press("accept_case")
        self._hands.wait(lambda: self._state(case) == "approved" or asked.isVisibleTo(asked.parentWidget()), SECONDS)
        if self._state(case) != "approved":
            self._hands.press("approve_anyway")
        self._hands.wait(lambda: self._state(case) == "approved", SECONDS)

    def reject_and_reopen(self, case: str) -> None:
        """Reject the open case for a reason, with a comment pinned to the slice; then work on it again."""

        def answer(dialog: QDialog) -> None:
            reason, comment = dialog.findChild(QComboBox, "reason"), dialog.findChild(QPlainTextEdit, "comment")
            if reason is not None and comment is not None:
                reason.setCurrentIndex(reason.findText("borders are wrong"))
                comment.setPlainText("The lower border follows a vessel here.")
            self._hands.press("reason_ok")

        self._hands.when_asked(answer)
        self._hands.press("reject_case")
        self._hands.wait(lambda: self._state(case) == "rejected", SECONDS)
        self._hands.press("reopen_case")
        self._hands.wait(lambda: self._state(case) == "reopened" and self._session.editable, SECONDS)

    def read_blind(self, case: str, reader: str, strokes: int, brush: int) -> None:
        """Read the open case without knowing what another reader drew, and open it again afterwards.

        Parameters
        ----------
        strokes, brush
            As in ``correct``; readers who draw differently disagree.
        """
        self._hands.write("reviewer", reader)
        self._hands.press("read_blind")
        self._wait_for(case, "reading")
        self.correct(case, strokes, brush)
        self._hands.press("finish_reading")
        self._hands.wait(lambda: self._opening.now is None, SECONDS)
        self._open_again(case)

    def settle(self, case: str, picture: str) -> None:
        """Settle the two readings of the open case: the first disagreements by A, the rest by B."""
        self._hands.write("reviewer", NAME)
        self._hands.press("adjudicate")
        self._wait_for(case, "adjudicate")
        self._hands.press("show_truth")
        self._hands.viewer.scene.camera.zoom *= CLOSER
        self.show("Readings", picture)
        self._hands.press("show_truth")
        self._hands.press("take_A")
        self._hands.press("next_disagreement")
        self._hands.press("take_in_scan")
        self._hands.press("take_B")
        self._hands.press("settle")
        self._hands.wait(lambda: self._opening.now is None and self._state(case) == "corrected", SECONDS)
        self._open_again(case)

    def show(self, section: str, name: str) -> None:
        """Take a picture of the window in which only this section of the workbench is open."""
        for title, one in self._workbench.sections.items():
            one.set_open(title == section)
        self._hands.picture(name)

    def _open_again(self, case: str) -> None:
        self._panel.case_requested.emit(case)
        self._wait_for(case, "edit")

    def _wait_for(self, case: str, mode: str) -> None:
        def is_open() -> bool:
            now = self._opening.now
            return now is not None and (now.id, now.mode) == (case, mode) and self._recorder.draft is not None

        self._hands.wait(is_open, SECONDS)

    def _stroke(self, tool: str, z: int, wrong: npt.NDArray[np.bool_], most: int) -> None:
        spacing = self._session.scan.geometry.spacing if self._session.scan is not None else (1.0, 1.0, 1.0)
        self._hands.press(tool)
        for y, first, last in runs(wrong, most):
            tell("stroke", slice=z)
            self._hands.draw([(y * spacing[1], x * spacing[2]) for x in (first, last)])

    def _state(self, case: str) -> str:
        return next(row.state for row in self._panel.model.rows if row.id == case)

    def _mask(self) -> npt.NDArray[Any]:
        if self._session.mask is None:
            raise failure("no case is open.")
        return self._session.mask.array

    def _on_edited(self, entry: Entry) -> None:
        line = {"kind": entry.kind, "tool": entry.tool, "slice": entry.slice, "voxels": entry.voxels}
        tell("drawn", draft=self._draft(), position=entry.position, target=entry.target, **line)

    def _on_saved(self, position: int, time: str) -> None:
        tell("saved", draft=self._draft(), position=position, time=time)

    def _draft(self) -> str:
        draft = self._recorder.draft
        if draft is None:
            raise failure("something was drawn in no draft.")
        return draft.id


def runs(wrong: npt.NDArray[np.bool_], most: int) -> list[Run]:
    """Find the longest rows of neighbouring voxels in a slice (y, x), ``most`` of them, from top to bottom."""
    padded = np.pad(wrong, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    rows, first = np.nonzero(steps == 1)
    _, last = np.nonzero(steps == -1)
    found = [(int(y), int(x), int(end) - 1) for y, x, end in zip(rows, first, last, strict=True)]
    return sorted(sorted(found, key=lambda run: run[1] - run[2])[:most])


def tell(event: str, **more: Any) -> None:
    """Say a line to whoever started this process."""
    print(json.dumps({"event": event, **more}), flush=True)
