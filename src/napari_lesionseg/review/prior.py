"""An earlier study of the open scan's patient: its scan, its mask, and where they lie over the open scan."""

from __future__ import annotations

from psygnal import Signal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.drawn import check_same_grid
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes.volume import Mask, Volume


class Prior:
    """What the open scan is compared with; it goes when another scan is opened.

    Nothing of it is changed but the shift.
    """

    changed = Signal()  # Another scan or mask, or none.
    shifted = Signal(object)  # The new Shift.

    def __init__(self, session: Session) -> None:
        self._scan: Volume | None = None
        self._mask: Mask | None = None
        self._shift = Shift()
        self._session = session
        session.scan_changed.connect(self._on_scan)

    @property
    def scan(self) -> Volume | None:
        """The earlier scan."""
        return self._scan

    @property
    def mask(self) -> Mask | None:
        """The lesions of the earlier scan."""
        return self._mask

    @property
    def shift(self) -> Shift:
        """What takes a place of the earlier scan to the open one, mm."""
        return self._shift

    def open(self, scan: Volume, shift: Shift) -> None:
        """Compare with ``scan``, shifted so.

        Raises
        ------
        LesionsegError
            If no scan is open that it could be compared with.
        """
        if self._session.scan is None:
            raise LesionsegError("Open the current scan first; a prior is compared with it.")
        self._scan, self._mask, self._shift = scan, None, shift
        self.changed.emit()
        self.shifted.emit(shift)

    def set_mask(self, mask: Mask) -> None:
        """Take these lesions of the earlier scan.

        Raises
        ------
        LesionsegError
            If there is no earlier scan, or they lie on another grid.
        """
        if self._scan is None:
            raise LesionsegError("Open the prior scan first; its mask belongs to it.")
        check_same_grid(mask, self._scan)
        self._mask = mask
        self.changed.emit()

    def set_shift(self, shift: Shift) -> None:
        """Lay it over the open scan in another way."""
        if shift != self._shift:
            self._shift = shift
            self.shifted.emit(shift)

    def close(self) -> None:
        """Compare with nothing."""
        if self._scan is not None:
            self._scan = self._mask = None
            self._shift = Shift()
            self.changed.emit()

    def _on_scan(self, _scan: Volume | None) -> None:
        self.close()
