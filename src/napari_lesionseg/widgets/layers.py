"""The session as napari layers, and back; only the files named …layer… touch layers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets import layer_styles as styles
from napari_lesionseg.widgets.brush import Brush
from napari_lesionseg.widgets.comparison_layers import ComparisonLayers
from napari_lesionseg.widgets.edit_watch import EditWatch
from napari_lesionseg.widgets.heat_layers import HeatLayer
from napari_lesionseg.widgets.lungs_layer import LungsLayer
from napari_lesionseg.widgets.overlay_layers import OverlayLayers


class LayerBridge:
    """Layers of one viewer that show one session, and write back what the hand does to them.

    The labels layer of the mask shares ``session.mask.array``: it is written in place and refreshed,
    never replaced.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        self.session = session
        self.image: Image | None = None
        self.mask: Labels | None = None
        self.comparison = ComparisonLayers(self)
        self.overlays = OverlayLayers(self)
        self.heat = HeatLayer(self)
        self.lungs = LungsLayer(self)
        self.brush = Brush()
        self._watch: EditWatch | None = None
        self._busy = False  # We are the ones who change layers or session.
        self._swapped = False  # The mask on the screen is the one the session tells of next.
        session.scan_changed.connect(self._on_scan)
        session.truth_changed.connect(self._on_truth)
        session.mask_changed.connect(self._on_mask)
        session.window_changed.connect(self._on_window)
        session.slice_changed.connect(self._on_slice)
        session.settling.connect(self._on_settling)
        session.editable_changed.connect(self._on_editable)
        # First, so that the error map of the next slice is written before napari shows it.
        viewer.dims.events.point.connect(self._on_dims, position="first")
        viewer.dims.events.order.connect(self._on_dims, position="first")
        viewer.dims.events.ndisplay.connect(self._on_dims, position="first")

    @property
    def viewer(self) -> ViewerModel:
        """The viewer the layers are in."""
        viewer = self._viewer()
        if viewer is None:
            raise LesionsegError("The viewer has been closed; open a new one.")
        return viewer

    def owns(self, layer: Layer) -> bool:
        """Whether ``layer`` is one of the session's."""
        compared = self.comparison
        compare = (compared.truth, compared.errors, compared.curtain.layer)
        own = (self.image, self.mask, *compare, self.heat.layer, self.lungs.layer)
        return any(layer is one for one in own)

    @property
    def busy(self) -> bool:
        """Whether the change of layers under way is our own."""
        return self._busy

    def put_back(self, layer: Layer) -> None:
        """Undo the removal of one of the session's layers."""
        with self.own_changes():
            self.viewer.layers.insert(0 if layer is self.image else len(self.viewer.layers), layer)

    # ---- from the session to the layers

    def adopt(self, layer: Layer) -> None:
        """Take an image layer that our reader made as the open scan."""
        scan = layer.metadata[styles.METADATA_KEY]["scan"]
        self.image = layer
        self.session.open_scan(scan)

    def _on_scan(self, scan: Volume | None) -> None:
        self.overlays.set_hidden(False)
        adopted = self.image if scan is not None and _scan_of(self.image) is scan else None
        with self.own_changes():
            self.heat.clear()  # A prediction belongs to its scan.
            self.lungs.clear()
            if scan is None or self.session.mask is None:
                self._drop()
                return
            self._swapped = adopted is None and self._swap(scan, self.session.mask)
            if not self._swapped:
                self._drop(keep=adopted)
                self._make(scan, self.session.mask, adopted)
        self.viewer.dims.axis_labels = ("z", "y", "x")
        self._on_slice(self.session.slice_index)
        self.viewer.reset_view()

    def _make(self, scan: Volume, mask: Mask, adopted: Image | None) -> None:
        window = self.session.window
        self.image = adopted or self.viewer.add_image(scan.array, **styles.image_style(scan, window))
        self.image.contrast_limits_range = styles.window_range(scan, window)
        self.image.events.contrast_limits.connect(self._on_limits)
        self.mask = self.add_labels(mask, styles.mask_style(mask))
        self._watch = EditWatch(self.mask, self._on_edited, self.session.message.emit, self.brush)
        self._watch.answer_undo(self.undo, self.redo)
        self.mask.events.editable.connect(self._on_editable)  # napari allows editing of all it is given.

    def _swap(self, scan: Volume, mask: Mask) -> bool:
        """Show another scan in the layers there are, which takes a tenth of the time of new ones; False without any."""
        image, shown, watch = self.image, self.mask, self._watch
        layers = self.viewer.layers
        if image is None or shown is None or watch is None or image not in layers or shown not in layers:
            return False
        like = image.data.shape == scan.array.shape and tuple(image.scale) == tuple(scan.geometry.spacing)
        with self._sliced_once(scan.geometry.spacing[0]) if like else nullcontext():
            window = self.session.window
            styles.move_to(image, styles.image_style(scan, window))
            image.contrast_limits_range = styles.window_range(scan, window)
            image.data = scan.array
            styles.move_to(shown, styles.mask_style(mask))
            watch.follow(mask.array)
            self.comparison.follow(mask)
        return True

    @contextmanager
    def _sliced_once(self, spacing: float) -> Iterator[None]:
        """Let napari slice our layers once for all changes of their data; their grid stays the same."""
        layers = [layer for layer in self.viewer.layers if self.owns(layer)]
        with ExitStack() as blocked:
            for layer in layers:
                blocked.enter_context(layer._block_refresh())  # There is no public way.
            yield
        before = self.viewer.dims.point
        self.viewer.dims.set_point(0, self.session.slice_index * spacing)
        if self.viewer.dims.point == before:  # Else all layers have just been sliced.
            for layer in layers:
                layer.refresh(extent=False)

    def _drop(self, keep: Layer | None = None) -> None:
        self.comparison.clear()
        for layer in (self.mask, self.image):
            if layer is not keep:
                self.remove(layer)
        self.mask = self.image = self._watch = None

    def remove(self, layer: Layer | None) -> None:
        """Take a layer out of the viewer, if it is there."""
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def add_labels(self, mask: Mask, style: dict[str, Any]) -> Labels:
        """Put a labels layer into the viewer that shares the array of ``mask``."""
        layer = self.viewer.add_labels(mask.array, **style)
        layer.selected_label = 1
        layer.n_edit_dimensions = 2
        return layer

    def add_locked(self, mask: Mask, style: dict[str, Any]) -> Labels:
        """Put a labels layer into the viewer that cannot be painted on; its undo is the mask's."""
        layer = self.add_labels(mask, style)
        layer.editable = False
        layer.undo, layer.redo = self.undo, self.redo
        return layer

    def add_plain(self, mask: Mask, name: str) -> None:
        """Put a mask into the viewer as a layer that belongs to nothing."""
        with self.own_changes():
            self.add_labels(mask, styles.mask_style(mask, name))

    def _on_truth(self, truth: Mask | None) -> None:
        with self.own_changes():
            self.comparison.show_truth(truth)
            self.viewer.layers.selection.active = self.mask

    def _on_mask(self, slices: tuple[int, ...] | None) -> None:
        if self.mask is None or (slices is not None and not self._is_visible(slices)):
            return
        swapped, self._swapped = self._swapped, False
        if swapped:
            return
        if not self._busy:
            self.mask.refresh(extent=False, highlight=False, thumbnail=False)  # That follows with the next slice.
        self.comparison.update()

    def _on_window(self, window: Window) -> None:
        if self.image is None or self._busy or self.session.scan is None:
            return
        with self.own_changes():
            self.image.contrast_limits_range = styles.window_range(self.session.scan, window)
            self.image.contrast_limits = (window.low, window.high)

    def _on_slice(self, z: int) -> None:
        if self.session.scan is not None and not self._busy:
            self.viewer.dims.set_point(0, z * self.session.scan.geometry.spacing[0])

    # ---- from the layers to the session

    def _on_limits(self) -> None:
        if self.image is not None and not self._busy:
            low, high = self.image.contrast_limits
            with self.own_changes():
                self.session.set_window(Window.from_limits(float(low), float(high)))

    def _on_dims(self) -> None:
        if self.session.scan is None or self._busy:
            return
        with self.own_changes():
            self.session.set_slice(round(self.viewer.dims.point[0] / self.session.scan.geometry.spacing[0]))
        self.comparison.write()
        self.heat.write()

    def _on_edited(self, slices: tuple[int, ...], tool: str) -> None:
        if not self.session.editable:
            self.session.mark_edited(slices, tool)  # It is put back, and so has to be drawn again.
            return
        with self.own_changes():
            self.session.mark_edited(slices, tool)

    def _on_settling(self) -> None:
        if self._watch is not None:
            self._watch.finish_stroke()

    def _on_editable(self, _: object = None) -> None:
        if self.mask is not None and self.mask.editable != self.session.editable:
            self.mask.editable = self.session.editable

    # ---- what panels ask for

    def show_text(self, text: str) -> None:
        """Write ``text`` on the canvas, "" for nothing."""
        overlay = self.viewer.canvas.overlays.text
        overlay.text = text
        overlay.position = "top_left"  # Notifications appear at the bottom right.
        overlay.visible = bool(text)

    def go_to(self, voxel: tuple[int, int, int]) -> None:
        """Look at a voxel (z, y, x): its slice, and the picture moved so that it is in sight."""
        self.session.set_slice(voxel[0])
        if self.session.scan is not None and not self.shows_all():
            _, height, width = self.session.scan.geometry.spacing
            self.viewer.scene.camera.center = (0.0, voxel[1] * height, voxel[2] * width)

    def undo(self) -> None:
        """Take back the last edit, or say why not."""
        self._step(self.session.undo, "There is nothing to undo.")

    def redo(self) -> None:
        """Make the edit that was undone last again, or say why not."""
        self._step(self.session.redo, "There is nothing to redo.")

    def _step(self, step: Callable[[], bool], otherwise: str) -> None:
        try:
            if not step():
                self.session.message.emit(otherwise)
        except LesionsegError as error:
            self.session.message.emit(str(error))

    def shows_all(self) -> bool:
        """Whether more than one display slice is on the screen."""
        return bool(self.viewer.dims.ndisplay == 3 or self.viewer.dims.order[0] != 0)

    def _is_visible(self, slices: tuple[int, ...]) -> bool:
        return self.shows_all() or self.session.slice_index in slices

    def set_errors_visible(self, visible: bool) -> None:
        """Show or hide the error map, in place of the curtain; under it the mask is faint."""
        with self.own_changes():
            if visible:
                self.comparison.curtain.want(False)
            self.comparison.want_errors(visible)
            self.viewer.layers.selection.active = self.mask

    def set_curtain_visible(self, visible: bool) -> None:
        """Draw the curtain in place of the error map, or take it away."""
        with self.own_changes():
            if visible:
                self.comparison.want_errors(False)
            self.comparison.curtain.want(visible)
            self.viewer.layers.selection.active = self.mask

    @contextmanager
    def own_changes(self) -> Iterator[None]:
        """Mark changes of layers or session as ours while they last."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before


def _scan_of(layer: Layer | None) -> Volume | None:
    return None if layer is None else layer.metadata.get(styles.METADATA_KEY, {}).get("scan")
