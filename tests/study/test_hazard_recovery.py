"""What was recovered is journaled at once: crash, recover, edit, crash, and always the newest state (hazard 8)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.replay import standing
from tests.study.drafting import GRID, a_mask, add_case, child_environment, sha

Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]


@dataclass
class Ledger:
    """What all children said: the state after each line, and the last line that was acknowledged."""

    states: dict[int, str]
    saved: int = 0
    opened: int = 0
    strange: list[str] = field(default_factory=list)

    def hear(self, line: str) -> str:
        """Take a line of a child in; return its first word."""
        word, *rest = line.split()
        if word == "put":
            self.states[int(rest[0])] = rest[1]
        elif word == "saved":
            self.saved = max(self.saved, int(rest[0]))
        elif word == "opened":
            length = int(rest[0])
            if length < self.saved or self.states.get(length) != rest[1]:
                self.strange.append(f"recovered line {length} of {self.saved} saved ones: {line}")
            self.opened += 1
            self.states = {n: state for n, state in self.states.items() if n <= length}
            self.saved = length
        else:
            self.strange.append(line)
        return word


def crash_once(study: Path, seed: int, ledger: Ledger, root: Path) -> bool:
    """Let a child recover and draw, then kill it; return whether an edit after the recovery was acknowledged."""
    rng = np.random.default_rng(seed)
    command = [sys.executable, str(root / "tests/study/recovering_child.py"), str(study), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment(root)) as child:
        assert child.stdout is not None
        wanted = "opened" if rng.random() < 0.25 else "saved"  # Some die before their first edit is safe.
        acknowledged = False
        for line in child.stdout:
            word = ledger.hear(line)
            acknowledged |= word == "saved"
            if word == wanted:
                break
        time.sleep(float(rng.choice([0.0, 0.01, 0.05, 0.2])))
        child.send_signal(signal.SIGKILL)
        for line in child.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):
                acknowledged |= ledger.hear(line) == "saved"
    return acknowledged


@pytest.mark.hazard("H8")
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX systems")
def test_crash_recover_edit_crash_gives_the_newest_state_every_time(
    study: Study, repo_root: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    crashes, edited = hazard_count(5, 100), 0
    add_case(study)
    study.add_revision("c1", "prediction", a_mask(8), model="dual")
    ledger = Ledger({0: sha(a_mask(8).array)})
    for seed in range(crashes):
        edited += crash_once(study.folder, seed, ledger, repo_root)
    with Journal(study, Drafts(study).open_main("c1", "ann")) as journal:
        restored = journal.restore()
        lines, length = journal.entries(), len(restored.log)
    newest = length >= ledger.saved and sha(restored.mask.array) == ledger.states[length]
    holds = newest and ledger.strange == [] and ledger.opened == crashes
    hazard_figure(
        "H8",
        f"{ledger.opened} recoveries and {crashes} kill -9, {edited} of them after edits of the recovered state were "
        f"acknowledged; {length} lines, {len(ledger.strange)} recoveries without the newest state",
        holds,
    )
    assert ledger.strange == []
    assert holds
    assert edited >= crashes // 2
    assert [line.position for line in lines] == list(range(1, length + 1))
    assert len(standing(lines)) > 0
    assert restored.mask.geometry.same_grid(GRID)
