"""Exporting: a snapshot of the mask, written and proved in a thread."""

from __future__ import annotations

from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask, Volume, nifti
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.export_panel import ExportPanel
from napari_lesionseg.widgets.layer_styles import scan_name
from napari_lesionseg.widgets.parts import listen


class ExportPresenter:
    """Answers the export panel."""

    def __init__(self, panel: ExportPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self._edits = 0  # Changes of the mask so far: an edit during the export is not exported.
        panel.export_requested.connect(self._on_export)
        listen(self.session.scan_changed, self._on_scan, panel)
        listen(self.session.mask_changed, self._on_mask, panel)
        self._on_scan(self.session.scan)

    def _on_scan(self, scan: Volume | None) -> None:
        self.panel.show_has_scan(scan is not None)
        if scan is not None:
            beside = scan.source.parent if scan.source is not None else Path(self.context.settings.last_folder or ".")
            self.panel.proposal = beside / f"{scan_name(scan)}_mask.nii.gz"

    def _on_mask(self, _slices: object) -> None:
        self._edits += 1

    def _on_export(self, name: str) -> None:
        path, mask = Path(name), self.session.mask
        if mask is None:
            return
        try:
            self._check(path)
        except LesionsegError as error:
            self.context.report(error)
            return
        snapshot, edits = Mask(mask.array.copy(), mask.geometry), self._edits
        self.panel.export.setEnabled(False)
        self.panel.show_state("Saving…")
        run_in_background(
            lambda: nifti.write_mask(path, snapshot), lambda _: self._on_saved(path, snapshot, edits), self._on_failed
        )

    def _check(self, path: Path) -> None:
        opened = (volume.source for volume in (self.session.scan, self.session.truth) if volume is not None)
        inputs = self.context.inputs.union(source for source in opened if source is not None)
        if any(_same_file(source, path) for source in inputs):
            raise LesionsegError(f"{path} was opened here, and inputs are never overwritten; choose another name.")

    def _on_saved(self, path: Path, mask: Mask, edits: int) -> None:
        self.panel.export.setEnabled(True)
        self.panel.show_state(f"Saved {path.name}: {mask.volume_ml:.1f} ml of lesion.", str(path))
        if edits == self._edits:
            self.session.mark_exported()
        self.context.settings.remember(last_folder=str(path.parent))
        self.context.say(f"Exported {path}.")

    def _on_failed(self, error: Exception) -> None:
        self.panel.export.setEnabled(True)
        self.panel.show_state("Not saved.")
        self.context.report(error)


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
