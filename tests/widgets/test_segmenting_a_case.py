"""A prediction of a study's case is kept as a revision that knows which scan and model it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.inference.result_key import ResultKey
from napari_lesionseg.inference.uncertainty import mean_uncertainty
from napari_lesionseg.models.card import load_card
from napari_lesionseg.study import Study
from napari_lesionseg.study.queue import case_rows
from napari_lesionseg.volumes import read_mask

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot


def test_the_prediction_of_an_open_case_is_kept_with_its_key(
    workbench: Any, qtbot: QtBot, phantom_files: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    study = Study.create(tmp_path / "study")
    study.add_case("c1", "p1", phantom_files[0])
    workbench.open_study(study.folder)
    qtbot.waitUntil(lambda: bool(workbench.cases.model.rows), timeout=30000)
    workbench.press("next_unfinished")
    opening, session = workbench.context.opening, workbench.session
    qtbot.waitUntil(lambda: opening.now is not None, timeout=30000)
    workbench.segment.segment_requested.emit(str(tiny_model), "cpu")
    with qtbot.waitSignal(opening.kept, timeout=90000) as kept:
        pass
    assert kept.args == ["c1"]
    revision = study.latest("c1", "prediction")
    assert (revision.model, revision.result_key) == ("tiny", str(ResultKey.of(session.scan, load_card(tiny_model))))
    assert np.array_equal(read_mask(revision.path).array, session.mask.array)
    summary = next(case for case in case_rows(study) if case.id == "c1")
    assert summary.uncertainty == pytest.approx(mean_uncertainty(session.probability))
