"""The report: what stands on its page, and what does not stand in its file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg import __version__
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.exports import export
from napari_lesionseg.review.report import write_report
from napari_lesionseg.review.report_details import Details
from napari_lesionseg.review.report_figures import chosen_slices, report_figures
from napari_lesionseg.review.report_page import short
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.phantom import PhantomCase

Lines = Callable[[bytes], list[str]]
GRID = Geometry.from_spacing((40, 24, 32), (3.0, 2.0, 2.0))  # A voxel is 0.012 ml.


def _scan(**changes: object) -> Volume:
    return replace(Volume(np.full(GRID.display_shape, -700, np.int16), GRID), **changes)


def _mask(*boxes: tuple[slice, slice, slice]) -> Mask:
    mask = Mask.empty(GRID)
    for box in boxes:
        mask.array[box] = 1
    return mask


def _lungs() -> Mask:
    lungs = Mask.empty(GRID)
    lungs.array[2:38, 4:20, 3:14] = lungs.array[2:38, 4:20, 18:29] = 1
    return lungs


LESIONS = _mask(np.s_[10:14, 6:12, 4:10], np.s_[30:32, 8:12, 20:24], np.s_[20:21, 5:6, 5:6])  # 144, 32 and 1 voxels


@pytest.fixture
def page(tmp_path: Path, pdf_text: Lines) -> Callable[..., str]:
    """All text of a report's page, in one line."""

    def write(mask: Mask = LESIONS, scan: Volume | None = None, **options: object) -> str:
        options = {"pseudonym": "case-0042", "lungs": _lungs()} | options
        write_report(tmp_path / "report.pdf", mask, scan or _scan(), **options)
        return "".join(f"{line}|" for line in pdf_text((tmp_path / "report.pdf").read_bytes())).replace("|fi|", "fi")

    return write


def test_the_figures_are_those_of_the_mask() -> None:
    figures = report_figures(LESIONS, _scan(), _lungs())
    assert (figures.total_ml, figures.lesions, len(figures.rows)) == (pytest.approx(177 * 0.012), 2, 3)
    assert (figures.right_ml, figures.left_ml) == pytest.approx((145 * 0.012, 32 * 0.012))
    assert figures.lung_ml == pytest.approx(2 * 36 * 16 * 11 * 0.012)
    assert figures.percent == pytest.approx(100 * 177 / (2 * 36 * 16 * 11))
    assert figures.area_cm2[[9, 10, 13, 20, 31]] == pytest.approx([0, 36 * 0.04, 36 * 0.04, 0.04, 16 * 0.04])


def test_lesion_outside_the_lungs_counts_as_lung() -> None:
    figures = report_figures(_mask(np.s_[10:12, 0:2, 0:2]), _scan(), _lungs())
    assert figures.lung_ml == pytest.approx((2 * 36 * 16 * 11 + 8) * 0.012)


def test_no_share_is_told_of_lungs_that_nobody_has_checked(page: Callable[..., str]) -> None:
    text = page(lungs_checked=False)
    assert "Share of the lungs|not known|" in text
    assert "Right | left lung|1.74 | 0.38|ml|" in text
    assert "Nobody has checked the lungs" in text
    assert "Nobody has checked the lungs" not in page() + page(lungs=None, lungs_checked=False)


def test_lungs_that_are_looked_for_count_as_unchecked(
    tmp_path: Path, phantom_case: PhantomCase, pdf_text: Lines
) -> None:
    for lungs, told in ((None, False), (phantom_case.lungs, True)):
        export(tmp_path / "r.pdf", phantom_case.truth, phantom_case.scan, lungs=lungs)
        text = "|".join(pdf_text((tmp_path / "r.pdf").read_bytes()))
        assert ("Nobody has checked the lungs" in text, " %|of " in text) == (not told, told)


