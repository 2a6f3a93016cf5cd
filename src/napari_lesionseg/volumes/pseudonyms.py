"""Which neutral name stands for which case or patient: a table that is kept apart from what is exported."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.names import is_safe_name, next_name
from napari_lesionseg.volumes.tables import read_csv, write_csv

HEADER: Final = ["source_id", "pseudonym"]
STEM: Final = "case"


class Pseudonyms:
    """A map from source ids to pseudonyms, in a CSV file of two columns: ``source_id,pseudonym``.

    A source id keeps its pseudonym for ever; a new one gets ``case-0001``, ``case-0002`` and on, which say nothing but
    the order in which they were asked for. Rows may also be written by hand.
    """

    def __init__(self, path: Path, names: dict[str, str]) -> None:
        self.path = path
        self._names = names

    @classmethod
    def open(cls, path: str | Path, outside: str | Path | None = None) -> Pseudonyms:
        """Read the map at ``path``, or begin one there.

        Parameters
        ----------
        outside
            Folder that is going to be given away, in which the map must not lie.

        Raises
        ------
        LesionsegError
            If the map lies in ``outside``, cannot be read, or has an id or a pseudonym twice or a pseudonym that
            cannot be a file name.
        """
        path = Path(path)
        if outside is not None and path.resolve().is_relative_to(Path(outside).resolve()):
            raise LesionsegError(
                f"The map of pseudonyms {path} lies in {outside}, which is going to be given away; keep it elsewhere."
            )
        return cls(path, _read(path) if path.exists() else {})

    def name(self, source_id: str) -> str:
        """The pseudonym of ``source_id``, made if it has none; :meth:`save` keeps it."""
        if source_id not in self._names:
            self._names[source_id] = next_name(STEM, self._names.values())
        return self._names[source_id]

    def save(self) -> None:
        """Write the map atomically, readable by its owner alone where the system knows that.

        Raises
        ------
        LesionsegError
            If it cannot be written, or does not read back equal.
        """
        write_csv(self.path, HEADER, [list(row) for row in self._names.items()])
        with contextlib.suppress(OSError):
            self.path.chmod(0o600)


def _read(path: Path) -> dict[str, str]:
    header, *rows = read_csv(path) or [[]]
    if header != HEADER or any(len(row) != 2 for row in rows):
        raise LesionsegError(f"{path} is not a map of pseudonyms; its columns must be {', '.join(HEADER)}.")
    names: dict[str, str] = {}
    used: set[str] = set()
    for number, (source_id, pseudonym) in enumerate(rows, start=2):
        if not is_safe_name(pseudonym):
            raise LesionsegError(
                f"Line {number} of {path} has a pseudonym that cannot name a file; use 1 to 64 letters, digits, _ or -."
            )
        if source_id in names or pseudonym.lower() in used:
            raise LesionsegError(f"Line {number} of {path} repeats an id or a pseudonym; give each its own.")
        names[source_id] = pseudonym
        used.add(pseudonym.lower())
    return names
