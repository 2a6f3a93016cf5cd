"""The states of a case under review, and which of them may follow which."""

from __future__ import annotations

from typing import Final, Literal, get_args

from napari_lesionseg.errors import LesionsegError

State = Literal["unlabelled", "predicted", "in review", "corrected", "approved", "rejected", "reopened", "skipped"]
STATES: Final[tuple[State, ...]] = get_args(State)
MOVES: Final[dict[State, tuple[State, ...]]] = {
    "unlabelled": ("predicted", "in review", "skipped"),
    "predicted": ("in review", "skipped"),
    "in review": ("corrected", "skipped"),
    "corrected": ("in review", "approved", "rejected"),
    "approved": ("reopened",),
    "rejected": ("reopened",),
    "reopened": ("in review", "skipped"),
    "skipped": ("reopened",),
}
NEED_REASON: Final[frozenset[State]] = frozenset({"rejected", "skipped"})
FINISHED: Final[frozenset[State]] = frozenset({"approved", "rejected", "skipped"})  # The queue passes these over.


def check_state(name: str) -> State:
    """Return ``name`` as a state.

    Raises
    ------
    LesionsegError
        If there is no such state.
    """
    for state in STATES:
        if name == state:
            return state
    raise LesionsegError(f"There is no state {name!r}; choose one of {', '.join(STATES)}.")


def check_move(case_id: str, before: State, after: State) -> None:
    """Refuse a move that is not one of ``MOVES``.

    Raises
    ------
    LesionsegError
        If a case that is ``before`` cannot become ``after``.
    """
    if after not in MOVES[before]:
        raise LesionsegError(
            f"Case {case_id} is {before} and cannot become {after}; it can become {' or '.join(MOVES[before])}."
        )
