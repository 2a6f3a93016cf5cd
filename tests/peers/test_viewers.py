"""MRIcron and NiiVue show our mask on our scan: the right way round, by the pixels of their pictures."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageGrab

from napari_lesionseg.volumes import Mask
from napari_lesionseg.volumes.nifti import write_mask, write_scan
from tests.peers.cases import MARK, PeerCase
from tests.peers.conftest import Judge
from tests.peers.look import WINDOW_HU, Fit, best_fit
from tests.peers.tools import JS, debian_version, node_module, npm_version, program, run

pytestmark = pytest.mark.peers
RADIOLOGICAL = "[BOOL]\nLRmirror=1\nXBar=0\nOverlaySmooth=0\nSmooth2D=0\nShowDraw=0\nSingleRow=1\n"
SECONDS = 40


@dataclass(frozen=True)
class Shown:
    """What the viewers get: a scan, a mask of one lesion; and the axial slice (row, column) at 0, 0, 0 mm."""

    scan: Path
    mask: Path
    hu: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="module")
def shown(straight: PeerCase, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("shown")
    lesion = Mask((straight.mask.array == 1).astype(np.uint8), straight.mask.geometry)
    result = Shown(
        folder / "scan.nii.gz", folder / "mask.nii.gz", straight.series.hu[MARK[0]], straight.labels[MARK[0]] == 1
    )
    write_scan(result.scan, straight.scan)
    write_mask(result.mask, lesion)
    return result


def test_mricron_shows_the_mask_on_its_lesion(
    judge: Judge, version: Callable[[str], None], shown: Shown, pictures: Path, tmp_path: Path
) -> None:
    verdict = judge("MRIcron", "NIfTI mask on NIfTI scan, by its picture")
    viewer = program("mricron", "mricron")
    program("Xvfb", "xvfb")
    if "DISPLAY" not in os.environ:
        pytest.skip("MRIcron needs a display (make peers gives it one)")
    version(debian_version("mricron"))
    settings = tmp_path / ".mricron" / "mricron.ini"
    settings.parent.mkdir()
    settings.write_text(RADIOLOGICAL)
    low, high = (str(int(value)) for value in WINDOW_HU)
    picture = pictures / "mricron.png"
    _photograph(
        [viewer, shown.scan.name, "-l", low, "-h", high, "-o", shown.mask.name], shown.scan.parent, tmp_path, picture
    )
    _decide(verdict, best_fit(picture, shown.hu, shown.labels))


def test_niivue_shows_the_mask_on_its_lesion(
    judge: Judge, version: Callable[[str], None], shown: Shown, pictures: Path
) -> None:
    verdict = judge("NiiVue in headless Chromium", "NIfTI mask on NIfTI scan, by its picture")
    browser = program("chromium", "chromium")
    node_module("@niivue/niivue")
    node_module("puppeteer-core")
    picture = pictures / "niivue.png"
    said = run("node", JS / "show_niivue.mjs", browser, shown.scan, shown.mask, picture)
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    version(f"{npm_version('@niivue/niivue')}, {facts['browser']}")
    assert facts["complaints"] == []
    _decide(verdict, best_fit(picture, shown.hu, shown.labels))


def _decide(verdict: Callable[[str, bool], None], fit: Fit) -> None:
    verdict(
        f"{fit.way}; mask on its lesion with Dice {fit.dice:.3f}, grey levels correlate by {fit.grey:.3f}",
        fit.way == "upright" and fit.dice >= 0.98 and fit.grey >= 0.98,
    )


def _photograph(command: list[str], folder: Path, home: Path, picture: Path) -> None:
    """Run a program on the screen until its picture stands still and has red in it, and keep what is not black."""
    process = subprocess.Popen(command, cwd=folder, env=os.environ | {"HOME": str(home)}, stdin=subprocess.DEVNULL)
    try:
        last, deadline = None, time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.5)
            assert process.poll() is None, f"{command[0]} ended by itself with {process.returncode}"
            now = ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).convert("RGB")
            if last is not None and now.tobytes() == last.tobytes() and _has_red(now):
                break
            last = now
        now.crop(now.getbbox()).save(picture, optimize=True)
    finally:
        process.terminate()
        process.wait()


def _has_red(image: Image.Image) -> bool:
    pixels = np.asarray(image).astype(np.int16)
    return int(np.count_nonzero(pixels[..., 0] - pixels[..., 1] > 80)) > 500
