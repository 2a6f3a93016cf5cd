"""A page of paper, measured in mm from its upper left corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE_MM = (210.0, 297.0)  # A4.
LEFT, RIGHT = 16.0, 194.0
INCH_MM = 25.4
GREY, INK, LINE = "#5A6570", "#1A1F24", "#B8C0C8"


class Page:
    """An A4 page; ``y`` is where the next thing goes."""

    def __init__(self) -> None:
        from matplotlib.figure import Figure

        self.figure: Figure = Figure(figsize=(PAGE_MM[0] / INCH_MM, PAGE_MM[1] / INCH_MM))
        self.y = 15.0

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write one line of text on the baseline ``y``."""
        how: dict[str, Any] = {"color": INK, "va": "baseline", "parse_math": False}  # A dollar is a dollar.
        self.figure.text(x / PAGE_MM[0], 1 - y / PAGE_MM[1], text, **how | style)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Make axes of this upper left corner and size."""
        across, down = PAGE_MM
        return self.figure.add_axes((x / across, 1 - (y + height) / down, width / across, height / down))

    def line(self, y: float) -> None:
        """Draw a thin line from margin to margin."""
        from matplotlib.lines import Line2D

        ends = [LEFT / PAGE_MM[0], RIGHT / PAGE_MM[0]]
        self.figure.add_artist(Line2D(ends, [1 - y / PAGE_MM[1]] * 2, color=LINE, lw=0.6))

    def box(self, x: float, y: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
        """Fill a box of this upper left corner and size."""
        from matplotlib.patches import Rectangle

        across, down = PAGE_MM
        shade = [part / 255 for part in colour]
        box = Rectangle((x / across, 1 - (y + height) / down), width / across, height / down, fc=shade, ec="none")
        self.figure.add_artist(box)


def ml(value: float) -> str:
    """Write a volume with three significant digits or so."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def short(text: str, most: int) -> str:
    """One line of printable text."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= most else line[: most - 1] + "…"
