"""What is said of suspicious places that nobody looked at."""

from __future__ import annotations

from napari_lesionseg.review.evidence import Place
from napari_lesionseg.study.workflow import LONGEST_TEXT
from napari_lesionseg.widgets.waiver import unseen_sentence, waiver


def test_the_sentence_counts_places_and_slices() -> None:
    assert unseen_sentence(1, 0, 6) == (
        "1 suspicious place has not been on the screen. Look (N leads there), or approve anyway."
    )
    assert unseen_sentence(3, 40, 48) == (
        "3 suspicious places have not been on the screen; nor were 40 of 48 slices looked at. "
        "Look (N leads there), or approve anyway."
    )


def test_a_waiver_of_fifty_places_fits_into_a_comment() -> None:
    place = Place("unsure", (1, 2, 3), 1.0, "The model is unsure of 1.00 ml here, " * 5, 1.0)
    assert waiver([place] * 50).startswith("Approved with 50 suspicious places waived, not seen: slice 1: The model")
    assert len(waiver([place] * 50)) <= LONGEST_TEXT
