"""``python -m tests.study.faults HARNESS WORK FOLDER COUNT``: what came of it, as JSON, on the last line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.study.faults.exporting import FILES, SETS, Exporting
from tests.study.faults.failures import fail_at_each
from tests.study.faults.kills import kill_at_each, kill_randomly
from tests.study.faults.migrating import Migrating
from tests.study.faults.painting import Careless, Painting
from tests.study.faults.power import cut_power
from tests.study.faults.shim import VARIABLE, Faults
from tests.study.faults.strokes import paint_at_each
from tests.study.faults.work import Keeping, Work

WORKS: dict[str, Callable[[], Work]] = {
    "painting": Painting,
    "painting unsynced": Careless,
    "migrating": Migrating,
    "keeping": Keeping,
    "exporting": Exporting,
    **{f"exporting {name}": partial(Exporting, name) for name in (*FILES, *SETS)},
}


def main(harness: str, name: str, folder: Path, count: int) -> None:
    """Run one harness over one kind of work."""
    work = WORKS[name]()
    if harness == "kills":
        found = kill_randomly(work, folder, count).asdict()
    elif harness == "power":
        found = cut_power(work, folder, count).asdict()
    else:
        faults = Faults(Path(os.environ[VARIABLE]))
        if harness == "paint at each":
            print(json.dumps(paint_at_each(folder, faults, count).asdict()))
            return
        at_each = {"kill at each": kill_at_each, "fail at each": fail_at_each}[harness]
        found = at_each(work, folder, faults, count).asdict()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
