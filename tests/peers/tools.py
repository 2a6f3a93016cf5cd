"""Programs that nobody here wrote: find them, run them, ask for their version; skip the test where they are missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
JS = Path(__file__).parent / "js"
NNUNET_PYTHON = ROOT / ".venv-nnunet" / "bin" / "python"
SECONDS = 120


@dataclass(frozen=True)
class Said:
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """All that was printed, line by line, without empty lines."""
        return [line for line in (self.out + "\n" + self.err).splitlines() if line.strip()]


def run(*command: str | Path, home: Path | None = None, **environment: str) -> Said:
    """Run a program to its end; ``home`` is where it finds its settings."""
    extra = ({"HOME": str(home)} if home else {}) | environment
    result = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | extra,
    )
    return Said(result.returncode, result.stdout, result.stderr)


def program(name: str, package: str) -> str:
    """The path of a program, or skip: ``package`` is the Debian package that brings it."""
    found = shutil.which(name)
    return found if found is not None else _not_here(f"{name} is not installed (Debian: apt install {package})")


def node_module(name: str) -> Path:
    """The folder of an npm package of ours, or skip."""
    program("node", "nodejs npm")
    folder = JS / "node_modules" / name
    return folder if folder.is_dir() else _not_here(f"the npm package {name} is not installed (make peers does it)")


def nnunet_python() -> Path:
    """The interpreter of nnU-Net's own environment, or skip."""
    return NNUNET_PYTHON if NNUNET_PYTHON.exists() else _not_here("nnunetv2 is not installed (make peers does it)")


@cache
def debian_version(package: str) -> str:
    """The version of an installed Debian package; empty on other systems."""
    if shutil.which("dpkg-query") is None:
        return ""
    return run("dpkg-query", "-W", "-f", "${Version}", package).out.strip()


def npm_version(name: str) -> str:
    """The version of an installed npm package."""
    return str(json.loads((JS / "node_modules" / name / "package.json").read_text())["version"])


def _not_here(reason: str) -> NoReturn:
    pytest.skip(reason)
