"""The parts of a report, from the top of the page to its foot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_lesionseg import __version__
from napari_lesionseg.review.lesion_table import LesionRow
from napari_lesionseg.review.report_details import Details
from napari_lesionseg.review.report_figures import ReportFigures, chosen_slices
from napari_lesionseg.review.report_page import GREY, LEFT, LINE, RIGHT, Page, ml, short
from napari_lesionseg.review.report_pictures import Pictures, window_of
from napari_lesionseg.volumes.export.segments import Segment
from napari_lesionseg.volumes.volume import Volume

AMBER = (255, 243, 214)
MOST_ROWS = 10


def draw_header(page: Page, scan: Volume, pseudonym: str, details: Details) -> None:
    """Say what this is and of which scan."""
    page.text(LEFT, 20, "Lesion report", fontsize=16, fontweight="bold")
    page.text(RIGHT, 20, short(pseudonym, 40), fontsize=12, fontweight="bold", ha="right")
    z, y, x = scan.array.shape
    dz, dy, dx = scan.geometry.spacing
    units = "Hounsfield units" if scan.intensity == "HU" else "grey levels"
    grid = f"Chest CT, {z} slices of {y} × {x} voxels, {dz:.3g} × {dy:.3g} × {dx:.3g} mm (z, y, x), {units}"
    page.text(LEFT, 26, grid, color=GREY)
    told = {"Model": details.model, "Reviewer": details.reviewer}
    who = "    ".join(f"{key}: {short(value, 40)}" for key, value in told.items() if value)
    page.text(LEFT, 30.5, who or "Model and reviewer not stated", color=GREY)
    page.line(33.5)
    page.y = 36.5


def draw_tiles(page: Page, figures: ReportFigures) -> None:
    """Tell the figures of the whole scan, and what a reader must know of it."""
    for note in figures.notes:
        page.box(LEFT, page.y, RIGHT - LEFT, 5.5, AMBER)
        page.text(LEFT + 2, page.y + 3.8, note, fontsize=7.5)
        page.y += 6.5
    small = len(figures.rows) - figures.lesions
    share = "not known" if figures.percent is None else f"{figures.percent:.1f} %"
    lungs = "" if figures.lung_ml is None else f"of {figures.lung_ml:.0f} ml"
    sides = "not known"
    if figures.right_ml is not None and figures.left_ml is not None:
        digits = 1 if max(figures.right_ml, figures.left_ml) >= 10 else 2
        sides = f"{figures.right_ml:.{digits}f} | {figures.left_ml:.{digits}f}"
    tiles = (
        ("Lesion volume", f"{ml(figures.total_ml)} ml", ""),
        ("Share of the lungs", share, lungs),
        ("Lesions", f"{figures.lesions}", f"and {small} below 0.1 ml" if small else "from 0.1 ml"),
        ("Right | left lung", sides, "ml" if sides != "not known" else ""),
    )
    width = (RIGHT - LEFT) / len(tiles)
    for index, (title, value, note) in enumerate(tiles):
        x = LEFT + index * width
        page.text(x, page.y + 3.5, title, color=GREY, fontsize=7.5)
        page.text(x, page.y + 10, value, fontsize=13, fontweight="bold")
        page.text(x, page.y + 14, note, color=GREY, fontsize=7.5)
    page.y += 18


def draw_pictures(page: Page, figures: ReportFigures, pictures: Pictures) -> list[int]:
    """Show the chosen slices, three in a row; return them (display z, from 0)."""
    slices, gap = chosen_slices(figures), 3.0
    width = (RIGHT - LEFT - 2 * gap) / 3
    height = 50.0
    for index, z in enumerate(slices):
        x, y = LEFT + index % 3 * (width + gap), page.y + index // 3 * (height + 6.5)
        page.text(x, y + 3, f"Slice {z + 1} / {len(figures.area_cm2)}", fontsize=7.5, fontweight="bold")
        page.text(x + width, y + 3, _lesions_at(figures.rows, z), fontsize=7, color=GREY, ha="right")
        pictures.draw(page.axes(x, y + 4.5, width, height), z)
    page.y += -(-len(slices) // 3) * (height + 6.5)
    return slices


def _lesions_at(rows: list[LesionRow], z: int) -> str:
    """The lesions in slice ``z``: being connected, one reaches every slice from its first to its last."""
    here = [row.number for row in rows if row.slices[0] - 1 <= z <= row.slices[1] - 1]
    if not here:
        return "no lesion"
    more = f" + {len(here) - 3}" if len(here) > 4 else ""
    shown = here[: 3 if more else 4]
    return f"lesion{'s' if len(here) > 1 else ''} {', '.join(map(str, shown))}{more}"


def draw_strip(page: Page, figures: ReportFigures, slices: list[int]) -> None:
    """Draw the lesion of each slice as bars."""
    depth = len(figures.area_cm2)
    page.text(LEFT, page.y + 4, "Lesion of each slice, cm²", fontsize=7.5, fontweight="bold")
    page.text(RIGHT, page.y + 4, "inferior → superior; ▲ pictures above", fontsize=7, color=GREY, ha="right")
    axes = page.axes(LEFT + 7, page.y + 6, RIGHT - LEFT - 7, 18)
    numbers = np.arange(1, depth + 1)
    axes.bar(numbers, figures.area_cm2, width=1.0, color="#0072B2", linewidth=0)
    top = max(float(figures.area_cm2.max()), 0.1)
    axes.set(xlim=(0.5, depth + 0.5), ylim=(0, 1.12 * top))
    marks = [z + 1 for z in slices]
    axes.plot(marks, [0] * len(marks), "^", color="#D55E00", markersize=4, clip_on=False, zorder=5)
    axes.tick_params(labelsize=6.5, length=2, pad=3, colors=GREY)
    axes.locator_params(axis="y", nbins=4)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(LINE)
    page.y += 31


def draw_table(page: Page, figures: ReportFigures, has_hu: bool) -> None:
    """List the largest lesions."""
    shown = figures.rows[:MOST_ROWS]
    page.text(LEFT, page.y + 3, "Largest lesions", fontsize=8.5, fontweight="bold")
    page.y += 8
    if not shown:
        page.text(LEFT, page.y, "No lesion is marked.")
        return
    # Where each column ends; numbers are set flush right.
    columns = (("no.", 6), ("ml", 20), ("side", 31), ("zone", 45), ("slices", 63), ("centre R, A, S (mm)", 95))
    density = (("HU mean ± sd", 120), ("10 % to 90 %", 149), ("lowest to highest", 178)) if has_hu else ()
    for name, place in columns + density:
        page.text(LEFT + place, page.y, name, ha="right", color=GREY, fontsize=7)
    page.line(page.y + 1.5)
    for row in shown:
        page.y += 4.6
        for (_, place), cell in zip(columns + density, _cells(row), strict=True):
            page.text(LEFT + place, page.y, cell.replace("-", "−"), ha="right", fontsize=7.5)
    rest = figures.rows[MOST_ROWS:]
    if rest:
        total = sum(row.volume_ml for row in rest)
        page.text(LEFT, page.y + 4.6, f"and {len(rest)} smaller, {ml(total)} ml together", color=GREY, fontsize=7.5)


def _cells(row: LesionRow) -> list[str]:
    centre = ", ".join(f"{place:.0f}" for place in row.centroid_ras)
    where = [row.side or "–", row.zone or "–", f"{row.slices[0]}–{row.slices[1]}", centre]
    hu = row.density
    if hu is None:
        return [str(row.number), ml(row.volume_ml), *where]
    spread = [f"{hu.mean:.0f} ± {hu.sd:.0f}", f"{hu.p10:.0f} to {hu.p90:.0f}", f"{hu.low:.0f} to {hu.high:.0f}"]
    return [str(row.number), ml(row.volume_ml), *where, *spread]


def draw_footer(page: Page, scan: Volume, segments: Sequence[Segment]) -> None:
    """Name the labels, the window, the purpose and the program."""
    window = window_of(scan)
    if len(segments) > 1:
        for index, segment in enumerate(segments[:6]):
            x = LEFT + 30 * index
            page.box(x, 276.2, 3, 2.2, segment.colour)
            page.text(x + 4, 278.2, short(segment.name, 20), fontsize=7)
    page.line(280.5)
    level = f"Pictures: level {window.level:g}, width {window.width:g}".replace("-", "−")
    page.text(LEFT, 284.5, f"{level}; R is the patient's right; slices count from inferior.", fontsize=7, color=GREY)
    page.text(LEFT, 288.5, "For research, not for diagnosis.", fontsize=8, fontweight="bold")
    page.text(RIGHT, 288.5, f"napari-lesionseg {__version__}", fontsize=7, color=GREY, ha="right")
