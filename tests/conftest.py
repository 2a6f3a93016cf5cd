"""What all tests share: isolated settings, one thread, fixed seeds, a small phantom and the real scans."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import shutil
import sys
import tempfile
import uuid
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_lesionseg.volumes.phantom import PhantomCase

ROOT = Path(__file__).resolve().parents[1]

# Set while this file is imported, that is before any test module imports torch, Qt or napari.
_HOME = Path(tempfile.mkdtemp(prefix="lesionseg-tests-"))
_QT_API = os.environ.setdefault("QT_API", "pyqt5" if importlib.util.find_spec("PyQt5") else "pyqt6")
os.environ |= {
    "LESIONSEG_HOME": str(_HOME / "lesionseg"),
    "XDG_CONFIG_HOME": str(_HOME / "config"),
    "XDG_DATA_HOME": str(_HOME / "data"),
    "XDG_STATE_HOME": str(_HOME / "state"),
    "XDG_CACHE_HOME": str(_HOME / "cache"),
    "NAPARI_CONFIG": str(_HOME / "napari" / "settings.yaml"),
    "NAPARI_STRICT_QT": "raise",  # A widget that outlives its test fails the test.
    "PYTEST_QT_API": _QT_API,  # pytest-qt prefers PyQt6 where both are installed; qtpy prefers PyQt5.
    "OMP_NUM_THREADS": "1",  # Sums over several threads differ in the last digit.
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the hazard suites run small (as in CI) or at the size their pass marks are stated for."""
    parser.addoption("--hazard-scale", choices=("ci", "full"), default="ci", help="size of the hazard suites")


@pytest.fixture(scope="session")
def hazard_count(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """Choose how many cases a hazard suite runs: ``hazard_count(ci, full)``."""
    return lambda ci, full: full if pytestconfig.getoption("--hazard-scale") == "full" else ci


@pytest.fixture
def hazard_figure(record_property: Callable[[str, object], None]) -> Callable[[str, str, bool], None]:
    """Report a hazard's figure for `make hazards`: ``hazard_figure("H12", "4,800 masks, 0 moved", holds)``."""

    def report(hazard: str, figure: str, holds: bool) -> None:
        record_property("hazard_figure", f"{hazard}|{'holds' if holds else 'falls short'}|{figure}")

    return report


def pytest_unconfigure() -> None:
    """Remove the settings folder of this run."""
    shutil.rmtree(_HOME, ignore_errors=True)


def pytest_report_header() -> str:
    """Name the Qt binding at the top of each run."""
    return f"qt binding: {_QT_API}"


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """Refuse to start Qt without a display: it would abort the whole run instead of failing one test."""
    no_display = not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if sys.platform == "linux" and no_display and "QT_QPA_PLATFORM" not in os.environ:
        pytest.fail("Qt needs a display; run `make unit`, or put `scripts/headless.py` before the command.")
    return ["lesionseg-tests"]


@pytest.fixture(autouse=True)
def _own_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans that a test opens without a study are journaled to a desk of its own."""
    monkeypatch.setenv("LESIONSEG_DESK", str(_HOME / "desks" / uuid.uuid4().hex))


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    """Seed each test, so that its draws do not depend on the tests before it."""
    random.seed(0)
    np.random.seed(0)
    if torch := sys.modules.get("torch"):  # Not imported for the sake of a seed: that takes a second.
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The folder of pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real scans beside the repository; a test that asks for them is skipped where they are missing."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real scans are expected in {folder}, which does not exist")
    return folder


@pytest.fixture(scope="session")
def phantom_case() -> Iterator[PhantomCase]:
    """A generated scan of 16 × 64 × 64 voxels with lesions and their truth; read-only, since all tests share it."""
    from napari_lesionseg.volumes.phantom import make_case

    case = make_case(seed=1, shape=(16, 64, 64))
    for volume in (case.scan, case.truth, case.lungs):
        volume.array.flags.writeable = False
    yield case


@pytest.fixture(scope="session")
def pdf_text() -> Callable[[bytes], list[str]]:
    """Read what a person reads in a PDF of matplotlib's (Type 42 fonts): every line of text, through its fonts."""
    return _pdf_text


_SHOWN = rb"/(F\d+)\s+[\d.]+\s+Tf|((?:\((?:\\.|[^\\)])*\)|[-\d.\s])*)\]?\s*T[Jj]"


def _pdf_text(data: bytes) -> list[str]:
    objects = {number: body for number, body in re.findall(rb"(\d+) 0 obj\n(.*?)endobj", data, re.S)}
    fonts = {
        name: _to_unicode(_inflated(objects[re.search(rb"/ToUnicode (\d+) 0 R", objects[font])[1]]))
        for body in objects.values()
        for name, font in re.findall(rb"/(F\d+) (\d+) 0 R", body)
    }
    lines, font = [], {}
    for page in (_inflated(objects[number]) for number in re.findall(rb"/Contents (\d+) 0 R", data)):
        for chosen, shown in re.findall(_SHOWN, page, re.S):
            font = fonts[chosen] if chosen else font
            if shown:
                codes = b"".join(re.findall(rb"\(((?:\\.|[^\\)])*)\)", shown, re.S))
                codes = re.sub(
                    rb"\\(.)", lambda m: {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(m[1], m[1]), codes, flags=re.S
                )
                lines.append("".join(font[codes[i : i + 2]] for i in range(0, len(codes), 2)))
    return lines


def _inflated(body: bytes) -> bytes:
    return zlib.decompress(re.search(rb"stream\r?\n(.*)\nendstream", body, re.S)[1])


def _to_unicode(cmap: bytes) -> dict[bytes, str]:
    letters = {}
    for first, row in re.findall(rb"<([0-9a-f]{4})> <[0-9a-f]{4}> \[(.*?)\]", cmap):
        for step, letter in enumerate(re.findall(rb"<([0-9a-f]+)>", row)):
            letters[(int(first, 16) + step).to_bytes(2, "big")] = bytes.fromhex(letter.decode()).decode("utf-16-be")
    return letters
