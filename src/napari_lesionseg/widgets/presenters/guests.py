"""Other plugins beside the workbench: nnInteractive where it is installed, and what is drawn in layers of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.editing import READ_ONLY
from napari_lesionseg.review.tools.given import Edited, given_by
from napari_lesionseg.widgets.ask_panel import AskPanel
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.guest_layers import NNINTERACTIVE, guest_to_take, installed_widget, open_on_scan
from napari_lesionseg.widgets.parts import listen

TOOL = "take layer"
NOTHING = "The layer has nothing that the mask does not have."
CHANGED = "The layer was not taken, since the mask was changed meanwhile; take it again."


class GuestPresenter:
    """Answers the buttons for other plugins."""

    def __init__(self, panel: AskPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self._widget = installed_widget(NNINTERACTIVE) if hasattr(context.viewer, "window") else None
        panel.nninteractive.setVisible(self._widget is not None)
        panel.nninteractive_requested.connect(self._on_open)
        panel.take_requested.connect(self._on_take)
        listen(self.session.scan_changed, self._show_possible, panel)
        listen(self.session.editable_changed, self._show_possible, panel)
        self._show_possible()

    def _show_possible(self, *_: object) -> None:
        self.panel.nninteractive.setEnabled(self.session.scan is not None)
        self.panel.take.setEnabled(self.session.scan is not None and self.session.editable)

    def _on_open(self) -> None:
        try:
            open_on_scan(self.context.layers, NNINTERACTIVE, self._widget or "")
        except Exception as error:  # noqa: BLE001 - whatever another plugin raises
            self.context.report(error)

    def _on_take(self) -> None:
        try:
            given, drawn = given_by(self.session), guest_to_take(self.context.layers).data
            if not self.session.editable:
                raise LesionsegError(READ_ONLY)
        except LesionsegError as error:
            self.context.report(error)
            return
        self.session.settle()
        scan, length = given.scan, self.session.history.length

        def done(edited: Edited) -> None:
            if self.session.scan is not scan:
                return
            if self.session.history.length != length:
                self.context.complain(CHANGED)
            elif not edited or not self.session.write_slices(edited, TOOL):
                self.context.complain(NOTHING)

        run_in_background(lambda: united(given.mask, drawn), done, self.context.report)


def united(mask: Any, drawn: Any) -> Edited:
    """The slices (z) of ``mask`` to which ``drawn``, labels (z, y, x), adds voxels."""
    edited: Edited = {}
    for z, labels in enumerate(mask):
        new = (np.asarray(drawn[z]) != 0) & (labels == 0)
        if new.any():
            edited[z] = np.where(new, np.uint8(1), labels)
    return edited
