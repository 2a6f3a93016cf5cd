"""What is shown is the open scan's prediction by the model that was asked, whatever is exchanged (hazard 27)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import CARD, WEIGHTS, ModelCard, load_model, save_model
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.volumes import Geometry, Volume, nifti

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

CHILD = str(Path(__file__).with_name("swapping_segmenter.py"))
SHAPE = (3, 32, 32)
# What is exchanged, and whether the prediction may be shown all the same.
SWAPS = {
    "nothing": True,
    "the scan's file": True,  # What is open was read whole; the file may become what it likes.
    "the voxels on their way": False,
    "the model": False,
    "the weights": False,
    "the card": False,
    "the result": False,
    "the answer": False,  # By that to the last scan.
    "the open scan": False,
}


class Bench:
    """Three scans on one grid, three models of one name, what each predicts, and where one of them is installed."""

    def __init__(self, folder: Path) -> None:
        import torch

        from napari_lesionseg.models.dual_encoder import DualEncoderUNet

        self.folder, self.model = folder, folder / "model"
        rng = np.random.default_rng(3)
        grid = Geometry.from_spacing(SHAPE, (2.0, 1.0, 1.0))
        self.scans = [Volume(rng.integers(-1000, 400, SHAPE).astype(np.int16), grid) for _ in range(3)]
        self.models = [folder / f"model-{number}" for number in range(3)]
        for number, model in enumerate(self.models):
            torch.manual_seed(
                0 if number == 2 else number
            )  # The last has the first one's weights, on a card of its own.
            window = (-1000.0, 400.0) if number < 2 else (-1350.0, 150.0)
            card = ModelCard(name="tiny", preprocessing=Preprocessing(size=32, window=window))
            save_model(model, DualEncoderUNet(DualEncoderConfig(widths=(4, 8))), card)
        self.right = {
            (scan, model): predict(self.scans[scan], load_model(self.models[model])).probability
            for scan in range(3)
            for model in range(3)
        }
        for (scan, model), probability in self.right.items():
            np.save(folder / f"result-{scan}-{model}.npy", probability)
        for number, volume in enumerate(self.scans):
            np.save(folder / f"voxels-{number}.npy", volume.geometry.to_stored(volume.array))
            nifti.write_scan(folder / f"scan-{number}.nii.gz", volume)

    def install(self, model: int) -> None:
        shutil.rmtree(self.model, ignore_errors=True)
        shutil.copytree(self.models[model], self.model)

    def plan(self, swap: str, scan: int, other: int, model: int) -> None:
        """Tell the child what to exchange: scan by scan, model by the next one."""
        names = {"the model": (WEIGHTS, CARD), "the weights": (WEIGHTS,), "the card": (CARD,)}.get(swap, ())
        # Model 2 has the weights of model 0 on a card of its own: only the hash of the configuration tells.
        source = self.models[2 if swap == "the card" and model == 0 else 1 - model]
        files = [(str(self.model / name), str(source / name)) for name in names]
        if swap == "the scan's file":
            files = [(str(self.folder / "open.nii.gz"), str(self.folder / f"scan-{other}.nii.gz"))]
        plan = {
            "files": files,
            "voxels": str(self.folder / f"voxels-{other}.npy") if swap == "the voxels on their way" else "",
            "result": str(self.folder / f"result-{other}-{model}.npy") if swap == "the result" else "",
            "answer": swap == "the answer",
        }
        (self.folder / "plan.json").write_text(json.dumps(plan))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    folder = tmp_path / "bench"
    folder.mkdir()
    return Bench(folder)


def test_the_predictions_of_these_scans_and_models_can_be_told_apart(bench: Bench) -> None:
    different = {probability.tobytes() for probability in bench.right.values()}
    assert len(different) == 9


@pytest.mark.hazard("H27")
@pytest.mark.timeout(1800)
def test_whatever_is_exchanged_no_wrong_prediction_is_shown(
    bench: Bench, workbench: Any, qtbot: QtBot, hazard_count: Callable[..., int], hazard_figure: Callable[..., None]
) -> None:
    count, rng = hazard_count(18, 270), np.random.default_rng(0)
    worker, session = workbench.context.segmenter, workbench.session
    worker.runner.command = (CHILD, str(bench.folder / "plan.json"))
    shown, wrong, swaps, strange = 0, 0, 0, []
    last = 0
    for number in range(count):
        swap = list(SWAPS)[number % len(SWAPS)]
        scan = (last + 1 + int(rng.integers(2))) % 3  # Another than before, so that the last answer is of another scan.
        other, model = (scan + 1 + int(rng.integers(2))) % 3, int(rng.integers(2))
        swaps += swap != "nothing"
        bench.install(model)
        bench.plan(swap, scan, other, model)
        shutil.copyfile(bench.folder / f"scan-{scan}.nii.gz", bench.folder / "open.nii.gz")
        workbench.open_scan(bench.folder / "open.nii.gz")
        workbench.segment.segment_requested.emit(str(bench.model), "cpu")
        assert worker.running
        if swap == "the open scan":
            with qtbot.waitSignal(worker.device_chosen, timeout=60000):
                pass
            session.open_scan(bench.scans[other])
            qtbot.wait(50)
        qtbot.waitUntil(lambda: not worker.running, timeout=60000)
        here = other if swap == "the open scan" else scan
        right = session.probability is not None and np.array_equal(session.probability, bench.right[here, model])
        shown += session.probability is not None
        wrong += session.probability is not None and not right
        if (session.probability is not None) != SWAPS[swap]:
            strange.append((number, swap))
        last = scan
    figure = f"{swaps} exchanges of files under a prediction, {shown} of {count} shown: {wrong} mismatches"
    hazard_figure("H27", figure, wrong == 0)
    assert wrong == 0
    assert strange == []  # Each refused one was refused, and each sound one shown.
