from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from lesionseg_training import cli
from lesionseg_training.batches import draw_batches
from lesionseg_training.config import Sampler
from lesionseg_training.data import TrainingCase, load_cases
from lesionseg_training.sampling import Pools
from lesionseg_training.sampling_picture import draw_sampling
from lesionseg_training.sampling_report import SamplingReport, count_slices, draw_all, report_sampling

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.store import Study

DEPTH = 40


def _case(name: str, lesion: range, patient: str = "") -> TrainingCase:
    """40 slices of 4 × 4 pixels; in each of ``lesion`` one pixel of 16."""
    soft = np.zeros((DEPTH, 4, 4), np.uint8)
    soft[list(lesion), 0, 0] = 255
    flags = np.any(soft, axis=(1, 2))
    return TrainingCase(name, patient or name, np.zeros_like(soft), soft, Pools.of(flags))


CASES = [_case("a", range(10)), _case("b", range(10, 20)), _case("c", range(30, 34), "b")]


def _of(report: SamplingReport | list[Any], sampler: str, epoch: int = 1) -> Any:
    drawn = report.drawn if isinstance(report, SamplingReport) else report
    (found,) = (one for one in drawn if (one.sampler, one.epoch) == (sampler, epoch))
    return found


def test_slices_are_counted_for_each_patient() -> None:
    one, two = count_slices(CASES, "train")
    assert (one.patient, one.split, one.slices, one.lesion, one.near, one.far) == ("a", "train", 40, 10, 2, 28)
    assert (two.patient, two.slices, two.lesion, two.empty) == ("b", 80, 14, 66)
    assert one.lesion_pixels == pytest.approx(10 / (40 * 16))
    assert two.lesion_pixels == pytest.approx(14 / (80 * 16))
    assert two.row()["lesion_share"] == 14 / 80


def test_slices_that_nobody_vouches_for_are_not_counted() -> None:
    flags = np.any(CASES[0].soft, axis=(1, 2))
    corrected = TrainingCase("a", "a", CASES[0].slices, CASES[0].soft, Pools.of(flags, np.arange(DEPTH) < 5))
    (one,) = count_slices([corrected], "train")
    assert (one.slices, one.lesion, one.lesion_pixels) == (5, 5, 1 / 16)


def test_every_sampler_is_shown_in_the_first_and_the_last_epoch(tiny) -> None:
    drawn = draw_all(CASES, tiny(epochs=9))
    assert [(one.sampler, one.epoch) for one in drawn] == [(name, n) for name in get_args(Sampler) for n in (1, 9)]
    assert len(draw_all(CASES, tiny(epochs=1))) == len(get_args(Sampler))


def test_what_is_drawn_is_counted(tiny) -> None:
    drawn = draw_all(CASES, tiny(steps_per_epoch=None, batch_size=4, epochs=1))
    only, all_, mixed = (_of(drawn, name) for name in ("lesion_only", "uniform", "three_pool"))
    assert (only.slices, only.batches, only.lesion, only.near, only.far) == (24, 6, 1, 0, 0)
    assert (only.without_lesion, only.lesion_pixels) == (0, pytest.approx(1 / 16))
    assert (only.least, only.most) == (10 / 24, 14 / 24)
    assert (all_.slices, all_.batches, all_.lesion) == (120, 30, 24 / 120)
    assert all_.lesion_pixels == pytest.approx(24 / 120 / 16)
    assert 0.2 < all_.without_lesion < 0.6  # 0.8⁴ = 0.41 is expected.
    assert (all_.least, all_.most) == (40 / 120, 80 / 120)
    assert (mixed.slices, mixed.without_lesion, mixed.least, mixed.most) == (120, 0, 0.5, 0.5)
    assert mixed.lesion == pytest.approx(0.67, abs=0.1)
    for one in drawn:
        assert one.lesion + one.near + one.far == pytest.approx(1)


def test_the_slices_shown_are_those_that_a_training_draws(tiny) -> None:
    config = tiny(epochs=4, seed=3, sampler="boundary", replay=0.5)
    batches = draw_batches(CASES, config, np.random.default_rng([3, 3]), 3)
    items = [item for batch in batches for item in batch]
    shown = _of(draw_all(CASES, config), "boundary", 4)
    assert shown.slices == len(items)
    assert shown.lesion == np.mean([item.row in CASES[item.case].pools.lesion for item in items])


