"""The history: the session's steps, and the recorder's times."""

from __future__ import annotations

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.history_panel import HistoryPanel
from napari_lesionseg.widgets.parts import hear, listen


class HistoryPresenter:
    """Answers the history panel."""

    def __init__(self, panel: HistoryPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        panel.step_requested.connect(self._on_step)
        panel.slice_requested.connect(self.session.set_slice)
        listen(self.session.history_changed, self._show_steps, panel)
        for signal in (self.session.scan_changed, self.session.slice_changed, self.session.mask_changed):
            listen(signal, self._show_looks, panel)
        hear(context.recorder.looks.looked, self._show_looks, panel)
        self._show_steps()
        self._show_looks()

    def _on_step(self, position: int) -> None:
        try:
            self.session.go_to(position)
        except LesionsegError as error:
            self.context.report(error)
        except LookupError:  # An edit that nobody had told of came first, and the undone steps are gone.
            self.context.say("That step was replaced by an edit; choose another.")
        self._show_steps()

    def _show_steps(self) -> None:
        self.panel.show_history(self.session.history)

    def _show_looks(self, *_: object) -> None:
        count = 0 if self.session.scan is None else len(self.session.scan.array)
        seconds, corrected = self.context.recorder.looks.seconds, self.session.corrected_slices
        self.panel.show_looks(seconds, corrected, count, self.session.slice_index)
