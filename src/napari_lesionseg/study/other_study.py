"""Another study as a source: its cases, with what people drew on them."""

from __future__ import annotations

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.checks import check_scan
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.found import Found, FoundMask, FoundScan, LeftOut
from napari_lesionseg.study.records import Revision
from napari_lesionseg.study.store import Study

TAKEN = ("truth", "correction")


def find_in_study(other: Study) -> Found:
    """Offer each case of a study with its truths and corrections, oldest first.

    Predictions belong to the models of the other study, and blind readings to its reviewers; neither is offered. A
    scan or mask that is missing or has changed is left out.
    """
    scans, left_out = [], []
    for case in other.cases():
        try:
            check_scan(case)
        except LesionsegError as error:
            left_out.append(LeftOut(case.scan, str(error)))
            continue
        masks = []
        for revision in other.revisions(case.id):
            if revision.role in TAKEN:
                problem = _problem(revision)
                left_out += [LeftOut(revision.path, problem)] if problem else []
                masks += [] if problem else [_offer(revision)]
        group = f"patient {case.patient} of {other.folder.name}"
        scans.append(FoundScan(case.scan, tuple(masks), group, case.id, case.patient))
    return Found(tuple(scans), tuple(left_out))


def _problem(revision: Revision) -> str:
    try:
        same = sha256_of(revision.path) == revision.sha256
    except LesionsegError as error:
        return str(error)
    return "" if same else "no longer the mask that was kept in the other study"


def _offer(revision: Revision) -> FoundMask:
    by = f" by {revision.reviewer}" if revision.reviewer else ""
    return FoundMask(
        revision.path,
        revision.role,
        f"{revision.role}{by} in the other study",
        revision.reviewer,
        revision.model,
        revision.corrected_slices,
    )
