"""What the commands of ``lesionseg study`` share: their arguments, and how they print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Folder = Annotated[Path, typer.Argument(help="The study's folder.", metavar="STUDY")]
CaseId = Annotated[str, typer.Argument(help="The case's id.", metavar="CASE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def count(number: int, what: str) -> str:
    """``1 mask``, ``2 masks``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def plain(text: str) -> str:
    """One line that no terminal takes for a command."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print left-aligned columns, whatever the width of the terminal: nothing is cut off."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line."""
    typer.echo(json.dumps(value))
