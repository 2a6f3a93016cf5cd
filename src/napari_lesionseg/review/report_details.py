"""What a report may say beside its figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Details:
    """Who made a mask; an empty field is left out.

    Parameters
    ----------
    model, reviewer
        What predicted it, who reviewed it.
    """

    model: str = ""
    reviewer: str = ""
