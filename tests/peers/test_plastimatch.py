"""plastimatch, of radiotherapy research, reads our NIfTI and turns our RTSTRUCT back into masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from tests.peers.cases import SEGMENTS, PeerCase
from tests.peers.compare import corners_apart_mm, dice, read_itk, stored
from tests.peers.conftest import Judge
from tests.peers.tools import debian_version, program, run

pytestmark = pytest.mark.peers


def test_plastimatch_reads_our_nifti(
    judge: Judge, version: Callable[[str], None], cases: list[PeerCase], tmp_path: Path
) -> None:
    verdict = judge("plastimatch", "NIfTI")
    tool = program("plastimatch", "plastimatch")
    version(debian_version("plastimatch"))
    exact, apart, said = 0, 0.0, []
    for case in cases:
        out = tmp_path / f"{case.name}.nrrd"  # Into MetaImage, it warns of every NIfTI field that has no place there.
        lines = run(tool, "convert", "--input", case.export("nifti"), "--output-img", out).lines
        said += [line for line in lines if "warning" in line.lower() or "error" in line.lower()]
        image = read_itk(out)
        exact += np.array_equal(sitk.GetArrayFromImage(image), stored(case.mask))
        apart = max(apart, corners_apart_mm(image, case.mask.geometry))
    verdict(
        f"{exact} of {len(cases)} masks voxel-exact, corners within {apart:.4f} mm, "
        + (f"says: {said[0]}" if said else "no warning"),
        exact == len(cases) and apart <= 0.01 and not said,
    )


def test_plastimatch_turns_our_rtstruct_back_into_masks(
    judge: Judge, version: Callable[[str], None], straight: PeerCase, tmp_path: Path
) -> None:
    verdict = judge("plastimatch", "RTSTRUCT")
    tool = program("plastimatch", "plastimatch")
    version(debian_version("plastimatch"))
    said = run(
        tool,
        "convert",
        *("--input", straight.export("rtstruct"), "--referenced-ct", straight.series.folder),
        *("--output-prefix", tmp_path / "masks", "--prefix-format", "nrrd"),
    )
    complaints = [line for line in said.lines if "warning" in line.lower() or "error" in line.lower()]
    found = {file.stem: read_itk(file) for file in (tmp_path / "masks").glob("*.nrrd")}
    scores = []
    for segment in SEGMENTS:
        [image] = [image for name, image in found.items() if name.replace("_", " ") == segment.name.replace("-", " ")]
        assert corners_apart_mm(image, straight.mask.geometry) <= 0.01
        scores.append(dice(sitk.GetArrayFromImage(image), stored(straight.mask) == segment.label))
    verdict(
        f"Dice {min(scores):.4f} or better for {len(scores)} structures with cavities and islands, "
        + (f"says: {complaints[0]}" if complaints else "no warning"),
        min(scores) >= 0.99 and not complaints,
    )
