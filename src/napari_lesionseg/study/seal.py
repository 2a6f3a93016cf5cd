"""The door through which a trainer gets its cases; test and gate stay behind it, for they judge what was learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.ledger import check_ledger
from napari_lesionseg.study.records import Case
from napari_lesionseg.study.split import Split, check_split

if TYPE_CHECKING:
    from napari_lesionseg.study.store import Study

SEALED: Final[frozenset[Split]] = frozenset({"gate", "test"})


def learning_cases(study: Study, splits: Iterable[str] = ("train",)) -> list[Case]:
    """Return the cases of ``splits`` to learn from, or to choose settings by; those that were removed are left out.

    Raises
    ------
    LesionsegError
        If a split is unknown or sealed, or the study's ledger of patients was changed.
    """
    wanted = {check_split(name) for name in splits}
    for split in sorted(wanted & SEALED):
        raise LesionsegError(
            f"The split {split} of {study.folder} is sealed: it judges models and none may learn from it; "
            "choose train or calibration."
        )
    check_ledger(study)
    return [case for case in study.cases() if case.split in wanted]
