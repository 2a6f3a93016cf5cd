"""What a backend has to do."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Logits = npt.NDArray[np.float32]


class Backend(Protocol):
    """A network that is ready to run.

    Parameters
    ----------
    name
        ``"torch"`` or ``"openvino"``.
    device
        Where it runs now.
    stack, marked
        Slices it sees at a time, and those of them that it marks: the middle one, or all.
    """

    name: str
    device: str
    stack: int
    marked: int

    def at_work(self) -> AbstractContextManager[None]:
        """Be in the state to predict, as long as this is open."""
        ...

    def logits(self, stack: Bytes) -> Logits:
        """Mark slices of stacks (N, stack, h, w), 0…255: logits (N, marked, h, w)."""
        ...

    def retreat(self) -> bool:
        """Go where there is more memory; False if there is no such place."""
        ...
