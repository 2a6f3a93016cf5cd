"""What goes wrong while edits are kept: told once each, and tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from napari_lesionseg.errors import LesionsegError

_PAUSES: Final = (0.1, 0.2, 0.5, 1.0)  # Seconds before the next try; the last one goes on for ever.
_log = logging.getLogger(__name__)


class Failures:
    """What went wrong lately: told once each, and tried again after a pause that grows.

    Parameters
    ----------
    tell
        Called with one sentence.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._count = 0
        self._last = ""

    def tell(self, error: Exception) -> float:
        """Tell of ``error`` if it is not the last one again; return for how many seconds to pause."""
        sentence = str(error)
        if not isinstance(error, LesionsegError):
            _log.error("The journal failed", exc_info=error)
            sentence = f"Edits cannot be kept ({type(error).__name__}: {error}); export the mask and report this."
        if sentence != self._last:
            self._last = sentence
            self._tell(sentence)
        self._count += 1
        return _PAUSES[min(self._count, len(_PAUSES)) - 1]

    def may_pass(self, error: Exception) -> bool:
        """Whether ``error`` comes from the disk or the database, and may be over in a moment."""
        return isinstance(error, OSError) or error.__cause__ is not None

    def over(self) -> None:
        """Take note that all went well."""
        self._count, self._last = 0, ""
