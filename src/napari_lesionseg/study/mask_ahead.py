"""The mask that the next case begins with, read before it is opened: inflating it takes longer than all the rest."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.store import Study

Twins = tuple[Labels, Labels]
HELD = 2  # Masks, twice 79 MB each for a scan of 512 × 512 × 300.
_held: OrderedDict[str, Twins] = OrderedDict()
_lock = threading.Lock()


def read_mask_ahead(study: Study, case: Case) -> None:
    """Hold the revision that opening ``case`` will most likely begin with; one that cannot be read is passed over."""
    revision = _first_choice(study, case)
    if revision is None:
        return
    with _lock:
        held = revision.id in _held
    if not held:
        with contextlib.suppress(LesionsegError):  # Whoever opens the case is told.
            hold(revision, read_labels(case, revision))


def hold(revision: Revision, labels: Labels) -> None:
    """Hold the labels (z, y, x) of a revision, and a copy; nobody else may write to them."""
    twins = labels, labels.copy()
    with _lock:
        _held[revision.id] = twins
        while len(_held) > HELD:
            _held.popitem(last=False)


def take(revision: Revision) -> Twins | None:
    """Give away the labels of a revision, twice, if they were read ahead; the taker may write to both."""
    with _lock:
        return _held.pop(revision.id, None)


def _first_choice(study: Study, case: Case) -> Revision | None:
    """What ``Drafts.open_main`` and ``replay`` begin with: the newest mask kept from the draft, else its base."""
    draft = Drafts(study).find_main(case.id)
    if draft is None:
        return study.latest(case.id, "correction") or study.latest(case.id, "prediction")
    kept = [revision for revision in study.revisions(case.id) if revision.draft == draft.id]
    return kept[-1] if kept else draft.base
