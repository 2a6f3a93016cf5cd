"""A report of one A4 page on one mask: figures, pictures, lesion of each slice, the largest lesions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_lesionseg import __version__
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review import report_sections as sections
from napari_lesionseg.review.report_details import Details
from napari_lesionseg.review.report_figures import ReportFigures, report_figures
from napari_lesionseg.review.report_page import Page
from napari_lesionseg.review.report_pictures import Pictures
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.segments import Segment, default_segments
from napari_lesionseg.volumes.volume import Mask, Volume

# Text in real letters that can be searched and copied; only the letters used are embedded.
STYLE: Any = {"pdf.fonttype": 42, "font.family": "DejaVu Sans", "font.size": 8, "pdf.compression": 6}
# Neither a date nor matplotlib's version: the same mask gives the same bytes.
METADATA = {
    "Title": "Lesion report",
    "Creator": f"napari-lesionseg {__version__}",
    "Producer": None,
    "CreationDate": None,
}


def write_report(
    path: str | Path,
    mask: Mask,
    scan: Volume,
    *,
    pseudonym: str,
    lungs: Mask | None = None,
    lungs_checked: bool = True,
    segments: Sequence[Segment] | None = None,
    details: Details | None = None,
) -> None:
    """Write the report of ``mask`` as PDF.

    Parameters
    ----------
    pseudonym
        What the case is called on the page; nothing of the scan's file name, path or header is written.
    lungs, lungs_checked
        For the lesions' sides; for their share of the lungs too if a person takes the lungs for right.
    segments
        Name and colour of each label; told where there is more than one.

    Raises
    ------
    LesionsegError
        If mask, scan and lungs do not lie on one grid, or the file cannot be written.
    """
    path = Path(path)
    described = list(segments) if segments is not None else default_segments(mask)
    figures = report_figures(mask, scan, lungs, checked=lungs_checked)
    pictures = Pictures.of(mask, scan, lungs, described)
    data = report_pdf(figures, pictures, scan, pseudonym, described, details or Details())

    def same_on_disk(temporary: Path) -> None:
        if temporary.read_bytes() != data:
            raise LesionsegError(f"{path} did not read back as it was written; nothing was saved, try another disk.")

    write_atomically(path, data, same_on_disk)


def report_pdf(
    figures: ReportFigures,
    pictures: Pictures,
    scan: Volume,
    pseudonym: str,
    segments: Sequence[Segment],
    details: Details,
) -> bytes:
    """The PDF of :func:`write_report` as bytes."""
    import matplotlib
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    with matplotlib.rc_context(STYLE):
        page = Page()
        canvas = FigureCanvasPdf(page.figure)
        sections.draw_header(page, scan, pseudonym, details)
        sections.draw_tiles(page, figures)
        slices = sections.draw_pictures(page, figures, pictures)
        sections.draw_strip(page, figures, slices)
        sections.draw_table(page, figures, scan.intensity == "HU")
        sections.draw_footer(page, scan, segments)
        data = io.BytesIO()
        canvas.print_pdf(data, metadata=METADATA)
    return data.getvalue()
