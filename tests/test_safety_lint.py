"""No source file runs what it reads: no pickle, no eval, no unsafe loader, no shell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDERS = ("src", "training", "scripts", "examples", "benchmarks")
PICKLING_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_NAMES = {"eval", "exec"}
FORBIDDEN_CALLS = {"torch.load", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen"}
FORBIDDEN_ARGUMENTS = {"shell", "allow_pickle"}


def test_no_source_file_runs_what_it_reads(repo_root: Path) -> None:
    files = [path for folder in FOLDERS for path in (repo_root / folder).rglob("*.py")]
    assert len(files) > 30
    found = [
        f"{path.relative_to(repo_root)}:{line}: {what}"
        for path in files
        for line, what in sins(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('a.pt', weights_only=True)",
        "from torch import load",
        "from torch import load as read",
        "eval('1 + 1')",
        "exec('x = 1')",
        "import yaml\nyaml.load(text)",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import os\nos.system('ls')",
        "import numpy as np\nnp.load('a.npy', allow_pickle=True)",
    ],
)
def test_the_check_sees(source: str) -> None:
    assert len(sins(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "network.eval()",
        "import yaml\nyaml.safe_load(text)",
        "import subprocess\nsubprocess.run(['ls'], shell=False)",
        "from safetensors.torch import load_file\nload_file('model.safetensors')",
        "'never call eval(text) or torch.load'",
    ],
)
def test_the_check_lets_pass(source: str) -> None:
    assert sins(source) == []


def sins(source: str) -> list[tuple[int, str]]:
    """Line and name of each forbidden import or call in a Python source."""
    return [(node.lineno, what) for node in ast.walk(ast.parse(source)) for what in _sins_of(node)]


def _sins_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.split(".")[0] in PICKLING_MODULES]
    if isinstance(node, ast.ImportFrom):
        if (node.module or "").split(".")[0] in PICKLING_MODULES:
            return [str(node.module)]
        return [alias.name for alias in node.names if f"{node.module}.{alias.name}" in FORBIDDEN_CALLS]
    if isinstance(node, ast.Call):
        return _sins_of_call(node)
    return []


def _sins_of_call(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    called = [name] if name in FORBIDDEN_CALLS | FORBIDDEN_NAMES else []
    given = [
        f"{argument.arg}={ast.unparse(argument.value)}"
        for argument in node.keywords
        if argument.arg in FORBIDDEN_ARGUMENTS and not _is_false(argument.value)
    ]
    return called + given


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False