def test_the_untouched_slices_that_are_replayed_are_counted_by_their_kind(tiny) -> None:
    flags = np.any(CASES[0].soft, axis=(1, 2))
    changed = np.isin(np.arange(DEPTH), (3, 4, 20))
    case = TrainingCase(
        "a", "a", CASES[0].slices, CASES[0].soft, Pools.of(flags, changed), True, Pools.of(flags, ~changed)
    )
    shown = _of(draw_all([case], tiny(replay=0.5, batch_size=4, steps_per_epoch=None)), "lesion_only")
    assert (shown.slices, shown.lesion) == (4, 1)  # One batch: two corrected slices with lesion, two untouched ones.


def test_a_sampler_that_finds_nothing_is_shown_with_no_figures(tiny, tmp_path: Path) -> None:
    healthy = [_case("h", range(0))]
    report = SamplingReport(count_slices(healthy, "train"), draw_all(healthy, tiny()))
    assert (_of(report, "boundary").slices, _of(report, "boundary").lesion) == (0, None)
    assert (_of(report, "uniform").lesion, _of(report, "uniform").without_lesion) == (0, 1)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["samplers"][2]["lesion"] is None
    draw_sampling(tmp_path / "sampling.png", report)
    assert (tmp_path / "sampling.png").read_bytes().startswith(b"\x89PNG")


def test_sealed_patients_are_not_counted_and_left_out_ones_not_drawn(tiny, labelled: Study, add_case) -> None:
    for name, split in (("t2", "train"), ("g", "gate"), ("x", "test")):
        labelled.add_revision(name, "truth", add_case(name, lesion=(1,), split=split))
    config = tiny(steps_per_epoch=None)
    report = report_sampling(labelled, config, pytest.fail)
    assert [(one.patient, one.split, one.lesion) for one in report.patients] == [
        ("t1", "train", 3), ("t2", "train", 1), ("v1", "calibration", 3)
    ]  # fmt: skip
    assert _of(report, "lesion_only").slices == 4
    without = report_sampling(labelled, config.model_copy(update={"leave_out": ("t2",)}), pytest.fail)
    assert without.patients == report.patients
    assert _of(without, "lesion_only").slices == 3


def test_a_study_without_training_cases_is_refused(tiny, study: Study, add_case) -> None:
    study.add_revision("v", "truth", add_case("v", split="calibration"))
    with pytest.raises(
        LesionsegError, match=r"has no training case with truth or a correction to draw; add one first\."
    ):
        report_sampling(study, tiny(), lambda _: None)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["lesionseg-train", "sampling", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.run()
        said = capsys.readouterr()
        assert (left.value.code or 0, said.err) == (0, "")
        return said.out

    return run


def test_the_command_prints_two_tables_and_writes_a_table_and_a_picture(
    tiny, phantoms: Study, call, tmp_path: Path
) -> None:
    (tmp_path / "tiny.json").write_text(tiny().model_dump_json())
    asked = [phantoms.folder, "--config", tmp_path / "tiny.json", "--epochs", 7]
    text = call(*asked, "-o", tmp_path / "out")
    lines = [line.split() for line in text.splitlines() if line]
    (case,) = load_cases(phantoms, "train", tiny())
    lesion = len(case.pools.lesion)
    assert lines[2][:5] == ["phantom-0001", "train", "16", str(lesion), str(16 - lesion)]
    assert [line[:2] for line in lines[-8:]] == [[name, n] for name in get_args(Sampler) for n in ("1", "7")]
    assert lines[-4][3:6] == ["100.0%", "0.0%", "0.0%"]
    assert max(map(len, text.splitlines())) <= 100

    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "sampling.csv").read_text())))
    assert [row["what"] for row in rows] == ["patient"] * 2 + ["sampler"] * 8
    assert (rows[0]["patient"], rows[0]["lesion"], rows[0]["sampler"]) == ("phantom-0001", str(lesion), "")
    assert (rows[-4]["sampler"], rows[-4]["lesion_share"], rows[-4]["patient"]) == ("lesion_only", "1", "")
    assert (tmp_path / "out" / "sampling.png").read_bytes().startswith(b"\x89PNG")

    figures = json.loads(call(*asked, "--json"))
    assert figures["patients"][0]["lesion"] == lesion
    assert figures["samplers"][4]["lesion"] == 1.0
