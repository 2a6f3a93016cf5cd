"""nnU-Net v2, in an environment of its own, checks our data set as it does before training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.study.export import export_study
from napari_lesionseg.study.phantom_study import write_phantom_study
from napari_lesionseg.volumes import Mask
from tests.peers.conftest import Judge
from tests.peers.tools import nnunet_python, run

pytestmark = pytest.mark.peers
_VERIFY = """
import sys
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
if __name__ == "__main__":
    verify_dataset_integrity(sys.argv[1], num_processes=1)
"""


def test_nnunet_finds_the_exported_data_set_sound(judge: Judge, version: Callable[[str], None], tmp_path: Path) -> None:
    verdict = judge("nnU-Net v2 (verify_dataset_integrity)", "nnU-Net data set, with an ignore label")
    python = nnunet_python()
    version(run(python, "-c", "from importlib.metadata import version; print(version('nnunetv2'))").out.strip())
    study = write_phantom_study(tmp_path / "study", 4, shape=(12, 48, 48))
    case = study.cases()[0]
    labels = np.zeros(case.geometry.display_shape, np.uint8)
    labels[3:6, 20:25, 10:15] = 1
    labels[4, 30:34, 30:34] = 2
    study.add_revision(case.id, "correction", Mask(labels, case.geometry), corrected_slices=[3, 4, 5])
    done = export_study(study, tmp_path / "Dataset501_Lesions", "nnunet")
    script = tmp_path / "verify.py"  # A file: its worker processes import it.
    script.write_text(_VERIFY)
    places = {f"nnUNet_{name}": str(tmp_path) for name in ("raw", "preprocessed", "results")}
    said = run(python, script, done.folder, **places)
    sound = said.code == 0 and "verify_dataset_integrity Done" in said.out
    complaints = [line for line in said.lines if "error" in line.lower() or "warning" in line.lower()]
    complaints = [line for line in complaints if "didn't see any error" not in line]
    verdict(
        f"{done.train} training and {done.test} test cases "
        + ("sound" if sound else f"refused: {said.lines[-1] if said.lines else said.code}")
        + (f"; says: {complaints[0]}" if complaints else ", no warning"),
        sound and not complaints,
    )
