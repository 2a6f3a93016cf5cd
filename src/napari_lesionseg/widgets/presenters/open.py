"""Opening scan, truth and mask, from a button or a drop (in a child process) or from code (at once)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.open_panel import OpenPanel
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.presenters.reading import Reading
from napari_lesionseg.widgets.read_worker import Kind, Wanted
from napari_lesionseg.widgets.role_dialog import ask_role


class OpenPresenter:
    """Answers the open panel."""

    def __init__(self, panel: OpenPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.reading = Reading(context, panel, panel.show_reading)
        panel.folder = context.settings.last_folder
        context.reader.progressed.connect(panel.show_progress)
        panel.choosing.connect(context.reader.warm)
        panel.scan_requested.connect(self._on_scan)
        panel.truth_requested.connect(lambda path: self._read(path, "mask", self.session.set_truth))
        panel.mask_requested.connect(self._on_mask)
        panel.stop_requested.connect(self.reading.stop)
        listen(self.session.scan_changed, panel.show_scan, panel)
        panel.show_scan(self.session.scan)

    def open_scan(self, path: str | Path, *, series: str | None = None, geometry: str | None = None) -> None:
        """Open the scan in ``path`` now."""
        from napari_lesionseg.volumes.read import read_scan

        self.session.open_scan(read_scan(path, series=series, geometry=geometry))
        self._remember(path)

    def load_truth(self, path: str | Path) -> None:
        """Compare with the mask in ``path`` from now on."""
        self.session.set_truth(self._mask_now(path))
        self._remember(path)

    def load_mask(self, path: str | Path) -> None:
        """Go on correcting from the mask in ``path``."""
        self.session.load_mask(self._mask_now(path))
        self._remember(path)

    def open_later(self, scan: Path | None, truth: Path | None, mask: Path | None) -> None:
        """Open files as the buttons do, beside the window: the scan first, then what belongs to it."""
        if scan is not None:
            self._on_scan(str(scan))
        if truth is not None:
            self._read(str(truth), "mask", self.session.set_truth)
        if mask is not None:
            self._read(str(mask), "mask", self.session.load_mask)

    def open_dropped(self, paths: list[str]) -> None:
        """Open what was dropped on the canvas: study, scan or mask."""
        for path in paths:
            if is_study(path):
                self.panel.study_requested.emit(path)
                continue
            self._read(path, "any", partial(self._show_dropped, Path(path).name))

    def _on_scan(self, path: str) -> None:
        if is_study(path):
            self.panel.study_requested.emit(path)
            return
        if self.context.may_discard(self.panel):
            self._read(path, "scan", self.session.open_scan)

    def _on_mask(self, path: str) -> None:
        if self.context.may_discard(self.panel):
            self._read(path, "mask", self.session.load_mask)

    def _read(self, path: str, kind: Kind, show: Callable[[Any], None]) -> None:
        def shown(volume: Volume | Mask) -> None:
            self.context.say("")  # Before a scan's own warning takes the line.
            show(volume)
            self._remember(path)

        self.reading.want(Wanted(Path(path), kind), shown)

    def _show_dropped(self, name: str, volume: Volume | Mask) -> None:
        scan = self.session.scan
        if isinstance(volume, Volume):
            if self.context.may_discard(self.panel):
                self.session.open_scan(volume)
        elif scan is None or not volume.geometry.same_grid(scan.geometry):
            self.context.layers.add_plain(volume, name)
        else:
            self.take_mask(volume, name)

    def take_mask(self, mask: Mask, name: str) -> None:
        """Let a person say what a mask on the open scan's grid is."""
        role = ask_role(name, self.panel.window())
        if role == "truth":
            self.session.set_truth(mask)
        elif role == "mask" and self.context.may_discard(self.panel):
            self.session.load_mask(mask)
        else:
            self.context.layers.add_plain(mask, name)

    def _mask_now(self, path: str | Path) -> Mask:
        from napari_lesionseg.volumes.read import read_mask

        return read_mask(path, self.session.scan)

    def _remember(self, path: str | Path) -> None:
        path = Path(path).resolve()
        self.panel.folder = str(path.parent)
        self.context.inputs.add(path)
        self.context.settings.remember(last_folder=self.panel.folder)


def is_study(path: str | Path) -> bool:
    """Whether ``path`` is the folder of a study; its database is not opened."""
    return (Path(path) / "study.db").is_file()
