"""What is told of growth from an earlier study to this one; light, since the window holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_lesionseg.review.cross_hair import Place

Verdict = Literal["new", "resolved", "grown", "shrunk", "unchanged"]


@dataclass(frozen=True)
class GrowthRow:
    """Lesions of both studies that are one and the same; more than one where they merged or fell apart.

    Parameters
    ----------
    verdict
        ``"unchanged"`` where the volume changed by less than 25 % of what it was.
    numbers, prior_numbers
        As in the lesion table of each study; empty for what is not there.
    ml, prior_ml
        Volume now and then.
    place
        The voxel (z, y, x) of the current scan to look at.
    """

    verdict: Verdict
    numbers: tuple[int, ...]
    prior_numbers: tuple[int, ...]
    ml: float
    prior_ml: float
    place: Place

    @property
    def change_ml(self) -> float:
        """How many ml there are more than before."""
        return self.ml - self.prior_ml


@dataclass(frozen=True)
class Growth:
    """All lesions of two studies, the largest now first, then those that are gone; and the ml of both masks."""

    rows: tuple[GrowthRow, ...]
    ml: float
    prior_ml: float
