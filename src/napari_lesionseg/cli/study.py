"""``lesionseg study``: make a study and see what it holds; what adds, exports and proves has files of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lesionseg.cli.study_add import add, add_folder
from napari_lesionseg.cli.study_audit import audit
from napari_lesionseg.cli.study_export import export
from napari_lesionseg.cli.study_review import comments, readings
from napari_lesionseg.cli.study_verify import verify
from napari_lesionseg.cli.study_words import AsJson, CaseId, Folder, print_columns, print_json
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import ROLES, Case, Revision, Study

study_app = typer.Typer(help="Studies: cases, patients, mask revisions and splits in one folder.", no_args_is_help=True)


@study_app.command()
def create(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="STUDY")],
    seed: Annotated[int, typer.Option(help="Kept in the study.")] = 0,
) -> None:
    """Make an empty study."""
    study = Study.create(folder, seed=seed)
    typer.echo(f"Made an empty study in {study.folder}.")


study_app.command()(add)
study_app.command("add-folder")(add_folder)


@study_app.command("list")
def list_cases(folder: Folder, as_json: AsJson = False) -> None:
    """List the cases."""
    study = Study.open(folder)
    cases, counts = study.cases(), study.role_counts()
    if as_json:
        print_json({"cases": [_case_object(case) | {"masks": counts.get(case.id, {})} for case in cases]})
        return
    rows = [(case.id, case.patient, case.split, _in_words(counts.get(case.id, {}))) for case in cases]
    print_columns([("case", "patient", "split", "masks"), *rows])


@study_app.command()
def show(folder: Folder, case_id: CaseId, as_json: AsJson = False) -> None:
    """Show one case, its revisions, and whether its scan is still the file that was added."""
    study = Study.open(folder)
    case, revisions = study.case(case_id), study.revisions(case_id)
    problem = _scan_problem(study, case)
    if as_json:
        kept = [_revision_object(revision, study) for revision in revisions]
        grid = {"shape": case.geometry.display_shape, "spacing_mm": case.geometry.spacing}
        print_json(_case_object(case) | grid | {"scan_problem": problem, "revisions": kept})
        return
    spacing = " × ".join(f"{side:.3g}" for side in case.geometry.spacing)
    shape = " × ".join(str(n) for n in case.geometry.display_shape)
    typer.echo(f"{case.id}: patient {case.patient}, split {case.split}, {shape} voxels of {spacing} mm (z, y, x)")
    typer.echo(f"scan: {case.scan}")
    typer.echo(f"      {problem or 'unchanged since it was added'}")
    print_columns([(revision.created[:19] + "Z", revision.id, _origin(revision)) for revision in revisions])


@study_app.command()
def split(folder: Folder, as_json: AsJson = False) -> None:
    """Show which patients are in which split."""
    patients = Study.open(folder).split()
    if as_json:
        print_json({str(name): members for name, members in patients.items()})
        return
    for name, members in patients.items():
        typer.echo(f"{name} ({len(members)}): {', '.join(members) or '–'}")


study_app.command()(export)
study_app.command()(verify)
study_app.command()(readings)
study_app.command()(comments)
study_app.command()(audit)


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
