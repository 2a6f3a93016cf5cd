"""No source file runs what it reads: no pickle, no eval, no unsafe loader, no shell; one `torch.load`, caged."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDERS = ("src", "training", "scripts", "examples", "benchmarks", "docs")
PICKLING_MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "runpy",
    "code",
}
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_CALLS = {
    *(f"builtins.{name}" for name in FORBIDDEN_NAMES),
    *(f"torch.{name}" for name in ("load", "serialization.load", "jit.load", "hub.load", "package.PackageImporter")),
    *(f"yaml.{name}{all_}" for name in ("load", "unsafe_load", "full_load") for all_ in ("", "_all")),
    *(f"os.{name}" for name in ("system", "popen")),
    *(f"subprocess.{name}" for name in ("getoutput", "getstatusoutput")),
    "asyncio.create_subprocess_shell",
    "pandas.read_pickle",
}
FORBIDDEN_ARGUMENTS = {"shell": False, "allow_pickle": False, "weights_only": True}
"""Arguments that may only have this value."""

CAGED = "src/napari_lesionseg/models/convert_child.py"
ALLOWED = {CAGED: "torch.load(io.BytesIO(data), map_location='cpu', weights_only=True)"}
"""The one place where a pickle is opened, and how: in the locked process of `lesionseg models convert`."""


@pytest.mark.hazard("H18")
def test_no_source_file_runs_what_it_reads(repo_root: Path, hazard_figure: Callable[[str, str, bool], None]) -> None:
    files = [path for folder in FOLDERS for path in (repo_root / folder).rglob("*.py")]
    assert len(files) > 30
    found = [
        (path.relative_to(repo_root).as_posix(), line, what)
        for path in files
        for line, what in sins(path.read_text(encoding="utf-8"))
    ]
    caged = [(name, what) for name, _, what in found if ALLOWED.get(name) == what]
    wrong = [sin for sin in found if (sin[0], sin[2]) not in caged]
    lint_clean = not wrong and caged == list(ALLOWED.items())
    hazard_figure(
        "H18", f"{len(files)} source files: {len(wrong)} loaders that run code, 1 caged torch.load", lint_clean
    )
    assert wrong == []
    assert caged == list(ALLOWED.items())  # There, once, and literally so.


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import _pickle as p",
        "import torch\ntorch.load('a.pt')",
        "import torch\ntorch.load('a.pt', weights_only=True)",
        "import torch as t\nt.load('a.pt')",
        "import torch.serialization as s\ns.load('a.pt')",
        "from torch import load",
        "from torch import load as read",
        "from torch import jit\njit.load('a.pt')",
        "import torch\nread = torch.load",
        "import torch\ngetattr(torch, 'load')('a.pt')",
        "eval('1 + 1')",
        "exec('x = 1')",
        "run = exec",
        "import builtins as b\nb.exec('x = 1')",
        "compile('1', '', 'eval')",
        "__import__('os')",
        "import yaml\nyaml.load(text)",
        "import yaml as y\ny.full_load(text)",
        "from yaml import unsafe_load",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import subprocess\nsubprocess.run('ls', shell=words)",
        "import subprocess\nsubprocess.getoutput('ls')",
        "import os\nos.system('ls')",
        "import numpy as np\nnp.load('a.npy', allow_pickle=True)",
        "import pandas as pd\npd.read_pickle('a')",
        "read('a.pt', weights_only=False)",
    ],
)
def test_the_check_sees(source: str) -> None:
    assert len(sins(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "network.eval()",
        "import re\nre.compile('a')",
        "import yaml\nyaml.safe_load(text)",
        "import subprocess\nsubprocess.run(['ls'], shell=False)",
        "from safetensors.torch import load_file\nload_file('model.safetensors')",
        "from safetensors.torch import load\nload(content)",
        "import numpy as np\nnp.load('a.npy', allow_pickle=False)",
        "import json\njson.load(file)",
        "getattr(volume, 'load')",
        "'never call eval(text) or torch.load'",
    ],
)
def test_the_check_lets_pass(source: str) -> None:
    assert sins(source) == []


def sins(source: str) -> list[tuple[int, str]]:
    """Line and name of each forbidden import, name or argument in a Python source."""
    tree = ast.parse(source)
    known = _imported(tree)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [(node.lineno, what) for node in ast.walk(tree) for what in _sins_of(node, known, calls)]


def _imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for, in full."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.split(".")[0]
                known[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom):
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return known


def _sins_of(node: ast.AST, known: dict[str, str], calls: dict[int, ast.Call]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.split(".")[0] in PICKLING_MODULES]
    if isinstance(node, ast.ImportFrom):
        if (node.module or "").split(".")[0] in PICKLING_MODULES:
            return [str(node.module)]
        return [alias.name for alias in node.names if f"{node.module}.{alias.name}" in FORBIDDEN_CALLS]
    if isinstance(node, ast.Name | ast.Attribute):
        name = _full_name(node, known)
        forbidden = name in FORBIDDEN_CALLS and isinstance(node, ast.Attribute) or name in FORBIDDEN_NAMES
        return [ast.unparse(calls.get(id(node), node))] if forbidden else []
    if isinstance(node, ast.Call):
        return _sins_of_arguments(node) + _sins_of_getattr(node, known)
    return []


def _full_name(node: ast.Name | ast.Attribute, known: dict[str, str]) -> str:
    first, _, rest = ast.unparse(node).partition(".")
    return ".".join(filter(None, (known.get(first, first), rest)))


def _sins_of_arguments(node: ast.Call) -> list[str]:
    return [
        f"{argument.arg}={ast.unparse(argument.value)}"
        for argument in node.keywords
        if argument.arg in FORBIDDEN_ARGUMENTS and not _is(argument.value, FORBIDDEN_ARGUMENTS[argument.arg])
    ]


def _sins_of_getattr(node: ast.Call, known: dict[str, str]) -> list[str]:
    if ast.unparse(node.func) != "getattr" or len(node.args) < 2 or not isinstance(node.args[1], ast.Constant):
        return []
    if not isinstance(node.args[0], ast.Name | ast.Attribute):
        return []
    name = f"{_full_name(node.args[0], known)}.{node.args[1].value}"
    return [name] if name in FORBIDDEN_CALLS else []


def _is(value: ast.expr, wanted: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted
