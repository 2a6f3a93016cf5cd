"""``lesionseg phantom``: a study of generated scans with truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from napari_lesionseg.errors import LesionsegError


def phantom(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="FOLDER")],
    patients: Annotated[int, typer.Option(help="Patients with a truth.")],
    unlabelled: Annotated[int, typer.Option(help="Further patients without a truth, all in train.")] = 0,
    shape: Annotated[str, typer.Option(help="Slices, rows and columns of each scan.", metavar="Z,Y,X")] = "64,256,256",
    seed: Annotated[int, typer.Option(help="The same seed gives the same scans.")] = 0,
) -> None:
    """Make a study of generated chest CT scans with known truth."""
    from napari_lesionseg.study.phantom_study import write_phantom_study  # The generator loads scipy.

    voxels = _shape(shape)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)  # In a log file a bar is noise.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Generating scans", total=patients + unlabelled)
        study = write_phantom_study(
            folder, patients, unlabelled, voxels, seed, lambda done, total: bar.update(task, completed=done)
        )
    typer.echo(f"Made {patients} patients with and {unlabelled} without a truth in {study.folder}.")


def _shape(text: str) -> tuple[int, int, int]:
    try:
        z, y, x = (int(side) for side in text.split(","))
    except ValueError:
        raise LesionsegError(f"The shape {text!r} is not three whole numbers; write it as 64,256,256.") from None
    return (z, y, x)
