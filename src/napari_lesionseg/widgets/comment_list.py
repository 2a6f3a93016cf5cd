"""What reviewers said of the open case; a click leads to the place it was said of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_lesionseg.widgets.case_table import local_time

HEIGHT = 84  # Pixels.
_VOXEL = Qt.ItemDataRole.UserRole


class Comment(Protocol):
    """What is shown of a comment (see ``study.workflow.Comment``)."""

    @property
    def text(self) -> str:
        """What was said."""

    @property
    def reviewer(self) -> str:
        """By whom."""

    @property
    def time(self) -> str:
        """When (ISO 8601)."""

    @property
    def voxel(self) -> tuple[int, int, int] | None:
        """Display voxel (z, y, x) it is pinned to."""


class CommentList(QListWidget):
    """Comments, newest first; hidden while there are none."""

    place_requested = Signal(tuple)
    """The display voxel (z, y, x) that a comment is pinned to."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("comments")
        self.setWordWrap(True)
        self.setFixedHeight(HEIGHT)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemClicked.connect(self._on_clicked)
        self.hide()

    def show_comments(self, comments: Iterable[Comment]) -> None:
        """Show these comments, oldest first as the study gives them."""
        self.clear()
        for one in reversed(list(comments)):
            where = "" if one.voxel is None else f", slice {one.voxel[0]}"
            item = QListWidgetItem(f"{one.reviewer}, {local_time(one.time)}{where}: {one.text}")
            item.setData(_VOXEL, one.voxel)
            item.setToolTip("" if one.voxel is None else "Click to go there")
            self.addItem(item)
        self.setVisible(self.count() > 0)

    def _on_clicked(self, item: QListWidgetItem) -> None:
        voxel = item.data(_VOXEL)
        if voxel is not None:
            self.place_requested.emit(tuple(voxel))
