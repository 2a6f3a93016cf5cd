"""Draw docs/images/correct-panel.png and correct-tools.png: the tools of the Correct panel at work on a phantom.

Run from the project's root:
``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python docs/make_correct_pictures.py``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from napari_lesionseg.volumes import Mask
from napari_lesionseg.volumes.phantom import make_case
from napari_lesionseg.widgets.hands import MOVE_MS, Hands, pause

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SHAPE = (40, 256, 256)
SEED = 4
SIZE = (1280, 800)
TILE = 400
BRUSH = 40
COLOURS = 128


class Studio:
    """A window on a phantom, and the places in it that tools are shown at."""

    def __init__(self) -> None:
        from napari_lesionseg.widgets.launch import make_window

        self.case = make_case(SEED, SHAPE)
        self.viewer, self.bench = make_window()
        self.viewer.window.resize(*SIZE)
        session = self.bench.session
        session.open_scan(self.case.scan)
        near = ndimage.gaussian_filter((self.case.truth.array > 0).astype(np.float32), (1, 3, 3))
        session.set_prediction(np.clip(near * 255, 0, 255).astype(np.uint8), "phantom", 0.5)
        session.load_mask(Mask.empty(self.case.scan.geometry))
        self.hands = Hands(self.viewer, self.bench, None)
        self.z, self.piece = self._largest()
        session.set_slice(self.z)
        pause(800)
        self._zoom()

    def _largest(self) -> tuple[int, Any]:
        """The slice with the largest piece of lesion, and that piece (y, x)."""
        found = []
        for z, labels in enumerate(self.case.truth.array):
            pieces, count = ndimage.label(labels)
            sizes = ndimage.sum_labels(labels > 0, pieces, range(1, count + 1))
            found += [(size, z, number + 1) for number, size in enumerate(np.atleast_1d(sizes))] if count else []
        _, z, number = max(found)
        return z, ndimage.label(self.case.truth.array[z])[0] == number

    @property
    def middle(self) -> tuple[float, float]:
        """The voxel (y, x) of the piece that is farthest from its edge."""
        inside = ndimage.distance_transform_edt(self.piece)
        y, x = np.unravel_index(int(inside.argmax()), inside.shape)
        return float(y), float(x)

    def _zoom(self) -> None:
        _, dy, dx = self.case.scan.geometry.spacing
        camera = self.viewer.scene.camera
        y, x = ndimage.center_of_mass(self.piece)
        camera.center = (0, y * dy, x * dx)
        camera.zoom = 0.35 * SIZE[1] / (np.ptp(np.argwhere(self.piece), axis=0).max() * dy)
        pause(300)

    def outline(self, margin: float) -> list[tuple[float, float]]:
        """Points (y, x) in mm around the piece."""
        _, dy, dx = self.case.scan.geometry.spacing
        y, x = ndimage.center_of_mass(self.piece)
        reach = np.ptp(np.argwhere(self.piece), axis=0) / 2 + margin
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        return [((y + reach[0] * np.sin(a)) * dy, (x + reach[1] * np.cos(a)) * dx) for a in turns]

    def mm(self, voxel: tuple[float, float]) -> tuple[float, float]:
        """Where a voxel (y, x) is, in mm."""
        _, dy, dx = self.case.scan.geometry.spacing
        return voxel[0] * dy, voxel[1] * dx

    def canvas(self) -> Image.Image:
        """The middle of the canvas."""
        pause(300)
        picture = Image.fromarray(self.viewer.screenshot(canvas_only=True, flash=False)).convert("RGB")
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        return picture.crop((left, top, left + side, top + side)).resize((TILE, TILE))

    def clear(self) -> None:
        """Empty the slice."""
        empty = np.zeros(SHAPE[1:], np.uint8)
        self.bench.session.write_slices(dict.fromkeys(range(SHAPE[0]), empty), "clear")

    def shot(self, tool: str, points: list[tuple[float, float]], *, held: bool = False) -> Image.Image:
        """Use a tool on an empty mask, and look at what it made, or at what is seen while the mouse is held."""
        self.clear()
        self.hands.press(f"tool_{tool}")
        self.bench.correct.brush.setValue(BRUSH)
        pause(100)
        seen = [self.canvas() for number, _ in enumerate(self.steps(points)) if held and number == len(points) - 1]
        return seen[0] if held else self.canvas()

    def steps(self, points: list[tuple[float, float]]) -> Iterator[None]:
        """Lead the mouse over these points."""
        for _ in self.hands.pen.steps(points):
            pause(MOVE_MS)
            yield


def tiles(studio: Studio) -> dict[str, Image.Image]:
    """A picture of each tool, by what is to be read under it."""
    around, middle = studio.outline(6), [studio.mm(studio.middle)]
    through = [around[12], *middle, around[0]]
    box = [tuple(np.min(around, axis=0)), tuple(np.max(around, axis=0))]
    return {
        "Paint: one stroke of a wide brush": studio.shot("paint", through),
        "Lasso +: while it is drawn": studio.shot("lasso_add", around, held=True),
        "Seeds: one click": studio.shot("grow", middle),
        "Box: denser than the lung around it": studio.shot("box", box),
        "Trace: a click on the edge": studio.shot("trace", [studio.mm(edge(studio))]),
        "Accept: a click where the model suspects": studio.shot("accept", middle),
    }


def edge(studio: Studio) -> tuple[float, float]:
    """A voxel of the piece just inside its edge, to the right of its middle."""
    y, x = studio.middle
    row = studio.piece[int(y)]
    while row[int(x) + 1]:
        x += 1
    return y, x - 2


def sheet(pictures: dict[str, Image.Image]) -> Image.Image:
    """Put the pictures on one sheet, three in a row, each over its text."""
    font = ImageFont.load_default(18)
    whole = Image.new("RGB", (3 * TILE, 2 * (TILE + 30)), "white")
    draw = ImageDraw.Draw(whole)
    for number, (text, picture) in enumerate(pictures.items()):
        left, top = number % 3 * TILE, number // 3 * (TILE + 30)
        whole.paste(picture, (left, top))
        draw.text((left + 6, top + TILE + 4), text, "black", font)
    return whole


def main() -> None:
    """Open the phantom, use the tools, and save what is seen."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LESIONSEG_HOME"] = str(Path(scratch) / "home")
        studio = Studio()
        sheet(tiles(studio)).quantize(COLOURS).save(IMAGES / "correct-tools.png", optimize=True)
        for title, section in studio.bench.sections.items():
            section.set_open(title == "Correct")
        studio.hands.press("tool_paint")
        pause(500)
        studio.bench.sections["Correct"].grab().save(str(Path(scratch) / "panel.png"))
        Image.open(Path(scratch) / "panel.png").convert("RGB").quantize(COLOURS).save(
            IMAGES / "correct-panel.png", optimize=True
        )
        studio.bench.context.close()
        studio.viewer.close()


if __name__ == "__main__":
    main()
