"""The report on sampling as a picture: slices of each patient, and what each sampler draws."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lesionseg_training.sampling_report import KINDS, Drawn, PatientSlices, SamplingReport
from napari_lesionseg.volumes.atomic import write_atomically

COLOURS = {"lesion": "#D55E00", "near": "#56B4E9", "far": "#999999", "empty": "#999999"}  # Told apart by all eyes.
LETTERS = 14  # Of a patient's id; the whole of it is in the table.


def draw_sampling(path: Path, report: SamplingReport) -> None:
    """Write ``sampling.png``; a sampler that finds nothing to draw has no bar."""
    figure = Figure(figsize=(11, 1.8 + 0.24 * max(len(report.patients), len(report.drawn))), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _draw_patients(left, report.patients)
    _draw_samplers(right, report.drawn)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_atomically(path, picture.getvalue())


def _draw_patients(axes: Axes, patients: list[PatientSlices]) -> None:
    names = [f"{one.patient[:LETTERS]} ({one.split[:5]})" for one in patients]
    lesion, empty = [one.lesion for one in patients], [one.empty for one in patients]
    places = range(len(patients))
    axes.barh(places, lesion, color=COLOURS["lesion"], label="with lesion")
    axes.barh(places, empty, left=lesion, color=COLOURS["empty"], label="empty")
    axes.set(title="Slices of each patient", xlabel="slices")
    _finish(axes, names)


def _draw_samplers(axes: Axes, drawn: list[Drawn]) -> None:
    names = [f"{one.sampler}, epoch {one.epoch}" for one in drawn]
    left = [0.0] * len(drawn)
    for kind in KINDS:
        shares = [getattr(one, kind) or 0.0 for one in drawn]
        axes.barh(range(len(drawn)), shares, left=left, color=COLOURS[kind], label=kind)
        left = [before + share for before, share in zip(left, shares, strict=True)]
    axes.set(title="What each sampler draws", xlabel="share of the slices drawn", xlim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    _finish(axes, names)


def _finish(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3, frameon=False)
