"""Opening scan, truth and mask, from a button (in a thread) or from code (at once)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_lesionseg.volumes import Mask, Volume, nifti
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.open_panel import OpenPanel
from napari_lesionseg.widgets.parts import listen


class OpenPresenter:
    """Answers the open panel."""

    def __init__(self, panel: OpenPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        panel.folder = context.settings.last_folder
        panel.scan_requested.connect(self._on_scan)
        panel.truth_requested.connect(self._on_truth)
        panel.mask_requested.connect(self._on_mask)
        listen(self.session.scan_changed, panel.show_scan, panel)
        panel.show_scan(self.session.scan)

    def open_scan(self, path: str | Path) -> None:
        """Open the scan in ``path`` now."""
        self._show_scan(nifti.read_scan(path))
        self._remember(path)

    def load_truth(self, path: str | Path) -> None:
        """Compare with the mask in ``path`` from now on."""
        self.session.set_truth(self._read_mask(path))
        self._remember(path)

    def load_mask(self, path: str | Path) -> None:
        """Go on correcting from the mask in ``path``."""
        self.session.load_mask(self._read_mask(path))
        self._remember(path)

    def _on_scan(self, path: str) -> None:
        if self.context.may_discard(self.panel):
            self._read(path, lambda: nifti.read_scan(path), self._show_scan)

    def _on_truth(self, path: str) -> None:
        self._read(path, lambda: self._read_mask(path), self.session.set_truth)

    def _on_mask(self, path: str) -> None:
        if self.context.may_discard(self.panel):
            self._read(path, lambda: self._read_mask(path), self.session.load_mask)

    def _read(self, path: str, read: Callable[[], Any], show: Callable[[Any], None]) -> None:
        self.context.say(f"Reading {Path(path).name}…")
        scan = self.session.scan

        def done(result: Any) -> None:
            if isinstance(result, Mask) and self.session.scan is not scan:
                return  # Another scan was opened meanwhile.
            try:
                show(result)
            except Exception as error:
                self.context.report(error)
                return
            self._remember(path)

        run_in_background(read, done, self.context.report)

    def _show_scan(self, scan: Volume) -> None:
        self.context.say("")
        self.session.open_scan(scan)

    def _read_mask(self, path: str | Path) -> Mask:
        scan = self.session.scan
        return nifti.read_mask(path, like=None if scan is None else scan.geometry)

    def _remember(self, path: str | Path) -> None:
        path = Path(path).resolve()
        self.panel.folder = str(path.parent)
        self.context.inputs.add(path)
        self.context.settings.remember(last_folder=self.panel.folder)
