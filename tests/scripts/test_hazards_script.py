"""`make hazards` says of each hazard what its tests came to, and its exit code is right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the script hands a pipe to pytest")

TESTS = """
import pytest

@pytest.mark.hazard("H1")
@pytest.mark.parametrize("case", [1, 2])
def test_sound(case, hazard_figure, hazard_count):
    hazard_figure("H1", f"{hazard_count(10, 1000)} cases|{case}: 0 wrong", True)

@pytest.mark.hazard("H2")
def test_wrong(hazard_figure):
    hazard_figure("H2", "10 cases: 3 wrong", False)
    assert False, "three were wrong"

@pytest.mark.hazard("H3")
def test_wrong_but_not_asserted(hazard_figure):
    hazard_figure("H3", "10 cases: 1 wrong", False)

@pytest.mark.hazard("H4")
def test_not_here():
    pytest.skip("no data")

@pytest.mark.hazard("H5")
@pytest.mark.hazard("H1")
def test_of_two():
    pass

@pytest.fixture
def broken():
    raise OSError("broken")

@pytest.mark.hazard("H6")
def test_set_up(broken):
    pass

@pytest.mark.hazard("H7")
@pytest.mark.slow
def test_slow():
    pass

@pytest.mark.hazard("H8")
def test_open():
    assert False

def test_of_no_hazard():
    assert False
"""


@pytest.fixture
def project(tmp_path: Path, repo_root: Path) -> Path:
    """A project with eight hazards and nine tests."""
    (tmp_path / "scripts").mkdir()
    for path in (repo_root / "scripts").glob("hazards*.py"):
        shutil.copy(path, tmp_path / "scripts")
    (tmp_path / "tests").mkdir()
    shutil.copy(repo_root / "tests" / "conftest.py", tmp_path / "tests")
    (tmp_path / "tests" / "test_all.py").write_text(TESTS)
    marks = "\n".join(f"  {name}" for name in ("hazard", "slow", "gpu", "peers"))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers\nmarkers =\n{marks}\n")
    rows = [
        f"H{number}: {{title: t{number}, control: c, pass_mark: p, status: built, where: [json]}}"
        for number in range(1, 8)
    ]
    rows += ["H8: {title: t8, control: c, pass_mark: p, status: open, missing: all of it}"]
    (tmp_path / "hazards.yaml").write_text("\n".join(rows))
    return tmp_path


def hazards(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project / "scripts" / "hazards.py"), *words]
    # Without the plugins that a window's tests need, which take seconds to import.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p pytest_timeout"}
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_line_for_each_hazard_and_what_failed(project: Path) -> None:
    done = hazards(project)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [tuple(line.split(maxsplit=1)[0:1]) for line in lines] == [(f"H{number}",) for number in range(1, 9)]
    assert [" ".join(line.split()[1:3]) for line in lines[1:4]] == ["falls short"] * 3
    assert lines[0].startswith("H1   holds        t1: 10 cases|1: 0 wrong; 10 cases|2: 0 wrong; 3 tests passed")
    assert "10 cases: 3 wrong (falls short); 0 tests passed; failed: tests/test_all.py::test_wrong" in lines[1]
    assert "10 cases: 1 wrong (falls short); 1 test passed" in lines[2]
    assert "0 tests passed; 1 skipped: no data" in lines[3]  # What did not run shows nothing.
    assert lines[4].startswith("H5   holds        t5: 1 test passed")
    assert "failed: tests/test_all.py::test_set_up" in lines[5]
    assert lines[6].startswith("H7   falls short  t7: 0 tests passed")  # Too slow for the small scale.
    assert "H8   open         t8: failed: tests/test_all.py::test_open; missing: all of it" in lines[7]
    assert "three were wrong" in done.stderr
    assert "test_of_no_hazard" not in done.stdout + done.stderr


def test_json_is_one_object_and_the_full_scale_runs_all(project: Path) -> None:
    done = hazards(project, "--json", "--scale", "full", "--only", "H1,H7,H8")
    told = json.loads(done.stdout)
    assert (done.returncode, told["scale"], told["holds"]) == (0, "full", True)  # An open one breaks no promise.
    assert [(hazard["id"], hazard["result"]) for hazard in told["hazards"]] == [
        ("H1", "holds"),
        ("H7", "holds"),
        ("H8", "open"),
    ]
    assert told["hazards"][0]["figures"][0] == {"figure": "1000 cases|1: 0 wrong", "holds": True}


def test_the_table_is_markdown(project: Path) -> None:
    done = hazards(project, "--markdown", "--only", "H1,H2")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| H1 t1 | holds | 10 cases\\|1: 0 wrong;")


def test_a_listed_test_that_is_gone_and_a_file_that_does_not_import_fall_short(project: Path) -> None:
    listed = (
        (project / "hazards.yaml").read_text().replace("where: [json]}", "where: [json], tests: ['tests/a.py::b']}", 1)
    )
    (project / "hazards.yaml").write_text(listed)
    done = hazards(project, "--only", "H1")
    assert done.returncode == 1
    assert "failed: tests/a.py::b (did not run)" in done.stdout
    (project / "tests" / "test_broken.py").write_text("import nothing_of_this_name")
    done = hazards(project, "--only", "H5")
    assert done.returncode == 1
    assert "nothing_of_this_name" in done.stderr


def test_an_unknown_hazard_is_one_sentence(project: Path) -> None:
    done = hazards(project, "--only", "H1,H99")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: hazards.yaml knows no H99.\n"
