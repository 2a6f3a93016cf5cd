"""A file that asks back gets its answer from a dialog."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtWidgets import QDialog, QWidget

from napari_lesionseg.volumes.dicom.errors import SegmentQuestion
from napari_lesionseg.widgets.geometry_dialog import GeometryDialog
from napari_lesionseg.widgets.read_worker import Question, Wanted, WhichSeries
from napari_lesionseg.widgets.region_dialog import RegionDialog
from napari_lesionseg.widgets.series_dialog import SeriesDialog


def answer(question: Question, wanted: Wanted, parent: QWidget | None) -> Wanted | None:
    """Let a person answer; gives what to read now, None if the file should not be opened after all."""
    if isinstance(question, WhichSeries):
        series = SeriesDialog(question.path.name, question.series, parent)
        chosen = series.chosen if _accepted(series) else None
        return None if chosen is None else replace(wanted, series=chosen.uid)
    if isinstance(question, SegmentQuestion):
        regions = RegionDialog(question.problem, question.names, parent)
        return replace(wanted, only=(regions.chosen,)) if _accepted(regions) else None
    dialog = GeometryDialog(question.problem, question.choices, parent)
    if not _accepted(dialog):
        return None
    note = f"Geometry by your choice: {question.choices[dialog.chosen]}."
    return replace(wanted, geometry=dialog.chosen, notes=(*wanted.notes, note))


def _accepted(dialog: QDialog) -> bool:
    accepted = bool(dialog.exec())
    dialog.deleteLater()
    return accepted
