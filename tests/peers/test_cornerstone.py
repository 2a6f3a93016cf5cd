"""The cornerstone adapters with dcmjs, which read DICOM SEG in OHIF."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.peers.cases import SEGMENTS, PeerCase
from tests.peers.conftest import Judge
from tests.peers.tools import JS, node_module, npm_version, run

pytestmark = pytest.mark.peers


def test_cornerstone_shows_each_voxel_of_the_dicom_seg_on_its_slice(
    judge: Judge, version: Callable[[str], None], cases: list[PeerCase], tmp_path: Path
) -> None:
    verdict = judge("cornerstone adapters and dcmjs (OHIF)", "DICOM SEG")
    for name in ("@cornerstonejs/adapters", "dcmjs"):
        node_module(name)
    version(f"{npm_version('@cornerstonejs/adapters')}, {npm_version('dcmjs')}")
    exact, complaints = 0, []
    for case in cases:
        raw = tmp_path / f"{case.name}.raw"
        said = run("node", JS / "read_seg.mjs", case.export("dicom-seg"), case.series.folder, raw)
        assert said.code == 0, said.err
        seen = json.loads(said.out)
        complaints += seen["complaints"]
        assert seen["segments"] == [{"number": one.label, "label": one.name} for one in SEGMENTS]
        labels = np.fromfile(raw, np.uint8).reshape(case.labels.shape)
        exact += all(
            np.array_equal((labels == one.label).sum(axis=(1, 2)), (case.labels == one.label).sum(axis=(1, 2)))
            for one in SEGMENTS
        ) and np.array_equal(labels, case.labels)
    verdict(
        f"{exact} of {len(cases)} masks voxel-exact, by segment and slice, "
        + (f"complains: {complaints[0]}" if complaints else "no warning"),
        exact == len(cases) and not complaints,
    )
