"""What is said of suspicious places that nobody looked at."""

from __future__ import annotations

from collections.abc import Sequence

from napari_lesionseg.review.evidence import Place


def unseen_sentence(places: int, slices: int, of: int) -> str:
    """Say why a case is not approved yet: so many suspicious places, and so many slices, were not on the screen."""
    noun = "suspicious place has" if places == 1 else "suspicious places have"
    also = f"; nor were {slices} of {of} slices looked at" if slices > 0 else ""
    return f"{places} {noun} not been on the screen{also}. Look (N leads there), or approve anyway."


def waiver(places: Sequence[Place]) -> str:
    """Write down which places were approved without a look."""
    told = "; ".join(f"slice {place.slice}: {place.reason.rstrip('.')}" for place in places)
    noun = "1 suspicious place" if len(places) == 1 else f"{len(places)} suspicious places"
    text = f"Approved with {noun} waived, not seen: {told}."
    return text if len(text) <= 3900 else f"{text[:3900]}…"  # A comment has room for 4000 letters.
