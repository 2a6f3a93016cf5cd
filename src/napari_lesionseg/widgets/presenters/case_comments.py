"""The comments on a case: read, written, and gone to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lesionseg.widgets.cases_panel import CasesPanel
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.presenters.study_asker import StudyAsker
from napari_lesionseg.widgets.reason_dialog import ask_reason

if TYPE_CHECKING:
    from napari_lesionseg.study import Study


class CaseComments:
    """Answers what the cases panel wants of comments."""

    def __init__(self, panel: CasesPanel, context: Context, asker: StudyAsker) -> None:
        self.panel, self.context, self.session, self.opening = panel, context, context.session, context.opening
        self._asker = asker
        panel.comment_requested.connect(self._on_comment)
        panel.place_requested.connect(self._on_place)

    def read(self, case_id: str) -> None:
        """Show the comments on a case, if it is still open when they are read."""

        def read(study: Study) -> list[Any]:
            from napari_lesionseg.study.workflow import Workflow

            return Workflow(study).comments(case_id)

        def show(comments: list[Any]) -> None:
            if self.opening.now is not None and self.opening.now.id == case_id:
                self.panel.comments.show_comments(comments)

        self._asker.ask(read, show)

    def voxel(self) -> tuple[int, int, int] | None:
        """The display voxel in the middle of what is seen: a comment can be pinned to it."""
        scan = self.session.scan
        if scan is None:
            return None
        centre = np.array(self.context.viewer.scene.camera.center[-2:]) / scan.geometry.spacing[1:]
        y, x = np.clip(np.round(centre), 0, np.array(scan.array.shape[1:]) - 1)
        return self.session.slice_index, int(y), int(x)

    def _on_comment(self) -> None:
        now = self.opening.now
        said = None if now is None else ask_reason(now.id, "", self.voxel(), self.panel.window())
        if now is None or said is None:
            return
        case, reviewer = now.id, self.context.settings.reviewer

        def comment(study: Study) -> object:
            from napari_lesionseg.study.workflow import Workflow

            return Workflow(study).comment(case, said.comment, reviewer, said.voxel)

        self._asker.ask(comment, lambda _: self.read(case))

    def _on_place(self, voxel: tuple[int, int, int]) -> None:
        self.context.layers.go_to(voxel)
