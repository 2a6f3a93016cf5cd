"""The tour of suspicious places of the open scan: found beside the window, and which of them were seen or waived."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_lesionseg.review.evidence import Evidence, LastModel, Place, Probability
from napari_lesionseg.review.session import Session
from napari_lesionseg.review.suspicion import suspicious_places, unsure_places
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.layers import LayerBridge
from napari_lesionseg.widgets.sight import sees

REST_MS = 1000  # After the last edit, before places are looked for again.
LOOK_MS = 500  # Who scrolls past a place has not seen it; as in study.looks.
SAME_MM = 10.0  # A place of one kind that is found again no further away is the one that was seen.
Done = Literal["seen", "waived"]
Found = tuple[list[Place], list[Place] | None]


class Tour:
    """Goes from place to place, the most suspicious first."""

    changed = Signal()  # The places, which of them are done, or which one is looked at.
    failed = Signal(object)  # The exception; there are no places then.

    def __init__(self, session: Session, layers: LayerBridge) -> None:
        self._session, self._layers = session, layers
        self.places: list[Place] = []
        self.done: dict[Place, Done] = {}
        self.current: Place | None = None
        self.last: LastModel | None = None  # What another model predicted before.
        self._now: LastModel | None = None  # What the model predicted that the session has.
        self._unsure: tuple[Probability, list[Place]] | None = None  # Found in this probability.
        self._asked = self._found = 0  # Counts what was changed, and up to which change places were found.
        self._running = False
        self._waiting: list[Callable[[], object]] = []
        self._rest, self._look = QTimer(), QTimer()
        for timer, slot, pause in ((self._rest, self._find, REST_MS), (self._look, self._on_looked, LOOK_MS)):
            timer.setSingleShot(True)
            timer.setInterval(pause)
            timer.timeout.connect(slot)
        session.scan_changed.connect(self._on_scan)
        session.prediction_changed.connect(self._on_prediction)
        session.mask_changed.connect(self._on_change)
        session.lungs_changed.connect(self._on_change)
        session.slice_changed.connect(self._on_slice)

    @property
    def ready(self) -> bool:
        """Whether the places are those of the mask as it is now."""
        return self._found == self._asked

    def unseen(self) -> list[Place]:
        """The places that were neither on the screen nor waived."""
        return [place for place in self.places if place not in self.done]

    def set_last(self, last: LastModel | None) -> None:
        """Compare with what this model made of the open scan."""
        self.last = last
        self._on_change()

    def when_ready(self, act: Callable[[], object]) -> None:
        """Call ``act`` once the places are those of the mask as it is; not if another scan is opened first."""
        if self.ready or self._session.scan is None:
            act()
            return
        self._waiting.append(act)
        self._find()

    def step(self, by: int) -> None:
        """Go to the next place (1) or the previous one (-1), from the first or the last on to the other end."""
        if not self.places:
            return
        at = self.places.index(self.current) if self.current in self.places else (-1 if by > 0 else 0)
        self.go(self.places[(at + by) % len(self.places)])

    def go(self, place: Place) -> None:
        """Bring a place into sight: it is seen then."""
        self.current = place
        self._layers.go_to(place.voxel)
        self.finish(place, "seen")

    def finish(self, place: Place, how: Done) -> None:
        """Take note that a place was seen or waived; seen does not undo waived."""
        if how == "waived" or place not in self.done:
            self.done[place] = how
        self.changed.emit()

    def close(self) -> None:
        """Look for nothing any more."""
        self._rest.stop()
        self._look.stop()
        self._waiting = []

    # ---- from the session

    def _on_scan(self, _scan: object) -> None:
        self.places, self.done, self.current = [], {}, None
        self.last = self._now = self._unsure = None
        self._waiting = []
        self._on_change()
        self._on_slice()

    def _on_prediction(self, probability: Probability | None) -> None:
        session, before = self._session, self._now
        self._now = None
        if probability is not None:
            self._now = LastModel(probability, session.threshold, session.model_name)
            if before is not None and before.name != session.model_name:
                self.last = before
        self._on_change()

    def _on_change(self, _: object = None) -> None:
        self._asked += 1
        if self._session.scan is None:
            self._rest.stop()
            self._found = self._asked
        else:
            self._rest.start()
        self.changed.emit()

    def _on_slice(self, _z: int = 0) -> None:
        self._look.start()

    def _on_looked(self) -> None:
        here = [place for place in self.unseen() if place.slice == self._session.slice_index]
        seen = [place for place in here if sees(self._layers, place.voxel)]
        for place in seen:
            self.done[place] = "seen"
        if len(seen) < len(here):
            self._look.start()  # The picture may be moved.
        if seen:
            self.changed.emit()

    # ---- looking for places

    def _find(self) -> None:
        self._rest.stop()
        scan, mask = self._session.scan, self._session.mask
        if self._running or scan is None or mask is None:
            return
        self._running, asked = True, self._asked
        evidence = Evidence(
            *(scan, mask.array, self._session.probability, self._session.lungs, self.last),
            self._session.corrected_slices,
        )
        known = self._unsure
        run_in_background(
            lambda: find_places(evidence, known),
            lambda found: self._on_found(found, evidence, asked),
            lambda error: self._on_failed(error, evidence, asked),
        )

    def _on_found(self, found: Found, evidence: Evidence, asked: int) -> None:
        places, unsure = found
        if evidence.scan is self._session.scan:
            if evidence.probability is not None and unsure is not None:
                self._unsure = evidence.probability, unsure
            self._take(places)
        self._on_end(asked)

    def _on_failed(self, error: Exception, evidence: Evidence, asked: int) -> None:
        if evidence.scan is self._session.scan:
            self.places = []
            self.failed.emit(error)
        self._on_end(asked)

    def _on_end(self, asked: int) -> None:
        self._running, self._found = False, asked
        if self._waiting and not self.ready:
            self._find()
        elif self.ready:
            waiting, self._waiting = self._waiting, []
            self.changed.emit()
            for act in waiting:
                act()

    def _take(self, places: list[Place]) -> None:
        """Go on with these places; what was done with a place stays so if it is found again."""
        before = {**{place: "" for place in self.places}, **self.done}
        self.places, self.done = places, {}
        for place in places:
            same = next((one for one in before if self._is_same(one, place)), None)
            how = "" if same is None else before[same]
            if how in ("seen", "waived"):
                self.done[place] = "seen" if how == "seen" else "waived"
            if same is not None and same == self.current:
                self.current = place
        if not self._look.isActive():
            self._on_looked()  # What is in sight has been there for long enough.

    def _is_same(self, one: Place, other: Place) -> bool:
        scan = self._session.scan
        if scan is None or one.kind != other.kind:
            return False
        away = ((a - b) * side for a, b, side in zip(one.voxel, other.voxel, scan.geometry.spacing, strict=True))
        return math.hypot(*away) <= SAME_MM


def find_places(evidence: Evidence, known: tuple[Probability, list[Place]] | None) -> Found:
    """List the places, and those the model is unsure of; the latter are looked for only in a new probability."""
    unsure: list[Place] | None = None
    if evidence.probability is not None:
        same = known is not None and known[0] is evidence.probability
        unsure = known[1] if same and known is not None else unsure_places(evidence.probability, evidence.scan.geometry)
    return suspicious_places(evidence, unsure), unsure
