"""What a label of a mask means, in words, in colour and in the codes that other systems read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.volume import Mask

HIGHEST_LABEL: Final = 65535  # DICOM numbers segments and ROIs in 16 bits.


class Code(NamedTuple):
    """A term of a coding scheme (DICOM PS3.3, 8.8): ``SCT`` is SNOMED CT, ``DCM`` DICOM's own terms."""

    value: str
    scheme: str
    meaning: str


ABNORMAL: Final = Code("49755003", "SCT", "Morphologically Abnormal Structure")
"""The category (CID 7150) of all lesion types."""
LUNG: Final = Code("39607008", "SCT", "Lung")
"""The anatomic region (CID 4031 and others)."""


@dataclass(frozen=True)
class LesionType:
    """A kind of lesion that a segment can be of."""

    name: str
    code: Code
    colour: tuple[int, int, int]


LESION: Final = LesionType("Lesion", Code("52988006", "SCT", "Lesion"), (230, 60, 60))
"""CID 7159; what a label means as long as nobody says otherwise."""
NODULE: Final = LesionType("Nodule", Code("27925004", "SCT", "Nodule"), (240, 160, 40))
"""CID 7159."""
MASS: Final = LesionType("Mass", Code("4147007", "SCT", "Mass"), (170, 80, 200))
"""CID 7159; a focal lesion above 3 cm."""
GROUND_GLASS: Final = LesionType("Ground-glass opacity", Code("112120", "DCM", "Ground glass opacity"), (80, 170, 230))
"""CID 6102; SNOMED CT's findings have no place among the segmentation types, so DICOM's own term."""
CONSOLIDATION: Final = LesionType("Consolidation", Code("95436008", "SCT", "Lung consolidation"), (60, 190, 110))
"""SNOMED CT; DICOM's lists are extensible and have no term for it."""
LESION_TYPES: Final = (LESION, GROUND_GLASS, CONSOLIDATION, NODULE, MASS)

_COLOURS = ((230, 60, 60), (80, 170, 230), (60, 190, 110), (240, 160, 40), (170, 80, 200), (240, 220, 60))


@dataclass(frozen=True)
class Segment:
    """What one label of a mask means.

    Parameters
    ----------
    label
        Value in the mask, 1 to 65535.
    name
        What people call it.
    colour
        Red, green, blue, 0 to 255.
    category, type, region
        Coded category (CID 7150), type (CID 7159, 6102) and anatomic region.
    algorithm
        The model that drew it before a person looked at it; empty if it was drawn by hand.
    """

    label: int
    name: str = LESION.name
    colour: tuple[int, int, int] = LESION.colour
    category: Code = ABNORMAL
    type: Code = LESION.code
    region: Code = LUNG
    algorithm: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.label <= HIGHEST_LABEL:
            raise LesionsegError(f"Label {self.label} cannot be exported; use labels from 1 to {HIGHEST_LABEL}.")
        if not self.name.strip():
            raise LesionsegError(f"The segment of label {self.label} has no name; name it.")

    def of(self, kind: LesionType) -> Segment:
        """The same label as another kind of lesion."""
        return replace(self, name=kind.name, colour=kind.colour, type=kind.code)


def mask_labels(mask: Mask) -> list[int]:
    """The labels that occur in a mask, ascending, without background.

    Raises
    ------
    LesionsegError
        If a label is negative or above 65535.
    """
    array = mask.array
    if array.size and (int(array.min()) < 0 or int(array.max()) > HIGHEST_LABEL):
        raise LesionsegError(
            f"The mask has labels from {array.min()} to {array.max()}; use labels from 0 to {HIGHEST_LABEL}."
        )
    # Counting is ten times as fast as sorting what np.unique sorts; labels are small.
    counts = np.bincount(array.ravel().astype(np.uint16, copy=False))
    return [int(label) for label in np.flatnonzero(counts) if label]


def default_segments(mask: Mask) -> list[Segment]:
    """One segment a label that occurs: ``Lesion``, and ``Lesion 2`` and so on for labels above 1.

    An empty mask still has its lesion segment, so that "looked at, nothing found" can be exported.
    """
    labels = mask_labels(mask) or [1]
    return [
        Segment(label, name="Lesion" if label == 1 else f"Lesion {label}", colour=_COLOURS[(label - 1) % len(_COLOURS)])
        for label in labels
    ]


def check_segments(mask: Mask, segments: list[Segment]) -> list[Segment]:
    """The segments ordered by label, proved to describe each label of the mask once.

    Raises
    ------
    LesionsegError
        If a label has no segment or two, or there is none at all.
    """
    described = [segment.label for segment in segments]
    if len(set(described)) != len(described) or not described:
        raise LesionsegError("Each label needs exactly one segment; give every label one name.")
    missing = sorted(set(mask_labels(mask)) - set(described))
    if missing:
        raise LesionsegError(f"Label {missing[0]} of the mask has no name; describe it or remove it from the mask.")
    return sorted(segments, key=lambda segment: segment.label)
