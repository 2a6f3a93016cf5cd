"""``lesionseg study audit``: what was done to a case, by whom and when, and where the time went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesionseg.cli.study_words import AsJson, CaseId, Folder, plain, print_columns, print_json
from napari_lesionseg.study import Study

if TYPE_CHECKING:
    from napari_lesionseg.study.audit import AuditRow

Table = Annotated[Path | None, typer.Option("--output", "-o", help="Write the trail as a table (CSV) instead.")]
_HEADS = ("time", "reviewer", "what", "line", "of line", "tool", "slice", "voxels", "")


def audit(folder: Folder, case_id: CaseId, output: Table = None, as_json: AsJson = False) -> None:
    """Show every edit, mask, move and comment of a case, with who and when, and where the time went."""
    from napari_lesionseg.study.audit import audit_rows, write_audit_csv

    study = Study.open(folder)
    case_id = study.case(case_id).id
    if output is not None:
        write_audit_csv(output, study, case_id)
    rows, (slices, lesions) = audit_rows(study, case_id), _seconds(study, case_id)
    if as_json:
        seconds = {"slices": slices, "lesions": lesions}
        print_json({"case": case_id, "trail": [asdict(row) for row in rows], "seconds": seconds})
    elif output is not None:
        typer.echo(f"Wrote {len(rows)} lines to {output}.")
    else:
        print_columns([_HEADS, *(_cells(row) for row in rows)])
        _print_seconds("slice", slices)
        _print_seconds("lesion", lesions)


def _seconds(study: Study, case_id: str) -> tuple[dict[int, float], dict[int, float]]:
    """Time on each display slice (z) and each lesion of the newest mask; blind readings are left out."""
    from napari_lesionseg.study.audit import seconds_per_lesion, seconds_per_slice
    from napari_lesionseg.study.drafts import Drafts
    from napari_lesionseg.study.labels import read_labels
    from napari_lesionseg.volumes import Mask

    case = study.case(case_id)
    newest = study.latest(case_id, "correction") or study.latest(case_id, "prediction")
    mask = Mask(read_labels(case, newest), case.geometry)
    slices: dict[int, float] = defaultdict(float)
    lesions: dict[int, float] = defaultdict(float)
    for draft in Drafts(study).of(case_id):
        if draft.purpose != "reading":
            for spent, found in (
                (slices, seconds_per_slice(study, draft)),
                (lesions, seconds_per_lesion(study, draft, mask)),
            ):
                for number, seconds in found.items():
                    spent[number] += seconds
    return dict(sorted(slices.items())), dict(sorted(lesions.items()))


def _cells(row: AuditRow) -> tuple[str, ...]:
    numbers = (row.position, row.target)
    drawn = (row.tool, row.slice, row.voxels)
    cells = (f"{row.time[:19]}Z", row.reviewer, row.what, *numbers, *drawn, row.text)
    return tuple("" if cell is None else plain(str(cell)) for cell in cells)


def _print_seconds(what: str, seconds: Mapping[int, float]) -> None:
    if seconds:
        typer.echo(f"Seconds on each {what}: " + ", ".join(f"{n}: {spent:.1f}" for n, spent in seconds.items()))
