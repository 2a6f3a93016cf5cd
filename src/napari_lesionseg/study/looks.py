"""How long each slice of a draft was really looked at, and each lesion in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from napari_lesionseg.study.database import now
from napari_lesionseg.study.drafts import Draft
from napari_lesionseg.study.locks import Lock, prove
from napari_lesionseg.study.schema import LookRow
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Mask

LOOKED_SECONDS: Final = 0.5  # Who scrolls past a slice has not looked at it.


def add_looks(connection: Connection, lock: Lock, seconds: Mapping[int, float]) -> None:
    """Add, inside a writing transaction, to the time that display slices (z) of a draft were looked at, in seconds.

    Raises
    ------
    Superseded
        If the lock was taken over.
    """
    moment = now()
    values = [
        {"draft_number": lock.draft, "slice": z, "seconds": spent, "last": moment} for z, spent in seconds.items()
    ]
    if not values:
        return
    added = insert(LookRow)
    together = added.on_conflict_do_update(
        index_elements=[LookRow.draft_number, LookRow.slice],
        set_={"seconds": LookRow.seconds + added.excluded.seconds, "last": added.excluded.last},
    )
    prove(connection, lock)
    connection.execute(together, values)


def seconds_per_slice(study: Study, draft: Draft) -> dict[int, float]:
    """Return how long each display slice (z) was looked at, in seconds; a slice nobody saw is left out."""
    wanted = select(LookRow.slice, LookRow.seconds).where(LookRow.draft_number == draft.number)
    with study._session() as session:
        return {z: seconds for z, seconds in session.execute(wanted.order_by(LookRow.slice))}


def looked_at(study: Study, draft: Draft) -> set[int]:
    """Return the display slices (z) that were looked at for half a second or more."""
    return {z for z, seconds in seconds_per_slice(study, draft).items() if seconds >= LOOKED_SECONDS}


def seconds_per_lesion(study: Study, draft: Draft, mask: Mask) -> dict[int, float]:
    """Return how long each lesion of ``mask`` was looked at, in seconds.

    Lesions are numbered 1, 2, … as in the lesion table. The time on a slice is shared equally among the lesions in it;
    time on a slice without one is nobody's.
    """
    from napari_lesionseg.review.lesions import voxels_by_slice  # It brings cc3d.

    there = voxels_by_slice(mask.array) > 0
    spent = np.zeros(len(there))
    for z, seconds in seconds_per_slice(study, draft).items():
        spent[there[:, z]] += seconds / max(1, there[:, z].sum())
    return {number: float(seconds) for number, seconds in enumerate(spent, start=1)}