def test_the_page_names_case_figures_purpose_and_version(page: Callable[..., str]) -> None:
    text = page(details=Details(model="phantom-base", reviewer="reviewer-2"))
    for words in (
        "Lesion report|case-0042|",
        "40 slices of 24 × 32 voxels, 3 × 2 × 2 mm (z, y, x), Hounsfield units",
        "Model: phantom-base    Reviewer: reviewer-2",
        "Lesion volume|2.12 ml|",
        "Share of the lungs|1.4 %|of 152 ml|",
        "Lesions|2|and 1 below 0.1 ml|",
        "Right | left lung|1.74 | 0.38|ml|",
        "For research, not for diagnosis.|",
        f"napari-lesionseg {__version__}|",
    ):
        assert words in text


def test_the_table_tells_each_lesion(page: Callable[..., str]) -> None:
    text = page()
    assert "|1|1.73|right|lower|11|–|14|" in text
    assert "|2|0.38|left|upper|31|–|32|" in text
    assert "|700 ± 0|" in text  # The minus is drawn by another font.


def test_pictures_show_the_largest_slice_of_each_lesion(page: Callable[..., str]) -> None:
    assert chosen_slices(report_figures(LESIONS, _scan(), None)) == [10, 30, 20]
    text = page()
    assert all(
        words in text for words in ("Slice 11 / 40|lesion 1|", "Slice 31 / 40|lesion 2|", "Slice 21 / 40|lesion 3|")
    )


def test_there_are_at_most_six_pictures_and_they_differ() -> None:
    boxes = [np.s_[z : z + 1, 4:12, 4:12] for z in range(0, 40, 2)]
    chosen = chosen_slices(report_figures(_mask(*boxes), _scan(), None))
    assert len(set(chosen)) == len(chosen) == 6
    assert min(np.diff(sorted(chosen))) >= 2


def test_a_lesion_of_one_slice_is_one_picture() -> None:
    assert chosen_slices(report_figures(_mask(np.s_[7:8, 4:12, 4:12]), _scan(), None)) == [7]


def test_a_mask_without_lesion_has_a_report_that_says_so(page: Callable[..., str]) -> None:
    text = page(Mask.empty(GRID))
    assert "No lesion is marked.|" in text
    assert all(f"Slice {number} / 40|no lesion|" in text for number in (11, 21, 31))


def test_lossy_compression_and_grey_levels_are_told(page: Callable[..., str]) -> None:
    grey = Volume(np.full(GRID.display_shape, 80, np.uint8), GRID, "grey", lossy=True)
    text = page(scan=grey, lungs=None)
    assert "went through lossy compression" in text
    assert "holds grey levels, not Hounsfield units" in text
    assert text.count("not known|") == 2
    assert "HU mean" not in text
    assert "lossy" not in page()


def test_a_long_or_strange_pseudonym_stays_on_one_line(page: Callable[..., str]) -> None:
    assert "$x^2$_\\alpha|" in page(pseudonym="$x^2$_\\alpha")
    assert short("a\nb\x00" + 60 * "c", 40) == "a b " + 35 * "c" + "…"


def test_eleven_lesions_and_more_are_summed_up(page: Callable[..., str]) -> None:
    boxes = [np.s_[z : z + 2, y : y + 3, x : x + 3] for z in (0, 10, 20, 30) for y in (2, 12) for x in (2, 20)]
    assert "and 6 smaller, 1.30 ml together|" in page(_mask(*boxes))


def test_one_page_of_a4_is_written(tmp_path: Path) -> None:
    write_report(tmp_path / "r.pdf", LESIONS, _scan(), pseudonym="case-0001")
    data = (tmp_path / "r.pdf").read_bytes()
    assert re.findall(rb"/Count (\d+)", data) == [b"1"]
    assert re.findall(rb"/MediaBox \[ 0 0 (\d+)\.\d+ (\d+)\.\d+ \]", data) == [(b"595", b"841")]


def test_fonts_are_embedded_in_part_and_no_type_3(tmp_path: Path) -> None:
    write_report(tmp_path / "r.pdf", LESIONS, _scan(), pseudonym="case-0001")
    data = (tmp_path / "r.pdf").read_bytes()
    fonts = set(re.findall(rb"/BaseFont /(\S+)", data))
    assert fonts
    assert all(re.fullmatch(rb"[A-Z]{6}\+DejaVuSans(-Bold)?", font) for font in fonts)
    assert b"/FontFile2" in data
    assert b"/Type3" not in data


