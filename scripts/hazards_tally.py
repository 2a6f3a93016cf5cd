"""What the tests of one hazard came to, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hazards_list import Hazard


@dataclass
class Tally:
    """The tests of a hazard while they run."""

    hazard: Hazard
    waiting: set[str] = field(default_factory=lambda: {"the start of the run"})
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    figures: dict[str, bool] = field(default_factory=dict)
    seconds: float = 0.0

    def expect(self, tests: list[str]) -> None:
        """Say which tests will run; one that hazards.yaml names and that is not among them has failed already."""
        self.waiting = set(tests)
        names = {test.split("[")[0] for test in tests}
        self.failed += [f"{test} (did not run)" for test in self.hazard.tests if test not in names]

    def add(self, event: dict[str, Any]) -> None:
        """Take in one phase of one of its tests."""
        test = event["test"]
        self.seconds += event["seconds"]
        for text in event["figures"]:
            hazard, result, figure = text.split("|", 2)
            if hazard == self.hazard.id:
                self.figures[figure] = result == "holds" and self.figures.get(figure, True)
        if event["outcome"] == "failed" and test not in self.failed:
            self.failed.append(test)
        elif event["outcome"] == "skipped":
            self.skipped[test] = event["reason"].removeprefix("Skipped: ")
        elif event["phase"] == "call" and event["outcome"] == "passed":
            self.passed.append(test)
        if event["phase"] == "teardown":
            self.waiting.discard(test)

    def give_up(self) -> None:
        """Take note that the run ended, maybe before these tests did."""
        self.failed += [f"{test} (did not end)" for test in sorted(self.waiting)]
        self.waiting.clear()

    @property
    def sound(self) -> bool:
        """Whether all that ran shows the hazard under control, and something did."""
        return bool(self.passed) and not self.failed and all(self.figures.values())

    @property
    def result(self) -> str:
        """``holds``, ``falls short`` or ``open``."""
        if self.hazard.status == "open":
            return "open"
        return "holds" if self.sound else "falls short"

    def text(self) -> str:
        """Its figures, what failed or was skipped, and what is missing, in one line."""
        passed = f"{len(self.passed)} test{'s' if len(self.passed) != 1 else ''} passed"
        parts = [figure if holds else f"{figure} (falls short)" for figure, holds in self.figures.items()]
        parts += [passed] if self.passed or self.hazard.status == "built" else []
        parts += [f"failed: {test}" for test in self.failed]
        for reason in sorted(set(self.skipped.values())):
            count = list(self.skipped.values()).count(reason)
            parts.append(f"{count} skipped: {reason}")
        parts += [f"missing: {self.hazard.missing}"] if self.hazard.missing else []
        return "; ".join(parts)

    def record(self) -> dict[str, Any]:
        """All of it, for ``--json``."""
        return {
            "id": self.hazard.id,
            "title": self.hazard.title,
            "status": self.hazard.status,
            "result": self.result,
            "pass_mark": self.hazard.pass_mark,
            "figures": [{"figure": figure, "holds": holds} for figure, holds in self.figures.items()],
            "passed": len(self.passed),
            "failed": self.failed,
            "skipped": self.skipped,
            "missing": self.hazard.missing,
            "seconds": round(self.seconds, 1),
        }
