"""Nothing is sent anywhere: the workflow passes where there is no network, and never asks for one."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).with_name("offline_workflow.py")
WITHOUT_NETWORK = ["unshare", "--map-root-user", "--net"]
NETWORK = {"aiohttp", "asyncio", "ftplib", "http", "httpx", "pooch", "requests", "smtplib", "socket", "socketserver"}
NETWORK |= {"ssl", "telnetlib", "urllib", "urllib3", "webbrowser", "websockets", "xmlrpc"}
LOCKS_ITSELF_UP = "src/napari_lesionseg/models/convert_cage.py"  # Makes a socket to see that it cannot.


@cache
def _reason() -> str:
    """Why no process can be run without network here, if so."""
    if shutil.which("unshare") is None:
        return "this system has no unshare"
    done = subprocess.run([*WITHOUT_NETWORK, "true"], capture_output=True, text=True, check=False)
    return f"this system gives no namespace without network: {done.stderr.strip()}" if done.returncode else ""


@pytest.fixture
def offline() -> list[str]:
    if _reason():
        pytest.skip(_reason())
    return [*WITHOUT_NETWORK, sys.executable]


@pytest.mark.hazard("H21")
@pytest.mark.timeout(900)
def test_the_workflow_passes_without_a_network_and_asks_for_none(
    offline: list[str],
    tmp_path: Path,
    repo_root: Path,
    hazard_count: Callable[[int, int], int],
    hazard_figure: Callable[[str, str, bool], None],
) -> None:
    done = subprocess.run([*offline, WORKFLOW, tmp_path], capture_output=True, text=True, check=False, timeout=600)
    told = json.loads(done.stdout or '{"commands": 0, "tried": []}')
    figure = f"{told['commands']} commands without a network: {len(told['tried'])} asked for one"
    window = None
    if hazard_count(0, 1):  # The window, too: the whole demo, driven through its controls.
        command = [repo_root / "scripts" / "headless.py", sys.executable, "-m", "napari_lesionseg.demo"]
        environment = os.environ | {"HEADLESS": "1"}
        window = subprocess.run(
            [*offline, *command, "--headless", tmp_path / "demo"], env=environment, capture_output=True, check=False
        )
        figure += f"; make demo without one: {'passed' if window.returncode == 0 else 'failed'}"
    holds = done.returncode == 0 and told["commands"] >= 10 and not told["tried"]
    hazard_figure("H21", figure, holds and (window is None or window.returncode == 0))
    assert done.returncode == 0, done.stderr
    assert (told["commands"], told["tried"]) == (10, [])
    assert window is None or window.returncode == 0, window.stderr.decode()


@pytest.mark.hazard("H21")
def test_what_asks_for_a_network_is_seen_and_gets_none(offline: list[str]) -> None:
    code = (
        "import json, socket, sys; sys.path.insert(0, sys.argv[1]); import offline_workflow\n"
        "tried = []; offline_workflow.note_network(tried)\n"
        "try: socket.create_connection(('192.0.2.1', 80), timeout=2)\n"
        "except OSError as error: print(json.dumps([error.strerror, *tried]))\n"
    )
    done = subprocess.run([*offline, "-c", code, WORKFLOW.parent], capture_output=True, text=True, check=False)
    reason, *tried = json.loads(done.stdout)
    assert reason == "Network is unreachable"
    assert [what.split()[0] for what in tried] == ["socket.getaddrinfo", "socket.connect"]


@pytest.mark.hazard("H21")
def test_no_source_file_knows_the_network(repo_root: Path) -> None:
    files = [path for folder in ("src", "training") for path in (repo_root / folder).rglob("*.py")]
    assert len(files) > 30
    found = {
        path.relative_to(repo_root).as_posix(): names
        for path in files
        if (names := _imported(ast.parse(path.read_text(encoding="utf-8"))) & NETWORK)
    }
    assert found == {LOCKS_ITSELF_UP: {"socket"}}


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names
