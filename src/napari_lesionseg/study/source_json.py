"""JSON that another program wrote, read with care: whatever is odd in it is one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from napari_lesionseg.errors import LesionsegError

_MOST_BYTES: Final = 256 << 20  # Text of 100,000 cases; a larger file is not what it says.


def read_object(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Parameters
    ----------
    what
        What the file should be, for the sentence.

    Raises
    ------
    LesionsegError
        If it cannot be read, or holds anything else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise LesionsegError(f"{path} is too large to be {what}; choose another file.")
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror}; check the disk and the permissions.") from error
    except (ValueError, RecursionError) as error:  # Also text that is not UTF-8.
        raise LesionsegError(f"{path} is not {what} (it is no JSON); choose another file.") from error
    if not isinstance(value, dict):
        raise LesionsegError(f"{path} is not {what} (it holds no JSON object); choose another file.")
    return value


def text(value: object) -> str:
    """``value`` if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> dict[str, Any]:
    """``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}
