"""The ledger of patients: who is in which split, line by line; it only grows, and its hash proves that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.chain import line_hash

if TYPE_CHECKING:
    from napari_lesionseg.study.store import Study


def ledger_hash(study: Study) -> str:
    """Return the hash of the last line, which stands for the whole ledger; empty for a study without patients."""
    return ([""] + [line[2] for line in study.ledger()])[-1]


def extends(study: Study, earlier: str) -> bool:
    """Whether the ledger is one whose hash was ``earlier``, with nothing but new lines since."""
    return earlier == "" or any(line[2] == earlier for line in study.ledger())


def check_ledger(study: Study) -> None:
    """Prove that no line was changed, taken out or put in between.

    Raises
    ------
    LesionsegError
        If one was.
    """
    last = ""
    for patient, split, noted in study.ledger():
        last = line_hash(last, patient, split)
        if noted != last:
            raise LesionsegError(
                f"The ledger of {study.folder} was changed at patient {patient}; restore study.db from a backup."
            )
