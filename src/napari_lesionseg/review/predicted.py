"""What is predicted: a probability, the model it is from, and the threshold that makes a mask of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.inference.result_key import ResultKey
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.volumes.volume import Mask


class Predicted:
    """The prediction of the open scan; until there is one, nothing is predicted to be lesion.

    Parameters
    ----------
    threshold
        Probability from which a voxel is lesion, 0 to 1.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.probability: npt.NDArray[np.uint8] | None = None
        self.disagreement: npt.NDArray[np.uint8] | None = None
        self.model_name = ""
        self.key: ResultKey | None = None

    def take(
        self,
        probability: npt.NDArray[np.uint8],
        model_name: str,
        threshold: float,
        key: ResultKey | None,
        disagreement: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        """Go on with another prediction."""
        self.probability, self.model_name, self.threshold, self.key = probability, model_name, threshold, key
        self.disagreement = disagreement

    def write(self, z: int, out: Labels) -> None:
        """Threshold display slice ``z`` into ``out``, uint8 (y, x)."""
        if self.probability is None:
            out[...] = 0
        else:
            threshold_probability(self.probability[z], self.threshold, out=out)

    def differs(self, z: int, shown: Labels) -> bool:
        """Whether ``shown``, uint8 (y, x), is not what is predicted for display slice ``z``."""
        if self.probability is None:
            return bool(shown.any())
        return not np.array_equal(shown, threshold_probability(self.probability[z], self.threshold))


def check_threshold(threshold: float) -> None:
    """Raise LesionsegError if ``threshold`` is not from 0 to 1."""
    if not 0 <= threshold <= 1:
        raise LesionsegError(f"A threshold of {threshold} is not from 0 to 1; choose another.")


def check_shape(probability: npt.NDArray[np.uint8], mask: Mask) -> None:
    """Raise LesionsegError if ``probability`` is not uint8 on the voxels of ``mask``."""
    if probability.shape != mask.array.shape or probability.dtype != np.uint8:
        raise LesionsegError(
            f"A prediction of shape {probability.shape} does not fit the open scan of shape {mask.array.shape}; "
            "segment this scan again."
        )
