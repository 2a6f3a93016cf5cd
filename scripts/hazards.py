"""Run the tests that guard against the hazards of hazards.yaml and print a line for each: `make hazards`.

Exit code 1 if a hazard that is built falls short. Which test runs, and what fails in detail, goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from hazards_list import FILE, load_hazards
from hazards_tally import Tally

ROOT = FILE.parent
SECONDS_A_TEST = {"ci": 600, "full": 7200}
ENDED = (0, 1, 5)  # pytest: all passed, some failed, none collected. Anything else is no result.


def main(words: list[str]) -> int:
    """Print what each hazard's tests came to; give the exit code."""
    options = _options(words)
    only = set(filter(None, options.only.split(",")))
    tallies = [Tally(hazard) for hazard in load_hazards() if not only or hazard.id in only]
    if unknown := only - {tally.hazard.id for tally in tallies}:
        sys.exit(f"error: hazards.yaml knows no {', '.join(sorted(unknown))}.")
    todo = [] if options.json or options.markdown else list(tallies)

    def print_what_is_done() -> None:
        while todo and not todo[0].waiting:
            print(_line(todo.pop(0)), flush=True)

    begun = time.monotonic()
    ended = run(tallies, options.scale, print_what_is_done)
    holds = ended and all(tally.result != "falls short" for tally in tallies)
    if options.json:
        records = [tally.record() for tally in tallies]
        seconds = round(time.monotonic() - begun, 1)
        print(json.dumps({"scale": options.scale, "seconds": seconds, "holds": holds, "hazards": records}))
    elif options.markdown:
        print("| hazard | | figure | time |\n|---|---|---|---|")
        print("\n".join(_row(tally) for tally in tallies))
    return 0 if holds else 1


def run(tallies: list[Tally], scale: str, after_each: Callable[[], None]) -> bool:
    """Run the tests and fill the tallies; gives whether pytest got to its end."""
    hazards_of: dict[str, list[str]] = {}
    with tempfile.TemporaryFile("w+") as output:
        with _pytest(scale, [tally.hazard.id for tally in tallies], output) as (process, events):
            for event in events:
                if "collected" in event:
                    hazards_of = event["collected"]
                    for tally in tallies:
                        tally.expect([test for test, ids in hazards_of.items() if tally.hazard.id in ids])
                    continue
                for tally in tallies:
                    if tally.hazard.id in hazards_of[event["test"]]:
                        tally.add(event)
                _report_progress(event, hazards_of)
                after_each()
            code = process.wait()
        for tally in tallies:
            tally.give_up()
        after_each()
        if code:
            output.seek(0)
            sys.stderr.write(output.read())
    return code in ENDED


@contextmanager
def _pytest(
    scale: str, only: list[str], output: IO[str]
) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[dict[str, Any]]]]:
    reader, writer = os.pipe()
    marks = "hazard and not gpu and not peers" + ("" if scale == "full" else " and not slow")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "hazards_plugin", "-m", marks, "--hazard-scale", scale]
    command += ["--tb=short", f"--timeout={SECONDS_A_TEST[scale]}"]
    environment = os.environ | {
        "LESIONSEG_HAZARDS_FD": str(writer),
        "LESIONSEG_HAZARDS_ONLY": ",".join(only),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT / "scripts"), os.environ.get("PYTHONPATH")))),
    }
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, pass_fds=[writer]
    )
    os.close(writer)
    try:
        with open(reader, encoding="utf-8") as lines:
            yield process, (json.loads(line) for line in lines)
    finally:
        process.kill()
        process.wait()


def _report_progress(event: dict[str, Any], hazards_of: dict[str, list[str]]) -> None:
    if event["seconds"] >= 1 or event["outcome"] == "failed":
        hazards = " ".join(hazards_of[event["test"]])
        print(f"  {hazards:8} {event['outcome']:8} {event['seconds']:7.1f} s  {event['test']}", file=sys.stderr)


def _line(tally: Tally) -> str:
    return f"{tally.hazard.id:4} {tally.result:12} {tally.hazard.title}: {tally.text()} ({tally.seconds:.0f} s)"


def _row(tally: Tally) -> str:
    cells = (f"{tally.hazard.id} {tally.hazard.title}", tally.result, tally.text(), f"{tally.seconds:.0f} s")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/hazards.py", description=__doc__)
    parser.add_argument("--scale", choices=("ci", "full"), default="ci", help="size of the suites (default: ci)")
    parser.add_argument("--only", default="", metavar="H9,H12", help="only these hazards")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object on stdout and nothing else there")
    form.add_argument("--markdown", action="store_true", help="print the table of docs/reference/hazards.md")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
