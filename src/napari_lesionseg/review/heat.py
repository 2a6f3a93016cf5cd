"""What a heat map of a prediction shows of each probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.uncertainty import entropy, unsureness

Values = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Heat:
    """One measure of a voxel.

    Parameters
    ----------
    title, unit
        What it is called, and what 1 means of it.
    of
        The measure of each of 256 values, uint8, 255 for 1.
    source
        What these are values of: the probability, or how far the members of an ensemble are apart.
    """

    title: str
    unit: str
    of: Values
    source: Literal["probability", "disagreement"] = "probability"


_P: Final = np.arange(256) / 255


def _bytes(share: npt.NDArray[np.float64]) -> Values:
    return np.round(share * 255).astype(np.uint8)


HEATS: Final[dict[str, Heat]] = {
    "probability": Heat("Probability", "lesion for sure", _bytes(_P)),
    "unsure": Heat("Uncertainty 1 − |2p − 1|", "even chances", _bytes(unsureness())),
    "entropy": Heat("Entropy (bits)", "even chances", _bytes(entropy())),
    "disagreement": Heat(
        "Disagreement of an ensemble", "one member sure of lesion, one sure of none", _bytes(_P), "disagreement"
    ),
}
"""What can be shown."""


def write_heat(heat: Heat, values: Values, out: Values) -> None:
    """Write the measure of ``values`` (uint8, 255 for 1) into ``out``, an array of their shape; a slice or a scan."""
    if values.ndim > 2:
        for one, one_out in zip(values, out, strict=True):
            write_heat(heat, one, one_out)
        return
    np.take(heat.of, values, out=out, mode="clip")  # With "raise", the result would be buffered.
