"""What a session tells those who listen."""

from __future__ import annotations

from psygnal import Signal


class SessionSignals:
    """The signals of a session, with what each of them carries."""

    settling = Signal()  # Before the state changes: whoever holds back edits calls ``mark_edited`` now.
    edited = Signal(object)  # The Entry that the journal has to keep.
    history_changed = Signal()  # The steps, or how many of them are done.
    editable_changed = Signal(bool)  # Whether the mask may be changed.

    scan_changed = Signal(object)  # The Volume now open, or None.
    truth_changed = Signal(object)  # The truth Mask, or None.
    lungs_changed = Signal(object)  # The lungs' Mask, or None; also when they were checked.
    prediction_changed = Signal(object)  # The uint8 probability (z, y, x), or None.
    threshold_changed = Signal(float)  # The new threshold, 0 to 1.
    mask_changed = Signal(object)  # Tuple of the display slices (z) that were touched, or None for all.
    window_changed = Signal(object)  # The new Window.
    slice_changed = Signal(int)  # The display slice (z) now looked at.
    dirty_changed = Signal(bool)  # Whether there are corrections that are not exported.
    message = Signal(str)  # One sentence for the status line.
