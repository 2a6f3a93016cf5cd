"""Read hazards.yaml: what can hurt somebody, what stops it, and the tests that show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

FILE = Path(__file__).resolve().parents[1] / "hazards.yaml"


@dataclass(frozen=True)
class Hazard:
    """One entry; ``missing`` says what an open hazard lacks."""

    id: str
    title: str
    control: str
    pass_mark: str
    status: Literal["built", "open"]
    where: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str = ""

    def __post_init__(self) -> None:
        if self.status not in ("built", "open") or (self.status == "open") != bool(self.missing):
            raise ValueError(f"{self.id} is either built, or open with a line of what is missing")


def load_hazards(path: Path = FILE) -> list[Hazard]:
    """All hazards, by number."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    hazards = []
    for name, fields in entries.items():
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        hazards.append(Hazard(id=name, **values))
    return sorted(hazards, key=lambda hazard: number(hazard.id))


def number(hazard: str) -> int:
    """7 of H7."""
    return int(hazard.removeprefix("H"))
