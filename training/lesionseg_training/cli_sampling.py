"""``lesionseg-train sampling``: what there is to learn from, and what each sampler draws of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg_training.config import load_config

if TYPE_CHECKING:
    from lesionseg_training.sampling_report import SamplingReport


def sampling_command(
    study: Annotated[Path, typer.Argument(help="Study folder (lesionseg study create).")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for sampling.csv and .png.")] = None,
    config: Annotated[str, typer.Option(help="Preset or JSON file.")] = "robust",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value on top of the configuration.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of the training; the first and last are shown.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Count the slices with and without lesion, and what each sampler draws of them."""
    from lesionseg_training.sampling_picture import draw_sampling
    from lesionseg_training.sampling_report import report_sampling
    from napari_lesionseg.study.store import Study
    from napari_lesionseg.volumes.tables import write_csv

    settings = load_config(config, [*(overrides or []), *([f"epochs={epochs}"] if epochs is not None else [])])
    report = report_sampling(Study.open(study), settings, lambda said: print(f"warning: {said}", file=sys.stderr))
    if output is not None:
        write_csv(output / "sampling.csv", *report.table())
        draw_sampling(output / "sampling.png", report)
    if as_json:
        print(json.dumps(report.to_dict()))
    else:
        _print_tables(report)


def _print_tables(report: SamplingReport) -> None:
    print(f"{'patient':24}  {'split':11}  slices  lesion   empty  lesion  lesion")
    print(f"{'':24}  {'':11}                          slices  pixels")
    for one in report.patients:
        counts = f"{one.slices:6}  {one.lesion:6}  {one.empty:6}"
        shares = f"{_percent(one.lesion / one.slices)}  {_percent(one.lesion_pixels)}"
        print(f"{one.patient:24}  {one.split:11}  {counts}  {shares}")
    print()
    print(f"{'sampler':11}  epoch  slices  lesion    near     far  lesion  batches  slices of")
    print(f"{'':11}                                          pixels  without  a patient")
    for drawn in report.drawn:
        kinds = "  ".join(_percent(share) for share in (drawn.lesion, drawn.near, drawn.far, drawn.lesion_pixels))
        spread = f"{_percent(drawn.without_lesion, 7)}  {_percent(drawn.least)} to {_percent(drawn.most).strip()}"
        print(f"{drawn.sampler:11}  {drawn.epoch:5}  {drawn.slices:6}  {kinds}  {spread}")


def _percent(share: float | None, width: int = 6) -> str:
    return f"{'–' if share is None else f'{share:.1%}':>{width}}"
