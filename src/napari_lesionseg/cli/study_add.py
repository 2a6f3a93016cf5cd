"""``lesionseg study add`` and ``add-folder``: scans and masks into a study, one by one or by the folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_lesionseg.cli.progress import progress_bar
from napari_lesionseg.cli.study_words import AsJson, Folder, count, print_columns, print_json
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.volumes import read_mask, read_scan

if TYPE_CHECKING:
    from napari_lesionseg.study.add_folder import Added
    from napari_lesionseg.study.plan import Plan, Row


def add(  # noqa: PLR0913 - a command has the options it has
    folder: Folder,
    scan: Annotated[Path, typer.Argument(help="A scan; a DICOM series needs --copy.", metavar="SCAN")],
    truth: Annotated[Path | None, typer.Option(help="Its truth, a mask on the same grid.", metavar="MASK")] = None,
    patient: Annotated[str, typer.Option(help="The patient's id; left out, the case's id.", show_default=False)] = "",
    case: Annotated[
        str, typer.Option(help="The case's id; left out, the next of case-0001, case-0002 …", show_default=False)
    ] = "",
    split: Annotated[
        str | None, typer.Option(help="train, calibration, gate or test; left out, the one furthest below its share.")
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the scan into the study, as NIfTI with a fresh header.")
    ] = False,
    series: Annotated[str | None, typer.Option(help="Which DICOM series: its UID or number; with --copy.")] = None,
    geometry: Annotated[
        str | None, typer.Option(help="How to place a scan that can be placed in several ways; with --copy.")
    ] = None,
) -> None:
    """Add a scan, and its truth if there is one."""
    study = Study.open(folder)
    # A bad truth must not leave a case without one behind.
    like = read_scan(scan, series=series, geometry=geometry) if truth is not None else None
    mask = read_mask(truth, like=like) if truth is not None else None
    added = study.add_case(
        case or None, patient or None, scan, copy=copy, split=split, series=series, geometry=geometry
    )
    if mask is not None:
        study.add_revision(added.id, "truth", mask)
    with_truth = " with its truth" if mask is not None else ""
    typer.echo(f"Added case {added.id}{with_truth}: patient {added.patient}, split {added.split}.")


def add_folder(
    folder: Folder,
    source: Annotated[
        Path,
        typer.Argument(
            help="A folder of scans and masks, another study, a MONAI Label datastore or a MITK task list (.json).",
            metavar="SOURCE",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do what the table says without asking.")] = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy new scans into the study, as NIfTI with fresh headers.")
    ] = False,
    patients: Annotated[
        str, typer.Option(help="auto: one folder a patient where the layout is so; scan: each scan a patient.")
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Pair scans with masks, show a table with the reason for each pair, and add what it shows; safe to run again."""
    from napari_lesionseg.study.add_folder import carry_out, plan_folder

    if patients not in ("auto", "scan"):
        raise LesionsegError(f"There is no way {patients!r} to tell patients; choose auto or scan.")
    study = Study.open(folder)
    with progress_bar("Reading", hidden=as_json) as advance:
        plan = plan_folder(study, source, copy=copy, patients=patients, progress=advance)  # type: ignore[arg-type]
    base = source.resolve() if source.is_dir() else source.resolve().parent
    if not as_json:
        _print_plan(plan, base)
    agreed = plan.changes and (yes or (not as_json and _ask()))
    added: Added | None = None
    if agreed:
        with progress_bar("Adding", hidden=as_json) as advance:
            added = carry_out(study, plan, progress=advance)
    if as_json:
        print_json(_to_json(plan, added, base))
    elif added is not None:
        told = f"Added {count(len(added.cases), 'case')} and {count(added.masks, 'mask')}"
        again = f"; found {count(len(added.relinked), 'scan')} again" if added.relinked else ""
        typer.echo(f"{told}{again}.")
    else:
        typer.echo("Nothing was changed." if plan.changes else "There is nothing to add.")


def _ask() -> bool:
    if not has_terminal():
        typer.echo("Say --yes to do this.")
        return False
    return typer.confirm("Do this?")


def has_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def _print_plan(plan: Plan, base: Path) -> None:
    print_columns([("what", "file", "masks", "case", "why"), *(_cells(row, base) for row in plan.rows)])


def _cells(row: Row, base: Path) -> tuple[str, ...]:
    masks = ", ".join(f"{_short(mask.path, base)} ({mask.role})" for mask in row.masks) or "–"
    patient = f", patient {row.patient}" if row.patient and row.patient != row.case else ""
    case = row.case or ("new" if row.action == "add" else "–")
    return row.action, _short(row.file, base), masks, f"{case}{patient}", row.reason


def _short(path: Path, base: Path) -> str:
    shown = path.relative_to(base).as_posix() if path.is_relative_to(base) and path != base else str(path)
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in shown)


def _to_json(plan: Plan, added: Added | None, base: Path) -> dict[str, Any]:
    rows = [
        {
            "action": row.action,
            "file": _short(row.file, base),
            "masks": [{"file": _short(mask.path, base), "role": mask.role} for mask in row.masks],
            "case": row.case,
            "patient": row.patient,
            "reason": row.reason,
        }
        for row in plan.rows
    ]
    done = None if added is None else {"cases": added.cases, "masks": added.masks, "relinked": added.relinked}
    return {"rows": rows, "changes": plan.changes, "done": done}
