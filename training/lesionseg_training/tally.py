"""What an epoch adds up to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lesionseg_training.step import Pixels


@dataclass
class Tally:
    """Losses, pixels (hit, predicted, lesion, all) and seconds of an epoch's steps."""

    losses: list[float] = field(default_factory=list)
    pixels: Pixels = field(default_factory=lambda: np.zeros(4))
    seconds: float = 0.0
    waited: float = 0.0

    @property
    def steps(self) -> int:
        """Batches seen."""
        return len(self.losses)

    def add(self, loss: float, pixels: Pixels, seconds: float, waited: float) -> None:
        """Note a step, and how much of its time was spent waiting for data."""
        self.losses.append(loss)
        self.pixels = self.pixels + pixels
        self.seconds += seconds
        self.waited += waited

    def figures(self) -> dict[str, float]:
        """The mean loss, Dice pooled over all cut-outs, and the shares, named as in the event ``epoch``."""
        hit, predicted, lesion, pixels = self.pixels.tolist()
        return {
            "loss": float(np.mean(self.losses)),
            "train_dice": 2 * hit / max(predicted + lesion, 1.0),
            "predicted_share": predicted / pixels,
            "lesion_share": lesion / pixels,
            "data_share": self.waited / max(self.seconds, 1e-9),
        }
