"""What a prediction belongs to: the scan it was made of, the weights that made it, and how the scan was prepared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import ModelCard
from napari_lesionseg.volumes.volume import Volume

RECIPE: Final = 1  # Raise it when the same scan, weights and configuration would give another prediction.


@dataclass(frozen=True)
class ResultKey:
    """Three SHA-256 in hexadecimal that tell one prediction from every other.

    Parameters
    ----------
    scan
        Of the scan's voxels and grid (see ``fingerprint``).
    model
        Of the weights.
    config
        Of the architecture and the preprocessing on the model's card.
    """

    scan: str
    model: str
    config: str

    @classmethod
    def of(cls, scan: Volume, card: ModelCard) -> ResultKey:
        """The key of what the model of ``card`` predicts for ``scan``."""
        return cls(scan.fingerprint, card.sha256, config_hash(card))

    @classmethod
    def parse(cls, text: str) -> ResultKey:
        """Read what ``str`` wrote.

        Raises
        ------
        LesionsegError
            If these are not three SHA-256.
        """
        parts = text.split(":")
        if len(parts) != 3 or not all(_is_sha256(part) for part in parts):
            raise LesionsegError("It is not known which scan a prediction belongs to; segment the scan again.")
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.scan}:{self.model}:{self.config}"

    def check_scan(self, scan: Volume) -> None:
        """Refuse ``scan`` if the prediction is not of it.

        Raises
        ------
        LesionsegError
            If its voxels or its grid are others.
        """
        if self.scan != scan.fingerprint:
            raise LesionsegError("The prediction is of another scan than the one that is open; segment this scan.")

    def check_model(self, card: ModelCard) -> None:
        """Refuse the model of ``card`` if the prediction is not its own.

        Raises
        ------
        LesionsegError
            If the weights or the configuration are others.
        """
        if (self.model, self.config) != (card.sha256, config_hash(card)):
            raise LesionsegError(f"The model {card.name} was replaced while it was at work; segment the scan again.")


def config_hash(card: ModelCard) -> str:
    """SHA-256 of what a card says of the network and of preparing a scan for it."""
    parts = {
        "recipe": RECIPE,
        "architecture": card.architecture.model_dump(mode="json"),
        "preprocessing": card.preprocessing.model_dump(mode="json"),
    }
    if card.guard is not None:  # What is held back lies just under the threshold.
        parts["guard"] = {"threshold": card.threshold, **card.guard.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def probability_hash(probability: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of a probability (z, y, x) and its shape, to tell whether it came through whole."""
    digest = hashlib.sha256(json.dumps(probability.shape).encode())
    digest.update(np.ascontiguousarray(probability).data)
    return digest.hexdigest()


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
