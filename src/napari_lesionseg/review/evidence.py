"""What suspicious places are found by, and what is said of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.changes import Labels
from napari_lesionseg.volumes.volume import Mask, Volume

Kind = Literal["unsure", "lesion", "more", "less"]
Probability = npt.NDArray[np.uint8]
SMALLEST_ML: Final = 0.03


@dataclass(frozen=True)
class Place:
    """Where to look, and why.

    Parameters
    ----------
    kind
        ``"unsure"``: the model is; ``"lesion"``: a lesion is odd; ``"more"``, ``"less"``: there is more or less in the
        mask than the last model marked.
    voxel
        The display voxel (z, y, x).
    ml
        How much is suspicious.
    reason
        One sentence for people.
    score
        The higher, the more suspicious: ml, weighted.
    """

    kind: Kind
    voxel: tuple[int, int, int]
    ml: float
    reason: str
    score: float

    @property
    def slice(self) -> int:
        """The display slice (z)."""
        return self.voxel[0]


@dataclass(frozen=True, eq=False)
class LastModel:
    """What the last model made of the scan: uint8 (z, y, x) p·255, from which probability it is lesion, its name."""

    probability: Probability
    threshold: float
    name: str


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the open scan; arrays are only read.

    Parameters
    ----------
    scan, mask, lungs
        The scan, the labels (z, y, x) as they are now, and the lungs if they are known.
    probability
        The prediction, uint8 (z, y, x) p·255.
    last
        What another model predicted before.
    corrected
        Display slices (z) a person corrected: there it is no news that the mask is not a model's.
    """

    scan: Volume
    mask: Labels
    probability: Probability | None = None
    lungs: Mask | None = None
    last: LastModel | None = None
    corrected: frozenset[int] = field(default_factory=frozenset)
