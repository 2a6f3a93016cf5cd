"""Whether a stack is one regular grid; if not, why, with the two files that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.dicom.grouping import FEWEST, TOLERANCE_MM, Stack, heights, is_scout, normal
from napari_lesionseg.volumes.dicom.headers import Slice

Kind = Literal[
    "no pixels", "scout", "no place", "values", "too few", "mixed", "duplicates", "missing", "spacing", "tilt", "shift"
]
SPACING_TOLERANCE = 0.01  # Of the spacing: positions are often written with two decimals.
RESAMPLED: frozenset[Kind] = frozenset({"missing", "spacing", "tilt", "shift"})
NO_SCAN: frozenset[Kind] = frozenset({"no pixels", "scout", "no place"})


@dataclass(frozen=True)
class Fault:
    """Why a stack is no regular scan: the kind, and a sentence without its end."""

    kind: Kind
    sentence: str

    @property
    def can_be_resampled(self) -> bool:
        """Whether an explicit resampling makes a regular grid of it."""
        return self.kind in RESAMPLED

    @property
    def no_scan(self) -> bool:
        """Whether nobody would take this for a scan: a scout, a picture."""
        return self.kind in NO_SCAN


def in_order(stack: Stack) -> list[Slice]:
    """The slices along their normal (rows × columns), whatever their files or numbers say."""
    return [stack.slices[k] for k in np.argsort(heights(stack.slices), kind="stable")]


def fault_of(stack: Stack) -> Fault | None:
    """The first fault of a stack, None if its slices are one regular grid.

    Slices count as regular where each lies within 0.01 mm, or 1 % of the spacing, of its place between the first and
    the last, and within 0.01 mm of the line through the first slice along the normal.
    """
    if (fault := _not_a_scan(stack) or _wrong_values(stack)) is not None:
        return fault
    if len(stack.slices) < FEWEST:
        only = f"only {stack.first.name}" if len(stack.slices) == 1 else f"only {' and '.join(_names(stack))}"
        return Fault("too few", f"it has fewer than {FEWEST} slices ({only})")
    if stack.mixed:
        return Fault("mixed", stack.mixed)
    slices = in_order(stack)
    places = heights(slices)
    return _duplicates(slices, places) or _uneven(slices, places) or _sideways(slices, places)


def _not_a_scan(stack: Stack) -> Fault | None:
    first = stack.first
    if not first.rows or not first.columns:
        return Fault("no pixels", f"it has no pixels ({first.name})")
    if is_scout(first):
        return Fault("scout", f"it is a scout, not a scan ({first.name})")
    lost = [one for one in stack.slices if not one.placed]
    if len(lost) == len(stack.slices):
        return Fault("no place", f"its headers hold no usable position, orientation and pixel spacing ({first.name})")
    if lost:
        found = next(one for one in stack.slices if one.placed)
        return Fault("mixed", f"{lost[0].name} does not say where it lies, and {found.name} does")
    return None


def _wrong_values(stack: Stack) -> Fault | None:
    """Colours and inverted greys in a CT, palettes anywhere; other modalities may be in colour (PS3.3 C.7.6.3.1.2)."""
    for one in stack.slices:
        kind = one.file.text("PhotometricInterpretation").upper()
        usual = kind == "MONOCHROME2" or (one.file.modality != "CT" and kind.startswith(("RGB", "YBR")))
        if not usual:
            return Fault("values", f"{one.name} is stored as {kind or 'nothing known'}, not as plain grey values")
        if one.slope == 0:
            return Fault("values", f"{one.name} has a rescale slope of 0, which leaves nothing of its values")
        if "ModalityLUTSequence" in one.file.header:
            return Fault("values", f"{one.name} has its values in a lookup table, which is not read here")
    return None


def _duplicates(slices: list[Slice], places: npt.NDArray[np.float64]) -> Fault | None:
    steps = np.diff(places)
    if steps.min() > TOLERANCE_MM:
        return None
    at = int(np.argmin(steps))
    one, other = slices[at], slices[at + 1]
    twice = one.file.text("SOPInstanceUID") == other.file.text("SOPInstanceUID") and one.index == other.index
    why = "the same slice twice" if twice else "taken at different times, or written twice"
    return Fault("duplicates", f"{one.name} and {other.name} lie in one place ({why})")


def _uneven(slices: list[Slice], places: npt.NDArray[np.float64]) -> Fault | None:
    """Missing slices, where each step is a multiple of the usual one; else a spacing that varies."""
    steps = np.diff(places)
    even = np.linspace(places[0], places[-1], len(places))
    if np.abs(places - even).max() <= max(TOLERANCE_MM, SPACING_TOLERANCE * steps.mean()):
        return None
    for usual in (float(np.median(steps)), float(steps.min())):
        multiples = np.rint(steps / usual)
        off = np.abs(steps - multiples * usual).max()
        if multiples.min() < 1 or multiples.max() < 2 or off > 2 * max(TOLERANCE_MM, SPACING_TOLERANCE * usual):
            continue
        at = int(np.argmax(multiples))
        count, in_all = int(multiples[at]) - 1, int((multiples - 1).sum())
        missing = "1 slice is" if count == 1 else f"{count} slices are"
        more = f", {in_all} in all" if in_all > count else ""
        return Fault("missing", f"{missing} missing between {slices[at].name} and {slices[at + 1].name}{more}")
    at = int(np.argmax(np.abs(steps - np.median(steps))))
    return Fault(
        "spacing",
        f"the slice spacing varies from {steps.min():.4g} to {steps.max():.4g} mm; it is {steps[at]:.4g} mm between "
        f"{slices[at].name} and {slices[at + 1].name}",
    )


def _sideways(slices: list[Slice], places: npt.NDArray[np.float64]) -> Fault | None:
    """A gantry tilt, where the slices move sideways evenly; else a slice that was shifted."""
    offsets = drift(slices)
    if np.abs(offsets).max() <= TOLERANCE_MM:
        return None
    last = offsets[-1]
    even = np.outer((places - places[0]) / (places[-1] - places[0]), last)
    if np.abs(offsets - even).max() <= max(TOLERANCE_MM, SPACING_TOLERANCE * float(np.linalg.norm(last))):
        angle = np.degrees(np.arctan2(np.linalg.norm(last), places[-1] - places[0]))
        return Fault("tilt", f"the gantry was tilted by {angle:.2g}° ({slices[0].name} to {slices[-1].name})")
    jumps = np.linalg.norm(np.diff(offsets, axis=0), axis=1)
    at = int(np.argmax(jumps))
    return Fault("shift", f"{slices[at + 1].name} is shifted sideways by {jumps[at]:.3g} mm from {slices[at].name}")


def drift(slices: list[Slice]) -> npt.NDArray[np.float64]:
    """How far each slice lies beside the line through the first one along its normal, shape (n, 3), LPS mm."""
    moved = np.array([one.position for one in slices]) - np.array(slices[0].position)
    axis = normal(slices[0])
    return np.asarray(moved - np.outer(moved @ axis, axis))


def _names(stack: Stack) -> list[str]:
    return [one.name for one in stack.slices]
