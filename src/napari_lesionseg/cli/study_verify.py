"""``lesionseg study verify``: prove that nothing of a study is lost, changed or left over."""

from __future__ import annotations

import typer

from napari_lesionseg.cli.progress import progress_bar
from napari_lesionseg.cli.study_words import AsJson, Folder, count, print_json
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study


def verify(folder: Folder, as_json: AsJson = False) -> None:
    """Prove the database, every scan and mask, and every journal; exit code 1 if anything is wrong."""
    from napari_lesionseg.study.store import DATABASE
    from napari_lesionseg.study.verify import Verified, verify_study

    try:
        study = Study.open(folder)
        with progress_bar("Proving", hidden=as_json) as advance:
            done = verify_study(study, progress=advance)
    except LesionsegError as error:
        if not (folder / DATABASE).is_file():
            raise
        done = Verified(problems=[str(error)])  # A study that cannot be opened is what this is for.
    counts = {"scans": done.scans, "masks": done.masks, "drafts": done.drafts, "journal_lines": done.lines}
    if as_json:
        print_json({"ok": done.ok} | counts | {"problems": done.problems, "notes": done.notes})
    else:
        for sentence in (*done.problems, *done.notes):
            typer.echo(sentence)
        proved = [count(done.scans, "scan"), count(done.masks, "mask"), count(done.drafts, "journal")]
        lines = count(done.lines, "line")
        typer.echo(f"Proved {', '.join(proved)} of {lines} in all; {len(done.problems) or 'nothing'} wrong.")
    if not done.ok:
        raise typer.Exit(1)
