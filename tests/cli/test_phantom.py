from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from napari_lesionseg.cli.phantom import phantom
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.volumes import nifti


def _run(*words: str | Path) -> Result:
    app = typer.Typer()
    app.command()(phantom)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_makes_a_study_of_the_asked_size_and_keeps_the_bar_off_stdout(tmp_path: Path) -> None:
    result = _run(tmp_path / "s", "--patients", "2", "--unlabelled", "1", "--shape", "16,64,64", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [f"Made 2 patients with and 1 without a truth in {tmp_path / 's'}."]
    study = Study.open(tmp_path / "s")
    assert study.seed == 3
    assert study.role_counts() == {"phantom-0001": {"truth": 1}, "phantom-0002": {"truth": 1}}
    assert [nifti.read_scan(case.scan).array.shape for case in study.cases()] == [(16, 64, 64)] * 3


@pytest.mark.parametrize("shape", ["64", "64,256", "a,b,c", "16,64,64,1"])
def test_a_shape_that_is_not_three_numbers_is_one_sentence(tmp_path: Path, shape: str) -> None:
    result = _run(tmp_path / "s", "--patients", "1", "--shape", shape)
    assert isinstance(result.exception, LesionsegError)
    assert "write it as 64,256,256" in str(result.exception)
    assert not (tmp_path / "s").exists()
