"""Frames of an enhanced multi-frame file: shared and per-frame functional groups (PS3.3 C.7.6.16)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_lesionseg.volumes.dicom.headers import MARKS, Slice
from napari_lesionseg.volumes.dicom.values import placement, text

if TYPE_CHECKING:
    from pydicom import Dataset

_GROUPS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "FrameContentSequence",
    "CTReconstructionSequence",
    "CardiacSynchronizationSequence",
    "MREchoSequence",
    "MRDiffusionSequence",
)
_OTHER_NAMES = {"FrameAcquisitionNumber": "AcquisitionNumber", "EffectiveEchoTime": "EchoTime"}


def frames_of(first: Slice) -> list[Slice]:
    """Every frame of the file of ``first``, each with what its own group says over what all share.

    Parameters
    ----------
    first
        The file's first frame with what stands outside the functional groups.
    """
    header = first.file.header
    shared_items = header.get("SharedFunctionalGroupsSequence") or []
    shared = _facts(first, shared_items[0]) if len(shared_items) else first
    own = header.PerFrameFunctionalGroupsSequence
    return [replace(_facts(shared, own[index]), index=index) for index in range(min(len(own), first.file.frames))]


def _facts(base: Slice, groups: Dataset) -> Slice:
    """``base`` with what the functional groups of one item say."""
    frame = base
    marks = dict(base.marks)
    for name in _GROUPS:
        items = groups.get(name)
        if not items:
            continue
        item = items[0]
        frame = replace(frame, **placement(item))
        for keyword in (*MARKS, *_OTHER_NAMES):
            if found := text(item, keyword):
                marks[_OTHER_NAMES.get(keyword, keyword)] = found
    return replace(frame, marks=tuple(marks.items()))
