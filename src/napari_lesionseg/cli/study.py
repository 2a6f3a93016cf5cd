"""``lesionseg study``: make a study, add scans to it, and see what it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lesionseg.cli.progress import progress_bar
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import ROLES, Case, Revision, Study
from napari_lesionseg.volumes import read_mask, read_scan

study_app = typer.Typer(help="Studies: cases, patients, mask revisions and splits in one folder.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The study's folder.", metavar="STUDY")]
CaseId = Annotated[str, typer.Argument(help="The case's id.", metavar="CASE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@study_app.command()
def create(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="STUDY")],
    seed: Annotated[int, typer.Option(help="Kept in the study.")] = 0,
) -> None:
    """Make an empty study."""
    study = Study.create(folder, seed=seed)
    typer.echo(f"Made an empty study in {study.folder}.")


@study_app.command()
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


@study_app.command("list")
def list_cases(folder: Folder, as_json: AsJson = False) -> None:
    """List the cases."""
    study = Study.open(folder)
    cases, counts = study.cases(), study.role_counts()
    if as_json:
        _print_json({"cases": [_case_object(case) | {"masks": counts.get(case.id, {})} for case in cases]})
        return
    rows = [(case.id, case.patient, case.split, _in_words(counts.get(case.id, {}))) for case in cases]
    _print_columns([("case", "patient", "split", "masks"), *rows])


@study_app.command()
def show(folder: Folder, case_id: CaseId, as_json: AsJson = False) -> None:
    """Show one case, its revisions, and whether its scan is still the file that was added."""
    study = Study.open(folder)
    case, revisions = study.case(case_id), study.revisions(case_id)
    problem = _scan_problem(study, case)
    if as_json:
        kept = [_revision_object(revision, study) for revision in revisions]
        grid = {"shape": case.geometry.display_shape, "spacing_mm": case.geometry.spacing}
        _print_json(_case_object(case) | grid | {"scan_problem": problem, "revisions": kept})
        return
    spacing = " × ".join(f"{side:.3g}" for side in case.geometry.spacing)
    shape = " × ".join(str(n) for n in case.geometry.display_shape)
    typer.echo(f"{case.id}: patient {case.patient}, split {case.split}, {shape} voxels of {spacing} mm (z, y, x)")
    typer.echo(f"scan: {case.scan}")
    typer.echo(f"      {problem or 'unchanged since it was added'}")
    _print_columns([(revision.created[:19] + "Z", revision.id, _origin(revision)) for revision in revisions])


@study_app.command()
def split(folder: Folder, as_json: AsJson = False) -> None:
    """Show which patients are in which split."""
    patients = Study.open(folder).split()
    if as_json:
        _print_json({str(name): members for name, members in patients.items()})
        return
    for name, members in patients.items():
        typer.echo(f"{name} ({len(members)}): {', '.join(members) or '–'}")


@study_app.command()
def export(
    folder: Folder,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A new folder; the data set is made in it, or is it if named so.")
    ],
    format: Annotated[str, typer.Option(help="nnunet (nnU-Net v2) or msd (Medical Segmentation Decathlon).")],
    pseudonym: Annotated[
        Path | None,
        typer.Option(help="CSV of which case is which; kept outside of the data set.", metavar="MAP.csv"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export all that a person vouches for as a training data set for other tools, under neutral names."""
    from napari_lesionseg.study.export import export_study
    from napari_lesionseg.volumes.pseudonyms import Pseudonyms

    study = Study.open(folder)
    names = Pseudonyms.open(pseudonym, outside=output) if pseudonym is not None else None
    with progress_bar("Exporting", hidden=as_json) as advance:
        done = export_study(study, output, format, pseudonyms=names, progress=advance)
    if as_json:
        facts = {"folder": str(done.folder), "format": format, "train": done.train, "test": done.test}
        _print_json(facts | {"left_out": list(done.left_out)})
        return
    typer.echo(f"Exported {done.train} training and {done.test} test cases to {done.folder}.")
    if done.left_out:
        typer.echo(f"Left out, nobody has reviewed them: {', '.join(done.left_out)}")


def _scan_problem(study: Study, case: Case) -> str | None:
    try:
        study.check_scan(case)
    except LesionsegError as error:
        return str(error)
    return None


def _case_object(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "patient": case.patient,
        "split": case.split,
        "scan": str(case.scan),
        "sha256": case.sha256,
    }


def _revision_object(revision: Revision, study: Study) -> dict[str, Any]:
    return {
        "id": revision.id,
        "role": revision.role,
        "file": str(revision.path),
        "sha256": revision.sha256,
        "created": revision.created,
        "reviewer": revision.reviewer,
        "model": revision.model,
        "parent": revision.parent,
        "corrected_slices": study.corrected_slices(revision),
    }


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[role]} {role}" for role in ROLES if role in counts) or "none"


def _origin(revision: Revision) -> str:
    slices = revision.corrected_slices
    parts = [
        "" if slices is None else f"{len(slices)} slices corrected",
        revision.reviewer and f"by {revision.reviewer}",
        revision.model and f"model {revision.model}",
        revision.parent and f"from {revision.parent}",
    ]
    return ", ".join(part for part in parts if part)


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print left-aligned columns, whatever the width of the terminal: nothing is cut off."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value))
