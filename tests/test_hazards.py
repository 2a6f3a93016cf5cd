"""hazards.yaml is true: each control is where it says and has tests that say so, and each such test has its hazard."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

ALL = [f"H{number}" for number in range(1, 29)]


@pytest.fixture(scope="module")
def hazards_list(repo_root: Path) -> ModuleType:
    """scripts/hazards_list.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("hazards_list", repo_root / "scripts" / "hazards_list.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hazards_list"] = module
    spec.loader.exec_module(module)
    return module


def marked_tests(root: Path) -> dict[str, set[str]]:
    """The hazards of each marked test, as ``file::name``; a mark without one gives ``""``."""
    marked: dict[str, set[str]] = defaultdict(set)
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        whole = [node.value for node in tree.body if isinstance(node, ast.Assign) and _names(node) == ["pytestmark"]]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                found = {hazard for mark in [*whole, *node.decorator_list] for hazard in _hazards_of(mark)}
                if found:
                    marked[f"{path.relative_to(root).as_posix()}::{node.name}"] |= found
    return marked


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _hazards_of(mark: ast.expr) -> list[str]:
    """Hazards that a mark, or a list of them, names."""
    if isinstance(mark, ast.List | ast.Tuple):
        return [hazard for one in mark.elts for hazard in _hazards_of(one)]
    call = mark if isinstance(mark, ast.Call) else None
    if ast.unparse(call.func if call else mark) != "pytest.mark.hazard":
        return []
    given = call.args[0] if call and call.args else None
    return [given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""]


def test_every_hazard_is_listed_once_and_in_order(hazards_list: ModuleType, repo_root: Path) -> None:
    assert [hazard.id for hazard in hazards_list.load_hazards()] == ALL
    lines = (repo_root / "hazards.yaml").read_text(encoding="utf-8").splitlines()
    assert [line.rstrip(":") for line in lines if line.startswith("H")] == ALL  # YAML keeps the last of two keys


def test_every_marked_test_says_which_hazard_and_the_list_knows_it(repo_root: Path) -> None:
    strange = {test: hazards for test, hazards in marked_tests(repo_root).items() if hazards - set(ALL)}
    assert strange == {}


def test_a_built_hazard_has_a_control_and_tests_and_an_open_one_says_what_it_lacks(hazards_list: ModuleType) -> None:
    for hazard in hazards_list.load_hazards():
        assert hazard.title and hazard.control and hazard.pass_mark, hazard.id
        if hazard.status == "built":
            assert hazard.where and hazard.tests, hazard.id
        else:
            assert hazard.missing, hazard.id


def test_the_tests_that_are_listed_exist_and_are_marked(hazards_list: ModuleType, repo_root: Path) -> None:
    marked = marked_tests(repo_root)
    wrong = [
        f"{hazard.id}: {test}"
        for hazard in hazards_list.load_hazards()
        for test in hazard.tests
        if hazard.id not in marked.get(test, ())
    ]
    assert wrong == []


def test_a_hazard_with_marked_tests_lists_some_of_them(hazards_list: ModuleType, repo_root: Path) -> None:
    """The other way round: a test that guards against a hazard is not forgotten in the list."""
    guarded = set().union(*marked_tests(repo_root).values())
    assert guarded - {hazard.id for hazard in hazards_list.load_hazards() if hazard.tests} == set()


def test_the_controls_are_where_the_list_says(hazards_list: ModuleType) -> None:
    missing = [
        f"{hazard.id}: {module}"
        for hazard in hazards_list.load_hazards()
        for module in hazard.where
        if importlib.util.find_spec(module) is None
    ]
    assert missing == []


def test_the_hazards_of_formats_and_models_are_built(hazards_list: ModuleType) -> None:
    built = {hazard.id for hazard in hazards_list.load_hazards() if hazard.status == "built"}
    assert {f"H{number}" for number in range(9, 21)} - built == set()


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "built", "missing": "something"},
        {"status": "open"},
        {"status": "nearly"},
    ],
)
def test_a_hazard_is_built_or_says_what_is_missing(hazards_list: ModuleType, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="H1 is either built, or open"):
        hazards_list.Hazard(id="H1", title="t", control="c", pass_mark="p", **fields)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pytest\n@pytest.mark.hazard('H7')\ndef test_a(): ...\n", {"H7"}),
        ("import pytest\n@pytest.mark.hazard('H7')\n@pytest.mark.hazard('H8')\ndef test_a(): ...\n", {"H7", "H8"}),
        ("import pytest\npytestmark = [pytest.mark.slow, pytest.mark.hazard('H9')]\ndef test_a(): ...\n", {"H9"}),
        ("import pytest\npytestmark = pytest.mark.hazard('H9')\ndef test_a(): ...\n", {"H9"}),
        ("import pytest\n@pytest.mark.hazard\ndef test_a(): ...\n", {""}),
        ("import pytest\n@pytest.mark.hazard('H7')\ndef helper(): ...\n", None),
        ("def test_a(): ...\n", None),
    ],
)
def test_marks_are_seen(tmp_path: Path, source: str, found: set[str] | None) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(source)
    assert marked_tests(tmp_path) == ({} if found is None else {"tests/test_x.py::test_a": found})
