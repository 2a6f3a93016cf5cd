"""``lesionseg export``: a mask in the formats of other tools, its figures as a table, or a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.read import read_mask, read_scan

if TYPE_CHECKING:
    from napari_lesionseg.volumes import Mask
    from napari_lesionseg.volumes.export.segments import LesionType, Segment

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def export_command(  # noqa: PLR0913 - a command has the options it has
    mask: Annotated[Path, typer.Argument(help="The mask, in any format that can be read.", metavar="MASK")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write; its ending tells the format.")],
    scan: Annotated[
        Path | None, typer.Option(help="The scan it was drawn on; DICOM SEG, RTSTRUCT and the report need it.")
    ] = None,
    lungs: Annotated[
        Path | None,
        typer.Option(help="A mask of the lungs that somebody has checked: the report tells the lesions' share of it."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="nifti, nrrd, metaimage, dicom-seg, rtstruct, csv or pdf; left out, by the name.")
    ] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option(help="Name of the region to take from a DICOM SEG or RTSTRUCT; left out, all.", metavar="NAME"),
    ] = None,
    pseudonym: Annotated[str, typer.Option(help="What the patient is called in the file.")] = "ANONYMOUS",
    lesion_type: Annotated[
        list[str] | None,
        typer.Option(
            help="lesion, ground-glass-opacity, consolidation, nodule or mass; for one label of several: 2=nodule.",
            metavar="[LABEL=]TYPE",
        ),
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Which DICOM series the scan is: its UID or its number in the list.")
    ] = None,
    geometry: Annotated[
        str | None, typer.Option(help="How to place a scan that can be placed in several ways.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Save a mask for another tool; it is read back by two readers before it is called saved."""
    from napari_lesionseg.review.exports import export, format_of

    chosen = format or format_of(output)  # A bad name is refused before a scan is read.
    drawn_on = read_scan(scan, series=series, geometry=geometry) if scan is not None else None
    labels = read_mask(mask, like=drawn_on, only=segment or ())
    segments = _segments(labels, lesion_type or [])
    checked = read_mask(lungs, like=drawn_on) if lungs is not None else None
    export(output, labels, drawn_on, format=chosen, lungs=checked, segments=segments, pseudonym=pseudonym)
    described = [{"label": one.label, "name": one.name} for one in segments]
    if as_json:
        print(json.dumps({"file": str(output), "format": chosen, "ml": labels.volume_ml, "segments": described}))
        return
    names = ", ".join(f"{one['label']} {one['name']}" for one in described)
    print(f"Saved {output} ({chosen}): {labels.volume_ml:.1f} ml, {names}.")


def _segments(mask: Mask, wanted: list[str]) -> list[Segment]:
    """One segment a label, of the lesion types that were asked for."""
    from napari_lesionseg.volumes.export.segments import default_segments

    segments = default_segments(mask)
    types: dict[int, LesionType] = {}
    for words in wanted:
        label, _, name = words.rpartition("=")
        kind = _lesion_type(name)
        types |= {_label(label, segments): kind} if label else {one.label: kind for one in segments}
    return [_of(one, types, len(segments)) for one in segments]


def _of(segment: Segment, types: dict[int, LesionType], count: int) -> Segment:
    from dataclasses import replace

    if segment.label not in types:
        return segment
    kind = types[segment.label]
    typed = segment.of(kind)
    # Two labels of one type keep their own names and colours.
    alone = list(types.values()).count(kind) == 1 or count == 1
    return typed if alone else replace(typed, name=f"{kind.name} {segment.label}", colour=segment.colour)


def _lesion_type(name: str) -> LesionType:
    from napari_lesionseg.volumes.export.segments import LESION_TYPES

    known = {kind.name.lower().replace(" ", "-"): kind for kind in LESION_TYPES}
    if name.lower() not in known:
        raise LesionsegError(f"There is no lesion type {name!r}; choose one of {', '.join(known)}.")
    return known[name.lower()]


def _label(text: str, segments: list[Segment]) -> int:
    labels = [one.label for one in segments]
    if not text.isdecimal() or int(text) not in labels:
        raise LesionsegError(f"The mask has no label {text}; it has {', '.join(map(str, labels))}.")
    return int(text)
