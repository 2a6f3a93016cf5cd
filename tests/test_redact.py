"""What reaches a log says what happened and where, never what a file or a header says."""

from __future__ import annotations

import ast
import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from napari_lesionseg.redact import LEFT_OUT, private_logs, private_trace

SECRET = "MUELLER^HANS"


@pytest.fixture
def log() -> io.StringIO:
    """What a log file would hold."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)


def test_of_our_own_record_the_sentence_is_kept_and_its_values_are_not(log: io.StringIO) -> None:
    with private_logs():
        logging.getLogger("napari_lesionseg.widgets.x").warning("the child of %s ended", SECRET)
    assert log.getvalue() == "the child of %s ended\n"


def test_of_a_librarys_record_nothing_is_kept(log: io.StringIO) -> None:
    with private_logs():
        logging.getLogger("pydicom").warning(f"odd name {SECRET}")
        logging.getLogger("nibabel.global").error("odd name %s", SECRET)
    assert log.getvalue() == f"{LEFT_OUT}\n{LEFT_OUT}\n"


def test_of_an_error_the_kind_and_the_place_are_kept(log: io.StringIO) -> None:
    with private_logs():
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger("napari_lesionseg").exception("unexpected")
    first, place, kind = log.getvalue().splitlines()
    assert first == "unexpected"
    assert place.split()[0].startswith("test_redact.py:")
    assert kind == f"ValueError: {LEFT_OUT}"


def test_a_warning_of_a_library_is_not_shown() -> None:
    warn = f"import warnings; warnings.simplefilter('always'); warnings.warn('{SECRET}')"  # pytest shows none itself.
    shown = subprocess.run([sys.executable, "-c", warn], capture_output=True, text=True, check=True)
    quiet = f"from napari_lesionseg.redact import private_logs\nwith private_logs():\n    {warn}"
    kept = subprocess.run([sys.executable, "-c", quiet], capture_output=True, text=True, check=True)
    assert (SECRET in shown.stderr, kept.stderr) == (True, "")


def test_an_unexpected_error_ends_a_program_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, private_logs():
        raise KeyError(SECRET)
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert "KeyError" in told
    assert SECRET not in told


def test_afterwards_all_is_as_before(log: io.StringIO) -> None:
    with private_logs():
        pass
    logging.getLogger("pydicom").warning("plain")
    assert log.getvalue() == "plain\n"


def test_whoever_looks_for_a_fault_may_see_all(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESIONSEG_DEBUG", "1")
    with private_logs():
        logging.getLogger("pydicom").warning("plain")
    assert log.getvalue() == "plain\n"


def test_a_trace_names_files_of_the_program_without_their_folders() -> None:
    try:
        raise OSError(SECRET)
    except OSError as error:
        trace = private_trace(error)
    assert "test_redact.py" in trace
    assert str(Path(__file__).parent) not in trace
    assert SECRET not in trace


def test_both_programs_and_all_children_keep_their_logs_private(repo_root: Path) -> None:
    doors = ("src/napari_lesionseg/cli/main.py", "training/lesionseg_training/cli.py")
    for door in (*doors, "src/napari_lesionseg/widgets/child_jobs.py"):
        assert "with private_logs():" in (repo_root / door).read_text()
    code = "import napari_lesionseg.cli.main as m, sys; m.app = lambda: 1 / 0; m.run()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (1, f"ZeroDivisionError: {LEFT_OUT}")


def test_no_log_call_of_ours_fills_values_into_its_sentence(repo_root: Path) -> None:
    calls = [
        (path.name, node.lineno, node.args[0])
        for folder in ("src", "training")
        for path in (repo_root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith(("_LOG.", "logging.warning", "logging.error"))
    ]
    assert calls
    assert [call[:2] for call in calls if not isinstance(call[2], ast.Constant)] == []
