"""The rooms of the house: who may import whom, and that the contracts in pyproject.toml can fail."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HEAVY = {"torch", "cv2", "matplotlib"}
HEAVY_ROOMS = (
    "napari_lesionseg/models",
    "napari_lesionseg/inference",
    "napari_lesionseg/volumes/phantom",
    "lesionseg_training",
)
LIGHT_FILES = ("lesionseg_training/config.py", "lesionseg_training/events.py")

PLANTED = {
    "Each room imports only the rooms below it": ("src/napari_lesionseg/volumes", "import napari_lesionseg.review"),
    "Only the widgets know napari and Qt": ("src/napari_lesionseg/review", "import napari"),
    "The widgets reach Qt through qtpy, never through one binding": ("src/napari_lesionseg/widgets", "import PyQt5"),
    "The widgets know of the trainer its config and its events, no more": (
        "src/napari_lesionseg/widgets",
        "import lesionseg_training.data",
    ),
}


def test_each_contract_is_broken_by_the_import_it_forbids(repo_root: Path, tmp_path: Path) -> None:
    for name in ("src", "training"):
        shutil.copytree(repo_root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "bundled"))
    shutil.copy(repo_root / "pyproject.toml", tmp_path)
    for number, (room, line) in enumerate(PLANTED.values()):
        (tmp_path / room / f"planted_{number}.py").write_text(f"{line}\n")

    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environment = os.environ | {
        "PYTHONPATH": f"{tmp_path / 'src'}{os.pathsep}{tmp_path / 'training'}",
        "COLUMNS": "200",
    }
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert result.returncode == 1, result.stdout + result.stderr
    assert set(re.findall(r"^(.+?) BROKEN", result.stdout, re.MULTILINE)) == set(PLANTED), result.stdout


def test_every_module_of_the_plugin_is_in_a_room(repo_root: Path) -> None:
    contracts = tomllib.loads((repo_root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "rooms")
    package = repo_root / "src" / "napari_lesionseg"
    modules = {f"napari_lesionseg.{path.stem}" for path in package.glob("*.py") if path.stem != "__init__"}
    packages = {f"napari_lesionseg.{path.parent.name}" for path in package.glob("*/__init__.py")}
    assert (modules | packages) - set(layers) == set()


def test_heavy_libraries_are_imported_at_the_top_only_by_rooms_that_compute(repo_root: Path) -> None:
    found = []
    for tree in (repo_root / "src", repo_root / "training"):
        for path in tree.rglob("*.py"):
            name = path.relative_to(tree).as_posix()
            may = name.startswith(HEAVY_ROOMS) and name not in LIGHT_FILES
            if not may and (heavy := _imported_at_the_top(path) & HEAVY):
                found.append(f"{name}: {', '.join(sorted(heavy))}")
    assert found == []


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [
        ("napari_lesionseg.widgets.workbench", ["torch", "cv2", "matplotlib"]),
        ("napari_lesionseg.cli", ["napari", "qtpy", "magicgui"]),
        ("napari_lesionseg.review", ["napari", "qtpy", "torch"]),
        ("lesionseg_training.config", ["napari", "qtpy", "torch"]),
        ("lesionseg_training.events", ["napari", "qtpy", "torch"]),
    ],
)
def test_importing_a_room_does_not_load_what_it_needs_only_later(package: str, unwanted: list[str]) -> None:
    code = (
        "import importlib, json, pkgutil, sys\n"
        f"package = importlib.import_module({package!r})\n"
        "for module in pkgutil.walk_packages(getattr(package, '__path__', []), package.__name__ + '.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(result.stdout.splitlines()[-1])) & set(unwanted) == set()


def _imported_at_the_top(path: Path) -> set[str]:
    """First names of what a module imports when it is imported; TYPE_CHECKING blocks do not count."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names
