"""What pytest tells scripts/hazards.py while it runs: one JSON object a line, on the file descriptor it was given.

``{"collected": {test: [hazard, …]}}`` once, then ``{"test", "phase", "outcome", "seconds", "reason", "figures"}`` for
each phase of each test. The tests come in the order of their hazards, so that each hazard is done at one go.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hazards_list import number

_out = os.fdopen(int(os.environ["LESIONSEG_HAZARDS_FD"]), "w", buffering=1, encoding="utf-8")
_only = set(filter(None, os.environ.get("LESIONSEG_HAZARDS_ONLY", "").split(",")))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the hazards asked for, the first hazard's first."""
    wanted = [item for item in items if not _only or _only & set(_hazards(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = sorted(wanted, key=lambda item: min(map(number, _hazards(item)), default=0))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say which tests there are."""
    _tell({"collected": {item.nodeid: _hazards(item) for item in session.items}})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say what came of a phase of a test."""
    _tell(
        {
            "test": report.nodeid,
            "phase": report.when,
            "outcome": "failed" if hasattr(report, "wasxfail") else report.outcome,
            "seconds": report.duration,
            "reason": report.longrepr[2] if isinstance(report.longrepr, tuple) else "",
            # The properties are those of all phases so far.
            "figures": [v for k, v in report.user_properties if k == "hazard_figure" and report.when == "call"],
        }
    )


def _hazards(item: pytest.Item) -> list[str]:
    return sorted({mark.args[0] for mark in item.iter_markers("hazard") if mark.args}, key=number)


def _tell(event: dict[str, Any]) -> None:
    print(json.dumps(event), file=_out)
