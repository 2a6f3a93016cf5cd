"""Lungs: looked for in a child process, shown, mended, and checked by a person."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.lungs_panel import LungsPanel
from napari_lesionseg.widgets.parts import hear, listen


class LungsPresenter:
    """Answers the lungs' panel."""

    def __init__(self, panel: LungsPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.worker, self.layer = context.lungs, context.layers.lungs
        panel.find_requested.connect(self._on_find)
        panel.file_requested.connect(self._on_file)
        panel.outline_toggled.connect(self.layer.want)
        panel.mend_toggled.connect(self._on_mend)
        panel.add_requested.connect(self._on_add)
        panel.check_requested.connect(self._on_check)
        hear(self.worker.found, self._on_found, panel)
        hear(self.worker.failed, self._on_failed, panel)
        listen(self.layer.shown, panel.show_outline, panel)
        listen(self.session.scan_changed, self._on_scan, panel)
        listen(self.session.lungs_changed, self._show, panel)
        self._show()

    def _on_scan(self, _: Volume | None) -> None:
        self.worker.cancel()
        self._show()

    def _on_find(self) -> None:
        self._start(None)

    def _on_file(self, path: str) -> None:
        self.panel.folder = str(Path(path).parent)
        self._start(Path(path))

    def _start(self, path: Path | None) -> None:
        if self.session.scan is not None:
            self.worker.start(self.session.scan, path)
            self._show()

    def _on_found(self, scan: Volume, lungs: Mask) -> None:
        if self.session.scan is not scan:
            return
        try:
            self.session.set_lungs(lungs)
        except LesionsegError as error:
            self._on_failed(str(error))

    def _on_failed(self, sentence: str) -> None:
        self._show()
        self.context.complain(sentence)

    def _on_mend(self, mending: bool) -> None:
        self.layer.set_mending(mending)
        if self.session.lungs is not None:
            self.session.set_lungs(self.session.lungs)  # What was painted has to be looked at once more.

    def _on_add(self) -> None:
        lungs, mask = self.session.lungs, self.session.mask
        if lungs is not None and mask is not None:
            united = np.logical_or(lungs.array, mask.array).view(np.uint8)
            self.session.set_lungs(Mask(united, lungs.geometry))

    def _on_check(self) -> None:
        if self.panel.mend.isChecked():
            self.panel.mend.setChecked(False)
        self.session.set_lungs(self.session.lungs, checked=True)

    def _show(self, _: object = None) -> None:
        session = self.session
        scan, lungs, busy = session.scan, session.lungs, self.worker.running
        hu = scan is not None and scan.intensity == "HU"
        self.panel.show_possible(
            find=hu and not busy,
            file=scan is not None and not busy,
            lungs=lungs is not None,
            checked=session.lungs_checked,
        )
        mended = self.layer.layer is not None and bool(self.layer.layer.editable)
        self.panel.show_mending(mended)
        self.panel.show_state(self._state(busy))

    def _state(self, busy: bool) -> str:
        scan, lungs = self.session.scan, self.session.lungs
        if scan is None:
            return "Open a scan to look for its lungs."
        if busy:
            return "Looking for the lungs…"
        if lungs is None and scan.intensity != "HU":
            return "Lungs cannot be told by density in a scan of grey levels; take them from a file."
        if lungs is None:
            return "Nobody has looked for the lungs yet."
        litres = lungs.volume_ml / 1000
        if self.session.lungs_checked:
            return f"{litres:.2f} l, checked."
        return f"{litres:.2f} l, not checked: look at the outline in all slices."
