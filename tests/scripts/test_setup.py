"""Set-up: nothing to do the second time, something to do after a change, one sentence where it cannot go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def project(repo_root: Path, tmp_path: Path) -> Path:
    """A copy of the scripts in a folder with a space in its name, and an environment that counts as set up."""
    folder = tmp_path / "a project"
    shutil.copytree(repo_root / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(repo_root / name, folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    code = "import setup; setup._mark_current(setup.VENV)"
    subprocess.run([sys.executable, "-c", code], cwd=folder / "scripts", check=True)
    return folder


@pytest.fixture
def empty_path(tmp_path: Path) -> Iterator[Path]:
    """A PATH with a shell and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    yield folder


def test_a_second_set_up_finds_nothing_to_do(project: Path) -> None:
    assert _is_current(project)


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_is_seen(project: Path, name: str) -> None:
    with (project / name).open("a", encoding="utf-8") as file:
        file.write("# another line\n")
    assert not _is_current(project)


def test_nnunet_has_requirements_of_its_own(project: Path) -> None:
    code = "import setup; setup._mark_current(setup.VENV, setup.NNUNET_INPUTS); print({0})"
    current = "setup._is_current(setup.VENV, setup.NNUNET_INPUTS), setup._is_current(setup.VENV)"
    requirements = project / "tests" / "peers" / "requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("nnunetv2==2.8.1\n")
    command = [sys.executable, "-c", code.format(current)]
    result = subprocess.run(command, cwd=project / "scripts", capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "True False"
    requirements.write_text("nnunetv2==2.9.0\n")
    command = [sys.executable, "-c", f"import setup; print({current})"]
    result = subprocess.run(command, cwd=project / "scripts", capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False False"


def test_an_environment_whose_project_was_moved_is_not_current(project: Path) -> None:
    moved = project.rename(project.with_name("moved project"))
    assert not _is_current(moved)


def test_an_environment_whose_python_is_gone_is_not_current(project: Path) -> None:
    for link in (project / ".venv" / "bin").glob("python*"):
        link.unlink()
    assert not _is_current(project)


@pytest.mark.parametrize("step", ["venv", "pyqt6"])
def test_an_environment_that_is_a_link_is_refused_and_what_it_points_to_is_left_as_it_was(
    project: Path, tmp_path: Path, step: str
) -> None:
    other = (project / ".venv").rename(tmp_path / "environment of another checkout")
    (project / ".venv").symlink_to(other)
    (project / "constraints.txt").write_text("# another one\n")
    before = sorted(other.rglob("*"))
    program = [sys.executable, str(project / "scripts" / "setup.py"), step]
    result = subprocess.run(program, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "error: .venv is a link and not up to date; remove the link" in result.stderr
    assert sorted(other.rglob("*")) == before


def test_without_a_new_enough_python_one_sentence_says_so(repo_root: Path, empty_path: Path) -> None:
    (empty_path / "python3").write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" || exit 1\n')
    (empty_path / "python3").chmod(0o755)
    result = _setup(repo_root, empty_path)
    assert result.returncode == 1
    assert result.stderr.startswith(
        "error: napari-lesionseg needs Python 3.11 or newer and this machine has Python 3.9.2;"
    )
    assert result.stderr.count("\n") == 1


def test_missing_packages_are_named_where_apt_may_not_be_used(repo_root: Path, empty_path: Path) -> None:
    (empty_path / "python3").symlink_to(sys.executable)
    code = "import system_packages as s; s.install(['libxcb-cursor0', 'xvfb'])"
    environment = os.environ | {"PATH": str(empty_path)}
    scripts = repo_root / "scripts"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=scripts, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr == (
        "error: these system packages are missing: libxcb-cursor0 xvfb; install them (Debian, Ubuntu: "
        "sudo apt install libxcb-cursor0 xvfb) and start again.\n"
    )


def _is_current(project: Path) -> bool:
    code = "import setup; print(setup._is_current(setup.VENV))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=project / "scripts", capture_output=True, text=True, check=True
    )
    return result.stdout.strip() == "True"


def _setup(repo_root: Path, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path)}
    command = [str(path / "sh"), str(repo_root / "scripts" / "setup.sh"), "venv"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
