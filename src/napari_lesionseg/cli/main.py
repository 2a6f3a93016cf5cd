"""Entry point of ``lesionseg``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_lesionseg import __version__
from napari_lesionseg.cli.export import export_command
from napari_lesionseg.cli.import_series import import_command
from napari_lesionseg.cli.models import models_app
from napari_lesionseg.cli.phantom import phantom
from napari_lesionseg.cli.scans import evaluate_command, info_command, predict_command
from napari_lesionseg.cli.study import study_app
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.redact import private_logs

app = typer.Typer(
    name="lesionseg",
    help="Lesions in chest CT: segment, compare, correct, export, retrain. For research, not for diagnosis.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("info")(info_command)
app.command("predict")(predict_command)
app.command("evaluate")(evaluate_command)
app.command("import")(import_command)
app.command("export")(export_command)
app.command("phantom")(phantom)
app.add_typer(study_app, name="study")
app.add_typer(models_app, name="models")


@app.command("open")
def open_command(
    scan: Annotated[Path | None, typer.Argument(help="Scan, or folder of a study, to open.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Ground-truth mask.")] = None,
    mask: Annotated[Path | None, typer.Option(help="Mask to correct.")] = None,
) -> None:
    """Open napari with the workbench docked."""
    try:
        from napari_lesionseg.widgets.launch import open_window
    except ImportError as error:
        raise LesionsegError(
            f"The window needs napari and Qt ({error.name} is missing); install napari-lesionseg[all]."
        ) from error
    open_window(scan, truth=truth, mask=mask)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def run() -> None:
    """Entry point: errors the user can act on go to stderr in one sentence, with exit code 2."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # Threads that spin take the processor from each other.
    with private_logs():
        try:
            app()
        except LesionsegError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)
