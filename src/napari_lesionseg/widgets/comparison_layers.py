"""The truth, the error map and the curtain as layers over the mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from psygnal import Signal

from napari_lesionseg.review.error_map import error_map
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets import layer_styles as styles
from napari_lesionseg.widgets.curtain_layers import CurtainLayer

if TYPE_CHECKING:
    from napari_lesionseg.widgets.layers import LayerBridge


class ComparisonLayers:
    """Labels layers that cannot be painted on. Of those we make only the slices on the screen are kept right."""

    truth_shown = Signal(bool)  # Also when it was napari's eye that was clicked.
    errors_shown = Signal(bool)

    def __init__(self, bridge: LayerBridge) -> None:
        self._bridge = bridge
        self.truth: Labels | None = None
        self.errors: Labels | None = None
        self.curtain = CurtainLayer(bridge)
        self._outline, self._wanted = True, False

    def show_truth(self, truth: Mask | None) -> None:
        """Show ``truth`` in place of the last one."""
        if truth is not None and self.truth is not None and self.truth in self._bridge.viewer.layers:
            if self.truth.data is truth.array:
                return
            styles.move_to(self.truth, styles.truth_style(truth))
            self.truth.data = truth.array
            self._show_wanted()
            return
        self.curtain.clear()
        self._bridge.remove(self.truth)
        self.truth = None
        if truth is not None:
            self.truth = self._bridge.add_locked(truth, styles.truth_style(truth))
            self.truth.events.visible.connect(self._on_eye)
            self.set_truth_outline(self._outline)
        self._show_wanted()

    def _show_wanted(self) -> None:
        self.want_errors(self._wanted)
        self.curtain.want(self.curtain.wanted)

    def set_truth_visible(self, visible: bool) -> None:
        """Show or hide the truth."""
        if self.truth is not None and self.truth.visible != visible:  # napari slices it anew in any case.
            self.truth.visible = visible

    def set_truth_outline(self, outline: bool) -> None:
        """Draw the truth as an outline, or filled."""
        self._outline = outline
        if self.truth is not None:
            self.truth.contour = styles.OUTLINE if outline else 0

    def want_errors(self, wanted: bool) -> None:
        """Show the error map as soon as there is a truth, or hide it; under it the mask is faint."""
        self._wanted = wanted
        mask = self._bridge.session.mask
        before, shown = self.errors is not None, wanted and self._bridge.session.truth is not None and mask is not None
        if not shown:
            self._bridge.remove(self.errors)
            self.errors = None
        elif self.errors is None and mask is not None:
            empty = Mask.empty(mask.geometry)  # Pages of a zero array cost nothing until a slice is looked at.
            self.errors = self._bridge.add_locked(empty, styles.errors_style(empty))
            self.errors.events.visible.connect(self._on_eye)
        if self._bridge.mask is not None and shown != before:
            self._bridge.mask.opacity = styles.UNDER_ERRORS_OPACITY if shown else styles.MASK_OPACITY
        self._update_errors()
        self._on_eye()

    def follow(self, mask: Mask) -> None:
        """Be ready for the mask of another scan, and its truth, if it has one."""
        if self.errors is not None:
            empty = Mask.empty(mask.geometry)
            styles.move_to(self.errors, styles.errors_style(empty))
            self.errors.data = empty.array
        truth = self._bridge.session.truth
        if truth is not None and self.truth is not None:
            styles.move_to(self.truth, styles.truth_style(truth))
            self.truth.data = truth.array
        self.curtain.follow(mask)
        self._write_errors()

    def update(self) -> None:
        """Bring what is on the screen up to date."""
        self._update_errors()
        self.curtain.update()

    def write(self) -> None:
        """Write the slices that are on the screen, or about to be, in place."""
        self._write_errors()
        self.curtain.write()

    def _update_errors(self) -> None:
        if self.errors is not None:
            self._write_errors()
            self.errors.refresh(extent=False, highlight=False, thumbnail=False)

    def _write_errors(self) -> None:
        session = self._bridge.session
        if self.errors is None or session.mask is None or session.truth is None:
            return
        shown = slice(None) if self._bridge.shows_all() else session.slice_index
        error_map(session.mask.array[shown], session.truth.array[shown], out=self.errors.data[shown])

    def _on_eye(self) -> None:
        if self.truth is not None:
            self.truth_shown.emit(bool(self.truth.visible))
        self.errors_shown.emit(self.errors is not None and bool(self.errors.visible))

    def clear(self) -> None:
        """Take all layers away."""
        self.curtain.clear()
        for layer in (self.errors, self.truth):
            self._bridge.remove(layer)
        self.errors = self.truth = None
