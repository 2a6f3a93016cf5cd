"""What we return lies where nibabel and SimpleITK, each on its own, see the file; or somebody was asked (hazard 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes import nifti
from tests.volumes.header_maker import FAULTS, sound_header, spoil, write


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Let the two readers not chat about the faults that they are shown."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    level = nib.imageglobals.logger.level
    nib.imageglobals.logger.setLevel(60)
    yield
    nib.imageglobals.logger.setLevel(level)


def corners(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    return (affine[:3, :3] @ ends + affine[:3, 3:]).T


def corners_by_itk(path: Path) -> np.ndarray:
    """Asked of the file itself, not of the copy of its header that the gate shows to SimpleITK."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(reader.GetDirection(), (3, 3)) * reader.GetSpacing()
    affine[:3, 3] = reader.GetOrigin()
    return corners(np.diag([-1, -1, 1, 1]) @ affine, reader.GetSize())


def farthest(path: Path, seen: np.ndarray, shape: tuple[int, ...]) -> float:
    """The largest distance in mm from the corners ``seen`` to those of either reader."""
    apart = [np.abs(corners(nib.load(path).affine, shape) - seen).max()]
    if nib.load(path).header["sizeof_hdr"] == 348:  # SimpleITK reads no NIfTI-2.
        apart.append(np.abs(corners_by_itk(path) - seen).max())
    return float(max(apart))


@pytest.mark.hazard("H9")
@pytest.mark.timeout(900)
def test_every_header_lies_where_two_readers_see_it_or_is_asked_about(
    tmp_path: Path, hazard_count: Callable[[int, int], int], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    count = hazard_count(200, 10_000)
    path, outcomes, silent = tmp_path / "scan.nii", Counter(), []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        header = sound_header(rng)
        fault = FAULTS[seed // 2 % len(FAULTS)] if seed % 2 else "sound"
        if fault != "sound":
            spoil(header, fault, rng)
        write(path, header)
        try:
            grid = nifti.read_scan(path).geometry
        except GeometryQuestion:
            outcomes[fault, "asked"] += 1
        except LesionsegError:
            outcomes[fault, "refused"] += 1
        else:
            outcomes[fault, "opened"] += 1
            if not farthest(path, grid.corners(), grid.shape) <= 0.01:
                silent.append((seed, fault))
    sound = (count + 1) // 2
    turned_away = sound - outcomes["sound", "opened"]
    held = not silent and turned_away <= 0.01 * sound
    hazard_figure(
        "H9",
        f"{count} headers: {len(silent)} silently over 0.01 mm off, {turned_away} of {sound} sound ones not opened",
        held,
    )
    assert silent == []
    assert turned_away <= 0.01 * sound
    for fault in ("unit", "no code"):  # Nothing else in these can tell where they lie.
        assert outcomes[fault, "opened"] == 0
        assert outcomes[fault, "asked"] > 0
    # The faults are such that they matter, or the figure above says nothing.
    assert outcomes.total() - sum(n for (_, how), n in outcomes.items() if how == "opened") > 0.4 * (count - sound)
