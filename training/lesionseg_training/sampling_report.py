"""How lesions are spread over the slices of a study, and what each sampler makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt

from lesionseg_training.batches import draw_batches
from lesionseg_training.cache import PreparedCache
from lesionseg_training.config import Sampler, TrainConfig
from lesionseg_training.data import TrainingCase, load_cases
from lesionseg_training.sampling import Batch
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.split import Split
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.tables import Cell

SAMPLERS: Final[tuple[Sampler, ...]] = get_args(Sampler)
KINDS: Final = ("lesion", "near", "far")


@dataclass(frozen=True)
class PatientSlices:
    """The slices of one patient that can be drawn, and the share of lesion among their pixels."""

    patient: str
    split: str
    lesion: int
    near: int
    far: int
    lesion_pixels: float

    @property
    def slices(self) -> int:
        """All of them."""
        return self.lesion + self.near + self.far

    @property
    def empty(self) -> int:
        """Those without lesion."""
        return self.near + self.far

    def row(self) -> dict[str, Any]:
        """The fields of a table."""
        counts = {"slices": self.slices, "empty": self.empty, "lesion_share": self.lesion / self.slices}
        return asdict(self) | counts


@dataclass(frozen=True)
class Drawn:
    """What a sampler draws in one epoch; all figures but counts are None if it finds nothing to draw.

    Parameters
    ----------
    epoch
        From 1.
    lesion, near, far
        Shares of the slices drawn.
    lesion_pixels
        Mean share of lesion in the slices drawn, whole, before they are cut.
    without_lesion
        Share of the batches that have no slice with lesion.
    least, most
        Shares of the slices drawn that are of the patient drawn least and most.
    """

    sampler: str
    epoch: int
    batches: int
    slices: int
    lesion: float | None = None
    near: float | None = None
    far: float | None = None
    lesion_pixels: float | None = None
    without_lesion: float | None = None
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class SamplingReport:
    """The patients of ``train`` and ``calibration``, and what is drawn of those that are learned from."""

    patients: list[PatientSlices]
    drawn: list[Drawn]

    def to_dict(self) -> dict[str, Any]:
        """As it is printed with ``--json``."""
        return {"patients": [one.row() for one in self.patients], "samplers": [asdict(one) for one in self.drawn]}

    def table(self) -> tuple[list[str], list[list[Cell]]]:
        """Header and rows: one for each patient (``what`` is ``patient``), then for each sampler and epoch."""
        rows: list[dict[str, Any]] = [{"what": "patient"} | one.row() for one in self.patients]
        for drawn in self.drawn:
            shares = {f"{key}_share" if key in KINDS else key: value for key, value in asdict(drawn).items()}
            rows.append({"what": "sampler"} | shares)
        header = list(dict.fromkeys(key for row in rows for key in row))
        return header, [[row.get(key) for key in header] for row in rows]


def report_sampling(study: Study, config: TrainConfig, warn: Callable[[str], None]) -> SamplingReport:
    """Count the slices of ``train`` and ``calibration``, and draw the first and last epoch with every sampler.

    Patients of ``leave_out`` are counted and not drawn.

    Raises
    ------
    LesionsegError
        If no patient of ``train`` has a labelled case to draw, or as ``load_cases``.
    """
    cache = PreparedCache(study.folder, config.cache_gb)
    splits: tuple[Split, ...] = ("train", "calibration")
    cases = {split: load_cases(study, split, config, warn, cache) for split in splits}
    learned = [case for case in cases["train"] if case.patient not in config.leave_out]
    if not learned:
        raise LesionsegError(f"{study.folder} has no training case with truth or a correction to draw; add one first.")
    patients = [one for split, some in cases.items() for one in count_slices(some, split)]
    return SamplingReport(patients, draw_all(learned, config))


def count_slices(cases: Sequence[TrainingCase], split: str) -> list[PatientSlices]:
    """One record a patient, in the order of the cases."""
    counted = []
    for patient in dict.fromkeys(case.patient for case in cases):
        own = [case for case in cases if case.patient == patient]
        lesion, near, far = (sum(len(case.pools.kinds[kind]) for case in own) for kind in range(len(KINDS)))
        pixels = sum(float(case.soft[case.pools.all].sum(dtype=np.int64)) for case in own)
        whole = sum(case.soft[0].size * len(case.pools.all) for case in own)
        counted.append(PatientSlices(patient, split, lesion, near, far, pixels / 255 / whole))
    return counted


def draw_all(cases: Sequence[TrainingCase], config: TrainConfig) -> list[Drawn]:
    """Draw the first and the last epoch with every sampler, exactly as a training with ``config`` would."""
    table = [_rows(case) for case in cases]
    epochs = sorted({0, config.epochs - 1})
    return [_draw(cases, table, config, sampler, epoch) for sampler in SAMPLERS for epoch in epochs]


Rows = dict[int, tuple[int, float]]  # Of each row of a case: its kind, and its share of lesion.


def _rows(case: TrainingCase) -> Rows:
    share: npt.NDArray[np.float64] = case.soft.mean(axis=(1, 2)) / 255
    pools = (case.untouched, case.pools)
    return {
        int(row): (kind, float(share[row])) for pool in pools for kind, rows in enumerate(pool.kinds) for row in rows
    }


def _draw(
    cases: Sequence[TrainingCase], table: Sequence[Rows], config: TrainConfig, sampler: Sampler, epoch: int
) -> Drawn:
    chosen = config.model_copy(update={"sampler": sampler})
    try:
        batches = draw_batches(cases, chosen, np.random.default_rng([config.seed, epoch]), epoch)
    except LesionsegError:  # No lesion, and a sampler that draws around lesions.
        return Drawn(sampler, epoch + 1, 0, 0)
    items = [item for batch in batches for item in batch]
    kinds, shares = zip(*(table[item.case][item.row] for item in items), strict=True)
    lesion, near, far = (np.bincount(kinds, minlength=len(KINDS)) / len(items)).tolist()
    drawn = Counter(cases[item.case].patient for item in items)
    of_patients = [drawn[case.patient] / len(items) for case in cases]
    return Drawn(
        sampler,
        epoch + 1,
        len(batches),
        len(items),
        lesion,
        near,
        far,
        float(np.mean(shares)),
        _without_lesion(batches, table),
        min(of_patients),
        max(of_patients),
    )


def _without_lesion(batches: Iterable[Batch], table: Sequence[Rows]) -> float:
    return float(np.mean([all(table[item.case][item.row][0] > 0 for item in batch) for batch in batches]))
