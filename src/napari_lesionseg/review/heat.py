"""What a heat map of a prediction shows of each probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.uncertainty import entropy

Values = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Heat:
    """One measure of a voxel.

    Parameters
    ----------
    title, unit
        What it is called, and what 1 means of it.
    of
        The measure of each of the 256 probabilities, uint8, 255 for 1.
    """

    title: str
    unit: str
    of: Values


_P: Final = np.arange(256) / 255


def _bytes(share: npt.NDArray[np.float64]) -> Values:
    return np.round(share * 255).astype(np.uint8)


HEATS: Final[dict[str, Heat]] = {
    "probability": Heat("Probability", "lesion for sure", _bytes(_P)),
    "unsure": Heat("Uncertainty 1 − |2p − 1|", "even chances", _bytes(1 - np.abs(2 * _P - 1))),
    "entropy": Heat("Entropy (bits)", "even chances", _bytes(entropy())),
}
"""What can be shown. There is no disagreement of an ensemble: a prediction is of one model."""


def write_heat(heat: Heat, probability: Values, out: Values) -> None:
    """Write the measure of ``probability`` (uint8, p·255) into ``out``, an array of its shape; a slice or a scan."""
    if probability.ndim > 2:
        for one, one_out in zip(probability, out, strict=True):
            write_heat(heat, one, one_out)
        return
    np.take(heat.of, probability, out=out, mode="clip")  # With "raise", the result would be buffered.