def test_the_file_says_neither_when_nor_by_whom_it_was_made(tmp_path: Path) -> None:
    write_report(tmp_path / "r.pdf", LESIONS, _scan(source=tmp_path / "MUELLER.nii"), pseudonym="case-0001")
    data = (tmp_path / "r.pdf").read_bytes()
    info = re.search(rb"/Info (\d+) 0 R", data)
    assert info is not None
    said = re.search(rb"\n%s 0 obj\n(.*?)\nendobj" % info[1], data, re.S)
    assert said is not None
    assert said[1] == b"<< /Creator (napari-lesionseg %s) /Title (Lesion report) >>" % __version__.encode()
    assert b"CreationDate" not in data
    assert b"MUELLER" not in data


def test_the_same_mask_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from napari_lesionseg.review.report import write_report\n"
        "from napari_lesionseg.volumes import Geometry, Mask, Volume\n"
        "grid = Geometry.from_spacing((4, 24, 32), (3.0, 2.0, 2.0))\n"
        "mask = Mask.empty(grid)\n"
        "mask.array[1:3, 4:9, 5:9] = 1\n"
        "scan = Volume(np.zeros(grid.display_shape, np.int16), grid)\n"
        "write_report(sys.argv[1], mask, scan, pseudonym='case-0001')\n"
    )
    for seed in ("1", "2"):
        command = [sys.executable, "-c", code, str(tmp_path / f"{seed}.pdf")]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()


def test_the_patients_right_is_left_and_anterior_is_up(phantom_case: PhantomCase) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from napari_lesionseg.review.report_pictures import Pictures

    voxels = np.full(GRID.display_shape, -1350, np.int16)
    voxels[5, :8, :10] = 150  # Anterior, to the patient's right.
    figure = Figure(figsize=(3.2, 2.4), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    Pictures.of(Mask.empty(GRID), _scan(array=voxels), None, []).draw(axes, 5)
    canvas.draw()
    shown = np.asarray(canvas.buffer_rgba())[..., 0]
    assert shown[70, 80] == 255
    assert (shown[200, 120], shown[70, 200], shown[200, 250]) == (0, 0, 0)


def test_the_scale_is_as_long_as_it_says() -> None:
    from matplotlib.figure import Figure

    from napari_lesionseg.review.report_pictures import Pictures

    figure = Figure(figsize=(4, 4))
    axes = figure.add_axes((0, 0, 1, 1))
    Pictures.of(Mask.empty(GRID), _scan(), None, []).draw(axes, 5)
    (bar,) = axes.lines
    width = axes.get_xlim()[1] - axes.get_xlim()[0]
    assert width == pytest.approx(64)  # 32 voxels of 2 mm fill the picture.
    said = next(text.get_text() for text in axes.texts if text.get_text().endswith(" mm"))
    assert said == "20 mm"
    assert (bar.get_xdata()[1] - bar.get_xdata()[0]) * width == pytest.approx(20)


def test_the_outline_is_around_the_lesion() -> None:
    from matplotlib.figure import Figure

    from napari_lesionseg.review.report_pictures import Pictures

    axes = Figure().add_axes((0, 0, 1, 1))
    Pictures.of(_mask(np.s_[5:6, 6:12, 4:10]), _scan(), None, []).draw(axes, 5)
    (outline,) = axes.collections
    (path,) = outline.get_paths()
    assert path.vertices.min(axis=0) == pytest.approx([8, 12])  # x and y in mm: the voxels' outer edges
    assert path.vertices.max(axis=0) == pytest.approx([20, 24])


def test_a_report_needs_the_scan(tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="needs the scan for its pictures"):
        export(tmp_path / "r.pdf", LESIONS, None)


def test_docking_and_listing_formats_load_no_plotting_library() -> None:
    code = "import sys, napari_lesionseg.review.exports; print('matplotlib' in sys.modules, 'highdicom' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
