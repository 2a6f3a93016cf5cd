"""``lesionseg-train compare``: several networks, one budget, two tables and four figures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg_training.events import Event, Step, Warning_

if TYPE_CHECKING:
    from lesionseg_training.comparison import Comparison
    from lesionseg_training.contenders import Job

COMPARISON = "comparison.json"


def compare_command(  # noqa: PLR0913 - a command has the options it has
    study: Annotated[Path, typer.Argument(help="Study folder (lesionseg study create).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder, new or of this comparison begun before.")],
    models: Annotated[str, typer.Option(help="Kinds of network, or JSON files of one, separated by commas.")],
    presets: Annotated[str, typer.Option(help="Presets or JSON files, separated by commas.")] = "robust",
    folds: Annotated[int, typer.Option(help="Leave the training patients out in so many parts; 0: use --split.")] = 0,
    split: Annotated[str | None, typer.Option(help="calibration or test.  [default: calibration]")] = None,
    against: Annotated[str | None, typer.Option(help="The reference of the tests.  [default: the first]")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value for all of them.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Train networks with one budget, and compare them on patients they have not seen; run it again to go on."""
    from lesionseg_training.compare import RUNS, compare
    from lesionseg_training.compare_figures import write_figures
    from lesionseg_training.compare_tables import write_tables
    from lesionseg_training.comparison import save_comparison
    from lesionseg_training.contenders import make_wish
    from napari_lesionseg.study.store import Study

    pairs = [*(overrides or []), *([f'device="{device}"'] if device else [])]
    wish = make_wish(_names(models), _names(presets), pairs, folds, split)
    with _progress(hidden=as_json) as tell:
        comparison = compare(Study.open(study), output, wish, against=against, tell=tell)
    save_comparison(output / COMPARISON, comparison)
    files = [output / COMPARISON, *write_tables(output, comparison), *write_figures(output, output / RUNS, comparison)]
    if as_json:
        print(json.dumps(_summary(output, comparison, files)))
        return
    print((output / "accuracy.md").read_text(encoding="utf-8"))
    print("\n".join(map(str, files)))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _summary(folder: Path, comparison: Comparison, files: list[Path]) -> dict[str, Any]:
    """The figures of a comparison in one object: means with intervals, costs, and paired differences."""
    from dataclasses import asdict

    from lesionseg_training.compare_tables import cost, pairs
    from lesionseg_training.evaluate import mean_figures

    return {
        "folder": str(folder),
        "split": comparison.split,
        "folds": comparison.folds,
        "against": comparison.against,
        "contenders": {
            one.label: {"mean": mean_figures(one.by_patient), "cost": cost(one)} for one in comparison.contenders
        },
        "paired": [asdict(pair) for pair in pairs(comparison)],
        "about": comparison.about,
        "files": [path.name for path in files],
    }


@contextmanager
def _progress(*, hidden: bool) -> Iterator[Callable[[Job, int, int, Event | str], None]]:
    """A bar on stderr for the run at work and all that follow; in a log file, a line when a run begins."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None, left="")
        pace = _Pace()

        def tell(job: Job, number: int, count: int, what: Event | str) -> None:
            name = f"{number}/{count} {job.run}"
            if isinstance(what, Step):
                left = pace.left(number, count, what)
                bar.update(
                    task, description=name, total=what.steps, completed=what.step, left=f"{left / 60:.0f} min left"
                )
                if not hidden and not console.is_terminal and what.step == 1:
                    console.print(name)
            elif isinstance(what, str):
                bar.update(task, description=f"{name}, {what}")
            elif isinstance(what, Warning_) and not hidden:
                console.print(f"note: {job.run}: {what.message}")

        yield tell


class _Pace:
    """How long all runs take: what is left of this one, and for each to come the mean of those begun here."""

    def __init__(self) -> None:
        self._began: dict[int, float] = {}
        self._took: dict[int, float] = {}

    def left(self, number: int, count: int, step: Step) -> float:
        """Seconds, at a step of run ``number`` of ``count``."""
        now = time.monotonic()
        self._took[number] = now - self._began.setdefault(number, now) + step.eta_s
        return step.eta_s + (count - number) * sum(self._took.values()) / len(self._took)
