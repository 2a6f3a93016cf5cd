"""The voxel all views of a scan point at."""

from __future__ import annotations

from psygnal import Signal

from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Volume

Place = tuple[int, int, int]


class CrossHair:
    """A voxel (z, y, x) of the open scan; its z is the session's slice, and y and x are kept here.

    Another scan on a grid of the same shape keeps y and x; on any other they begin in the middle.
    """

    moved = Signal(int, int)  # The new y and x.

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shape = (0, 0)
        self._y = self._x = 0
        self._on_scan(session.scan)
        session.scan_changed.connect(self._on_scan)

    @property
    def place(self) -> Place:
        """Where it is (z, y, x)."""
        return self._session.slice_index, self._y, self._x

    def move_to(self, place: Place) -> None:
        """Point at this voxel (z, y, x), or at the nearest one there is."""
        z, y, x = place
        nearest = self._nearest(y, 0), self._nearest(x, 1)
        changed = nearest != (self._y, self._x)
        self._y, self._x = nearest
        self._session.set_slice(z)
        if changed:
            self.moved.emit(*nearest)

    def _nearest(self, at: int, axis: int) -> int:
        return max(0, min(int(at), self._shape[axis] - 1))

    def _on_scan(self, scan: Volume | None) -> None:
        shape = (0, 0) if scan is None else (scan.array.shape[1], scan.array.shape[2])
        if shape != self._shape:
            self._shape = shape
            self._y, self._x = shape[0] // 2, shape[1] // 2
            self.moved.emit(self._y, self._x)
