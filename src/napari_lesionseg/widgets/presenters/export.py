"""Exporting: a snapshot of the mask, written and proved in a child process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.export_panel import ExportPanel
from napari_lesionseg.widgets.export_worker import ExportChoice
from napari_lesionseg.widgets.layer_styles import file_stem
from napari_lesionseg.widgets.parts import listen


@dataclass(frozen=True, eq=False)
class _Saving:
    """An export under way: where, what and how."""

    path: Path
    mask: Mask
    choice: ExportChoice
    after: Callable[[], None] | None


class ExportPresenter:
    """Answers the export panel."""

    def __init__(self, panel: ExportPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self._saving: _Saving | None = None
        self._after: Callable[[], None] | None = None
        panel.export_requested.connect(self._on_export)
        context.exporter.saved.connect(self._on_saved)
        context.exporter.failed.connect(self._on_failed)
        listen(self.session.scan_changed, self._on_scan, panel)
        self._on_scan(self.session.scan)

    def save_then(self, after: Callable[[], None]) -> None:
        """Ask where to save, and go on with ``after`` once the mask is saved; not if it is called off or fails."""
        self._after = after
        if self._saving is None:
            self.panel.export.click()
        self._after = None

    def _on_scan(self, scan: Volume | None) -> None:
        self.panel.show_has_scan(scan is not None, scan is not None and scan.dicom is not None)
        if scan is None:
            return
        settings = self.context.settings
        # A pseudonym belongs to one patient, so it is not carried over to the next scan.
        self.panel.show_choice(ExportChoice(self._offered(scan, settings.export_format), settings.lesion_type))
        beside = scan.source.parent if scan.source is not None else Path(settings.last_folder or ".")
        self.panel.proposal = beside / f"{file_stem(scan)}_mask"

    def _offered(self, scan: Volume, wanted: str) -> str:
        from napari_lesionseg.review.exports import FORMATS

        known = wanted in FORMATS and (scan.dicom is not None or not FORMATS[wanted].needs_dicom)
        return wanted if known else ExportChoice().format

    def _on_export(self, name: str) -> None:
        path, mask, scan = Path(name), self.session.mask, self.session.scan
        if mask is None or scan is None or self._saving is not None:
            return
        try:
            self._check(path)
        except LesionsegError as error:
            self.context.report(error)
            return
        snapshot, choice = Mask(mask.array.copy(), mask.geometry), self.panel.choice
        self._saving = _Saving(path, snapshot, choice, self._after)
        self.panel.export.setEnabled(False)
        self.panel.show_state("Saving…")
        lungs = self.session.lungs if self.session.lungs_checked else None
        self.context.exporter.save(path, snapshot, scan, choice, self.session.model_name, lungs)

    def _check(self, path: Path) -> None:
        opened = (volume.source for volume in (self.session.scan, self.session.truth) if volume is not None)
        inputs = self.context.inputs.union(source for source in opened if source is not None)
        if _is_input(path, inputs):
            raise LesionsegError(f"{path} was opened here, and inputs are never overwritten; choose another name.")

    def _on_saved(self) -> None:
        saving, self._saving = self._saving, None
        if saving is None:
            return
        choice, path = saving.choice, saving.path
        self.panel.export.setEnabled(True)
        ml = f", {saving.mask.volume_ml:.1f} ml of lesion"
        proved = ", proved equal by two readers" if choice.keeps_mask else ""
        self.panel.show_state(f"Saved {datetime.now():%H:%M:%S}{proved}: {path.name}{ml}.", str(path))
        if choice.keeps_mask and self._is_still(saving.mask):
            self.session.mark_exported()
        self.context.settings.remember(
            last_folder=str(path.parent), export_format=choice.format, lesion_type=choice.lesion
        )
        self.context.say(f"Exported {path}.")
        if saving.after is not None:
            saving.after()

    def _is_still(self, exported: Mask) -> bool:
        """Whether the open mask is the exported one: an edit during the export is not in the file."""
        mask = self.session.mask
        same_grid = mask is not None and mask.geometry.same_grid(exported.geometry)
        return same_grid and mask is not None and np.array_equal(mask.array, exported.array)

    def _on_failed(self, sentence: str) -> None:
        self._saving = None
        self.panel.export.setEnabled(True)
        self.panel.show_state("Not saved.")
        self.context.complain(sentence)


def _is_input(path: Path, inputs: Iterable[Path]) -> bool:
    """Whether ``path`` is one of the files that were opened, or lies among the slices of one."""
    return any(_same_file(source, path) or (path.exists() and _is_among(path, source)) for source in inputs)


def _is_among(path: Path, source: Path) -> bool:
    """Whether ``path`` may be a slice of the DICOM series in or beside ``source``."""
    dicom = source.is_dir() or source.name.upper() == "DICOMDIR" or source.suffix.lower() in ("", ".dcm", ".ima")
    folder = source if source.is_dir() else source.parent
    return dicom and folder.resolve() in path.resolve().parents


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
