"""``lesionseg study export``: a study for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesionseg.cli.progress import progress_bar
from napari_lesionseg.cli.study_words import AsJson, Folder, print_json
from napari_lesionseg.study import Study


def export(
    folder: Folder,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A new folder; the data set is made in it, or is it if named so.")
    ],
    format: Annotated[
        str, typer.Option(help="nnunet (nnU-Net v2), msd (Medical Segmentation Decathlon) or mitk (task list).")
    ],
    pseudonym: Annotated[
        Path | None,
        typer.Option(help="CSV of which case is which; kept outside of the data set.", metavar="MAP.csv"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export all that a person vouches for as a data set, or all cases as tasks for MITK, under neutral names."""
    from napari_lesionseg.study.export import export_study
    from napari_lesionseg.volumes.pseudonyms import Pseudonyms

    study = Study.open(folder)
    names = Pseudonyms.open(pseudonym, outside=output) if pseudonym is not None else None
    with progress_bar("Exporting", hidden=as_json) as advance:
        done = export_study(study, output, format, pseudonyms=names, progress=advance)
    if as_json:
        facts = {"folder": str(done.folder), "format": format, "train": done.train, "test": done.test}
        print_json(facts | {"left_out": list(done.left_out)})
        return
    typer.echo(f"Exported {done.train} training and {done.test} test cases to {done.folder}.")
    if done.left_out:
        typer.echo(f"Left out, nobody has reviewed them: {', '.join(done.left_out)}")
