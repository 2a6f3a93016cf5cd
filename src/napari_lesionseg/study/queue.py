"""The cases as a queue: what a list of them shows, and which one comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_lesionseg.study.states import FINISHED, STATES, State, check_state

if TYPE_CHECKING:
    from napari_lesionseg.study.store import Study


@dataclass(frozen=True)
class CaseSummary:
    """One line of the list of cases.

    Parameters
    ----------
    id, patient, split
        Which case it is, of whom, and the split of the patient.
    state
        How far its review is (see ``states``).
    reviewer
        Who worked on it last; empty if nobody did.
    lesion_ml
        Lesion volume of its newest mask; None without one.
    uncertainty
        How unsure the model was of its newest prediction (``mean_uncertainty``, bits); None without one.
    touched
        UTC, ISO 8601; None if nobody touched it.
    masks
        Roles that it has masks in, such as ``("truth", "prediction")``.
    """

    id: str
    patient: str
    split: str
    state: State
    reviewer: str = ""
    lesion_ml: float | None = None
    uncertainty: float | None = None
    touched: str | None = None
    masks: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do: approved, rejected or skipped."""
        return self.state in FINISHED


def case_rows(study: Study, case_id: str | None = None) -> list[CaseSummary]:
    """List the cases of a study in the order they were added, or one of them; removed ones are left out.

    No scan and no mask is touched.
    """
    from sqlalchemy import select

    from napari_lesionseg.study.records import ROLES
    from napari_lesionseg.study.schema import CaseRow, PatientRow, RevisionRow

    # Plain columns: 10,000 mapped objects would take a second.
    listed = (
        select(
            *(CaseRow.id, PatientRow.id, PatientRow.split, CaseRow.state, CaseRow.reviewer),
            *(CaseRow.lesion_ml, CaseRow.uncertainty, CaseRow.touched),
        )
        .join(CaseRow.patient)
        .where(CaseRow.removed.is_(None))
        .order_by(CaseRow.number)
    )
    found = select(CaseRow.id, RevisionRow.role).join(CaseRow, CaseRow.number == RevisionRow.case_number).distinct()
    if case_id is not None:
        listed, found = listed.where(CaseRow.id == case_id), found.where(CaseRow.id == case_id)
    roles: dict[str, set[str]] = {}
    with study._session() as session:
        for case, role in session.execute(found):
            roles.setdefault(case, set()).add(role)
        lines = list(session.execute(listed))
    return [
        CaseSummary(
            *(case, patient, split, check_state(state), reviewer, ml, uncertainty, touched),
            tuple(role for role in ROLES if role in roles.get(case, ())),
        )
        for case, patient, split, state, reviewer, ml, uncertainty, touched in lines
    ]


def next_case(rows: Sequence[CaseSummary], current: str | None, step: int, unfinished: bool = True) -> str | None:
    """Choose the case to go to from ``current``, in the order of ``rows``.

    Parameters
    ----------
    rows
        The cases as they are listed now: sorted and filtered.
    current
        Id of the open case; None, or one that is not listed, stands before the first and behind the last.
    step
        1 for the next, -1 for the previous.
    unfinished
        Pass over finished cases, and go on from the other end of the list, so that none is forgotten. Without it, the
        list ends at its ends.

    Returns
    -------
    str or None
        The id of the case; None if there is no other to go to.
    """
    ids = [row.id for row in rows]
    here = ids.index(current) if current in ids else (-1 if step > 0 else len(ids))
    ahead = list(range(here + 1, len(ids))) if step > 0 else list(range(here - 1, -1, -1))
    if unfinished:
        ahead += list(range(here)) if step > 0 else list(range(len(ids) - 1, here, -1))
        ahead = [place for place in ahead if not rows[place].finished]
    return ids[ahead[0]] if ahead else None


def count_states(rows: Sequence[CaseSummary]) -> dict[State, int]:
    """Count the cases in each state, in the order of ``STATES``; states of no case are left out."""
    counts = Counter(row.state for row in rows)
    return {state: counts[state] for state in STATES if counts[state]}
