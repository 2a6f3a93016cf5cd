"""A prediction's key: the same for the same scan and model, another as soon as any of it is another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.result_key import ResultKey, config_hash, probability_hash
from napari_lesionseg.models.card import ModelCard
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Volume, nifti, read_scan

SHAPE = (3, 4, 5)
GRID = Geometry.from_spacing(SHAPE, (2.0, 1.0, 1.0))
CARD = ModelCard(name="tiny", sha256="a" * 64)


def scan_of(array: np.ndarray | None = None, geometry: Geometry = GRID) -> Volume:
    return Volume(np.arange(60, dtype=np.int16).reshape(SHAPE) if array is None else array, geometry)


def test_a_scan_read_twice_or_from_another_file_is_the_same_scan(tmp_path: Path) -> None:
    for name in ("one.nii.gz", "two.nii"):
        nifti.write_scan(tmp_path / name, scan_of())
    first, again, renamed = (read_scan(tmp_path / name) for name in ("one.nii.gz", "one.nii.gz", "two.nii"))
    assert first.fingerprint == again.fingerprint == renamed.fingerprint


def test_the_order_in_memory_does_not_matter() -> None:
    array = scan_of().array
    assert scan_of(np.asfortranarray(array)).fingerprint == scan_of(array).fingerprint


def test_one_voxel_the_grid_or_the_unit_make_another_scan() -> None:
    array = scan_of().array.copy()
    array[1, 2, 3] += 1
    affine = GRID.affine.copy()
    affine[0, 3] += 1e-9
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0]) @ GRID.affine  # The same stored voxels, shown the other way round.
    mirrored = Geometry(GRID.shape, flipped)
    others = [
        scan_of(array),
        scan_of(geometry=Geometry(GRID.shape, affine)),
        scan_of(mirrored.to_display(GRID.to_stored(scan_of().array)), mirrored),
        scan_of(scan_of().array.astype(np.int32)),
        replace(scan_of(), intensity="grey"),
    ]
    assert len({scan.fingerprint for scan in [scan_of(), *others]}) == 6


def test_weights_window_and_width_make_another_key_but_not_the_threshold() -> None:
    key = ResultKey.of(scan_of(), CARD)
    assert ResultKey.of(scan_of(), CARD.model_copy(update={"sha256": "b" * 64})) != key
    for change in (
        {"preprocessing": Preprocessing(window=(-1350, 150))},
        {"architecture": DualEncoderConfig(widths=(4, 8))},
    ):
        assert config_hash(CARD.model_copy(update=change)) != key.config
    assert ResultKey.of(scan_of(), CARD.model_copy(update={"threshold": 0.3, "description": "better"})) == key


def test_a_key_is_written_and_read_as_one_line() -> None:
    key = ResultKey.of(scan_of(), CARD)
    assert ResultKey.parse(str(key)) == key
    assert str(key).count(":") == 2


@pytest.mark.parametrize("text", ["", "a:b", "a" * 64, ":".join(["a" * 64] * 4), ":".join(["G" * 64] * 3)])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(LesionsegError, match="segment the scan again"):
        ResultKey.parse(text)


def test_a_probability_of_another_shape_or_value_has_another_hash() -> None:
    probability = np.zeros((2, 3, 4), np.uint8)
    changed = probability.copy()
    changed[0, 0, 0] = 1
    hashes = {probability_hash(one) for one in (probability, changed, probability.reshape(4, 3, 2))}
    assert len(hashes) == 3


def test_a_session_refuses_the_prediction_of_another_scan_and_stays_as_it_was() -> None:
    session = Session()
    session.open_scan(scan_of())
    session.set_prediction(np.full(SHAPE, 255, np.uint8), "tiny", 0.5, ResultKey.of(scan_of(), CARD))
    other = scan_of()
    other.array[0, 0, 0] = 7
    with pytest.raises(LesionsegError, match="another scan than the one that is open"):
        session.set_prediction(np.zeros(SHAPE, np.uint8), "other", 0.5, ResultKey.of(other, CARD))
    assert session.probability is not None
    assert session.probability.all()
    assert (session.model_name, session.prediction_key) == ("tiny", ResultKey.of(scan_of(), CARD))


def test_a_session_forgets_the_key_with_its_scan() -> None:
    session = Session()
    session.open_scan(scan_of())
    session.set_prediction(np.zeros(SHAPE, np.uint8), "tiny", 0.5, ResultKey.of(scan_of(), CARD))
    session.open_scan(scan_of())
    assert session.prediction_key is None


def test_the_model_that_was_asked_must_be_the_one_that_answered() -> None:
    key = ResultKey.of(scan_of(), CARD)
    key.check_model(CARD)
    for change in ({"sha256": "b" * 64}, {"preprocessing": Preprocessing(size=64)}):
        with pytest.raises(LesionsegError, match="tiny was replaced"):
            key.check_model(CARD.model_copy(update=change))
