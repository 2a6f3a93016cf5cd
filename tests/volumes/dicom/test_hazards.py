"""Thousands of generated series, sound and faulty, through files and the whole reader."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.read import LOSSY_WARNING, read_series
from napari_lesionseg.volumes.dicom.series import find_series
from tests.volumes.dicom.compress import LOSSLESS, LOSSY, compress
from tests.volumes.dicom.make_series import Series, hu_values, make_series

Figure = Callable[[str, str, bool], None]
Count = Callable[[int, int], int]
Spoil = Callable[[Series, random.Random], None]


def rewrite(file: Path, edit: Callable[[Dataset], None]) -> None:
    header = dcmread(file)
    edit(header)
    header.save_as(file)


def move(file: Path, x: float = 0, y: float = 0, z: float = 0) -> None:
    def edit(header: Dataset) -> None:
        place = np.array(header.ImagePositionPatient, float) + [x, y, z]
        header.ImagePositionPatient = [f"{value:.8g}" for value in place]

    rewrite(file, edit)


def missing(series: Series, draw: random.Random) -> None:
    """Drop slices, but not each neighbour: of slices 4 and 6 mm apart nobody knows that they once were 2 mm apart."""
    stay = draw.randrange(7)
    drop = [k for k in range(1, 7) if k not in (stay, stay + 1)]
    for k in draw.sample(drop, draw.randint(1, 4)):
        series.files[k].unlink()


def duplicate(series: Series, draw: random.Random) -> None:
    k = draw.randrange(8)
    copy = series.folder / f"copy-{draw.randrange(100)}.dcm"
    copy.write_bytes(series.files[k].read_bytes())
    rewrite(copy, lambda header: setattr(header, "SOPInstanceUID", f"1.2.{draw.randrange(10**6)}"))


def uneven(series: Series, draw: random.Random) -> None:
    move(series.files[draw.randrange(8)], z=draw.choice((-1, 1)) * draw.uniform(0.05, 0.9))


def tilt(series: Series, draw: random.Random) -> None:
    per_slice = draw.choice((-1, 1)) * np.tan(np.radians(draw.uniform(0.5, 30))) * 2
    axis = draw.choice("xy")
    for k, file in enumerate(series.files):
        move(file, **{axis: float(per_slice * k)})


def shift(series: Series, draw: random.Random) -> None:
    move(series.files[draw.randrange(8)], **{draw.choice("xy"): draw.choice((-1, 1)) * draw.uniform(0.05, 100)})


def turn(series: Series, draw: random.Random) -> None:
    angle = np.radians(draw.uniform(0.3, 180)) * draw.choice((-1, 1))
    axes = [np.cos(angle), np.sin(angle), 0, -np.sin(angle), np.cos(angle), 0]
    edit = [f"{value:.8f}" for value in axes]
    rewrite(series.files[draw.randrange(8)], lambda header: setattr(header, "ImageOrientationPatient", edit))


def resize(series: Series, draw: random.Random) -> None:
    spacing = [draw.choice((0.5, 0.71, 1.4)), 0.8]
    rewrite(series.files[draw.randrange(8)], lambda header: setattr(header, "PixelSpacing", spacing))


def mix_times(series: Series, draw: random.Random) -> None:
    mark = draw.choice(("TemporalPositionIdentifier", "EchoNumbers", "StackID", "NominalPercentageOfCardiacPhase"))
    later = set(draw.sample(range(8), draw.choice((1, 2, 6, 7))))
    for k, file in enumerate(series.files):
        value = 1 + (k in later)
        rewrite(file, lambda header, value=value: setattr(header, mark, str(value) if mark == "StackID" else value))


def lose_place(series: Series, draw: random.Random) -> None:
    keyword = draw.choice(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    rewrite(series.files[draw.randrange(8)], lambda header: delattr(header, keyword))


def all_scouts(series: Series, draw: random.Random) -> None:
    for file in series.files:
        rewrite(file, lambda header: setattr(header, "ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]))


def few(series: Series, draw: random.Random) -> None:
    for k in draw.sample(range(8), draw.choice((6, 7))):
        series.files[k].unlink()


FAULTS: dict[str, tuple[str, Spoil]] = {
    "missing slices": ("missing", missing),
    "duplicates": ("duplicates", duplicate),
    "varying spacing": ("spacing", uneven),
    "gantry tilt": ("tilt", tilt),
    "shifted slices": ("shift", shift),
    "mixed orientation": ("mixed", turn),
    "mixed pixel sizes": ("mixed", resize),
    "mixed times": ("mixed", mix_times),
    "lost positions": ("mixed", lose_place),
    "scouts": ("scout", all_scouts),
    "fewer than 3 slices": ("too few", few),
}


def drawn_series(folder: Path, draw: random.Random) -> Series:
    """A regular series of eight small slices in any plane, 2 mm apart, its files in any order."""
    planes = ((1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (0.8, 0.6, 0, -0.6, 0.8, 0), (1, 0, 0, 0, 0.96, -0.28))
    series = make_series(folder, hu_values(draw.randrange(1000), (8, 5, 4)), orientation=draw.choice(planes))
    names = draw.sample(range(100), 8)
    files = tuple(file.rename(folder / f"{name}") for name, file in zip(names, series.files, strict=True))
    return Series(folder, files, series.hu, series.uid, series.affine)


@pytest.mark.hazard("H15")
@pytest.mark.timeout(3600)
def test_every_generated_fault_is_refused_by_its_name(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    each, refused, read = hazard_count(5, 200), 0, []
    for fault, (kind, spoil) in FAULTS.items():
        for number in range(each):
            draw = random.Random(f"{fault} {number}")
            folder = tmp_path / f"{kind}-{fault.replace(' ', '-')}-{number}"
            # Tilts and turns are made about the z axis.
            series = (
                make_series(folder, hu_values(number, (8, 5, 4))) if fault in AXIAL_ONLY else drawn_series(folder, draw)
            )
            spoil(series, draw)
            try:
                read_series(folder)
                read.append(f"{fault} {number}")
            except LesionsegError:
                kinds = {one.fault.kind for one in find_series(folder) if one.fault}
                refused += kinds == {kind}
            for file in folder.iterdir():
                file.unlink()
    wanted = each * len(FAULTS)
    figure = f"{each} × {len(FAULTS)} generated faults: {refused} of {wanted} refused by name, {len(read)} read"
    hazard_figure("H15", figure, refused == wanted and not read)
    assert read == []
    assert refused == wanted


AXIAL_ONLY = {"varying spacing", "gantry tilt", "shifted slices", "mixed orientation"}


@pytest.mark.hazard("H15")
@pytest.mark.timeout(3600)
def test_no_generated_sound_series_is_refused(tmp_path: Path, hazard_count: Count, hazard_figure: Figure) -> None:
    count, refused, wrong = hazard_count(12, 300), [], 0
    for number in range(count):
        draw = random.Random(number)
        folder = tmp_path / str(number)
        axes = np.linalg.qr(np.random.default_rng(number).normal(size=(3, 3)))[0]
        orientation = draw.choice([tuple(axes[:2].ravel()), (1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1)])
        spacing = (draw.choice((0.5, 0.625, 1.25, 3, 7.5)), draw.uniform(0.3, 2), draw.uniform(0.3, 2))
        count_slices = draw.randint(3, 9)
        acquisitions = draw.choice((1, 2, 9))

        def steps(header: Dataset, k: int, size: int = acquisitions) -> None:
            header.AcquisitionNumber = k // size

        series = make_series(
            folder,
            hu_values(number, (count_slices, 5, 4)),
            spacing=spacing,
            orientation=orientation,
            origin=(draw.uniform(-300, 300), draw.uniform(-300, 300), draw.uniform(-1000, 1000)),
            edit=steps,
        )
        try:
            scan = read_series(folder)
        except LesionsegError as error:
            refused.append(str(error))
            continue
        near = np.abs(scan.geometry.affine - series.affine).max() < 1e-4
        wrong += not near or not np.array_equal(scan.geometry.to_stored(scan.array), series.hu.transpose(2, 1, 0))
    figure = f"{count} generated sound series: {len(refused)} refused, {wrong} with a voxel elsewhere"
    hazard_figure("H15", figure, not refused and not wrong)
    assert refused == []
    assert wrong == 0


@pytest.mark.hazard("H16")
@pytest.mark.timeout(3600)
def test_generated_values_are_exact_and_lossy_scans_flagged(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    each, exact, flagged, false_flags = hazard_count(1, 30), 0, 0, 0
    for name, syntax in (LOSSLESS | LOSSY).items():
        for number in range(each):
            draw = random.Random(f"{name} {number}")
            folder = tmp_path / f"{number}-{syntax}"
            slopes = [(draw.choice((1, 1, 2, 3)), draw.choice((-1024, -1000, 0, -8192))) for _ in range(4)]
            signed = draw.random() < 0.5
            stored = np.random.default_rng(number).integers(-1000 if signed else 0, 3000, (4, 16, 12))
            padding = draw.choice((None, -2000)) if signed else None

            def edit(header: Dataset, k: int) -> None:
                header.RescaleSlope, header.RescaleIntercept = slopes[k]  # noqa: B023 – called at once.
                values = stored[k]  # noqa: B023
                if padding is not None:  # noqa: B023
                    header.PixelRepresentation, header.PixelPaddingValue = 1, padding  # noqa: B023
                    values[:3] = padding  # noqa: B023
                header.PixelRepresentation = int(signed)  # noqa: B023
                header.PixelData = values.astype("<i2" if signed else "<u2").tobytes()  # noqa: B023
                if name == "JPEG baseline":  # noqa: B023
                    header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
                    header.PixelRepresentation = 0
                    header.pop("PixelPaddingValue", None)  # Negative: bytes cannot hold it.
                    header.PixelData = (values % 256).astype(np.uint8).tobytes()

            series = make_series(folder, np.zeros((4, 16, 12), np.int16), edit=edit)
            for file in series.files:
                compress(file, syntax)
            scan = read_series(folder)
            expected = np.stack([plane * slope + cut for plane, (slope, cut) in zip(stored, slopes, strict=True)])
            expected[stored == -2000] = -1024
            exact += name in LOSSLESS and np.array_equal(scan.array, expected)
            flagged += name in LOSSY and scan.lossy and LOSSY_WARNING in scan.warnings
            false_flags += name in LOSSLESS and scan.lossy
    lossless, lossy = each * len(LOSSLESS), each * len(LOSSY)
    figure = (
        f"{exact} of {lossless} lossless scans in {len(LOSSLESS)} syntaxes exact, {flagged} of {lossy} lossy flagged"
    )
    hazard_figure("H16", figure, exact == lossless and flagged == lossy and not false_flags)
    assert exact == lossless
    assert flagged == lossy
    assert false_flags == 0


@pytest.mark.hazard("H10")
@pytest.mark.timeout(3600)
def test_a_damaged_slice_gives_a_scan_or_one_sentence_in_bounded_memory(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    count, broken, slowest = hazard_count(8, 500), [], 0.0
    sound = {}
    for name, syntax in LOSSLESS.items():
        series = make_series(tmp_path / name, hu_values(1, (4, 16, 12)))
        for file in series.files:
            compress(file, syntax)
        sound[name] = series
        read_series(series.folder)  # What follows counts no loading of libraries.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        draw = random.Random(number)
        file = sound[draw.choice(list(sound))].files[draw.choice((0, 1, 3))]
        whole = file.read_bytes()
        damaged = bytearray(whole)
        for _ in range(draw.choice((1, 3, 20))):
            damaged[draw.randrange(130, len(damaged))] = draw.randrange(256)
        file.write_bytes(damaged[: draw.randrange(200, len(damaged))] if draw.random() < 0.2 else damaged)
        began = time.process_time()
        try:
            read_series(file.parent)
        except LesionsegError as error:
            assert "\n" not in str(error)
        except Exception as error:
            broken.append(f"{number}: {error!r}")
        slowest = max(slowest, time.process_time() - began)
        file.write_bytes(whole)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    holds = not broken and grown < 200 and slowest < 2
    figure = f"{count} damaged DICOM slices: {len(broken)} tracebacks, at most {grown:.0f} MB and {slowest:.1f} s"
    hazard_figure("H10", figure, holds)
    assert broken == []
    assert grown < 200
    assert slowest < 2


@pytest.mark.hazard("H17")
@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is not there")
def test_reading_holds_no_second_copy_of_the_scan(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series", np.full((60, 512, 512), -900, np.int16))
    read_series(series.folder)  # Libraries are loaded now.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scans = [read_series(series.folder) for _ in range(3)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 2 * scans[0].array.nbytes / 2**20 + 20  # The first reading has made room for one.
