"""The gate of the brush: the range of HU it paints, or what the model has to say at least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.given import given_by
from napari_lesionseg.widgets.brush import Gate
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.correct_tools import ToolPanel
from napari_lesionseg.widgets.parts import listen, set_silently

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_lesionseg.review.tools import gates

GREY = "This scan holds grey levels, not Hounsfield units, so the brush paints all voxels."


class BrushGate:
    """Sets the brush of one viewer as the panel and the settings say."""

    def __init__(self, panel: ToolPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.by_model = False  # The brush follows the model in place of the HU.
        panel.gate_requested.connect(self._on_gate)
        panel.range_requested.connect(self.set_range)
        panel.certainty_requested.connect(self._on_certainty)
        panel.slab_requested.connect(self._on_slab)
        panel.destroyed.connect(self._let_go)
        listen(self.session.scan_changed, self._show, panel)
        listen(self.session.prediction_changed, self._show, panel)
        set_silently(panel.certainty, context.settings.certainty)
        self.context.viewer.mouse_drag_callbacks.append(self._stroke)
        self._show()

    @property
    def hu_range(self) -> tuple[int, int]:
        """The range of HU that is painted, and grown into."""
        return self.context.settings.hu_range

    @property
    def reach(self) -> int:
        """Slices on either side that every tool works on, too."""
        return int(self.panel.slab.value())

    @property
    def why_no_hu(self) -> str:
        """Why there is no range of HU to keep to, "" if there is."""
        scan = self.session.scan
        return GREY if scan is not None and scan.intensity != "HU" else ""

    def hu_passes(self) -> gates.Gate | None:
        """The gate for one tool's use, None if it is off."""
        if not self.context.settings.hu_gate or self.why_no_hu:
            return None
        from napari_lesionseg.review.tools.gates import hu_gate

        return hu_gate(given_by(self.session), *self.hu_range)

    def follow_model(self, by_model: bool) -> None:
        """Let the brush paint where the model says enough, or by its HU; raises LesionsegError without prediction."""
        if by_model and self.session.probability is None:
            raise LesionsegError("There is no prediction to paint by; segment the scan first.")
        self.by_model = by_model
        self._show()

    def set_range(self, low: int, high: int) -> None:
        """Keep to another range of HU, and remember it; the lower number comes first."""
        self.context.settings.remember(hu_range=(min(low, high), max(low, high)))
        self._show()

    def _on_gate(self, on: bool) -> None:
        self.context.settings.remember(hu_gate=on)
        self._show()

    def _on_certainty(self, certainty: float) -> None:
        self.context.settings.remember(certainty=certainty)
        self._show()

    def _on_slab(self, reach: int) -> None:
        self.context.layers.brush.reach = reach

    def _let_go(self) -> None:
        self.context.layers.brush.gate, self.context.layers.brush.reach = None, 0
        self.context.viewer.mouse_drag_callbacks.remove(self._stroke)

    def _show(self, *_: object) -> None:
        settings, brush = self.context.settings, self.context.layers.brush
        self.panel.show_gate(settings.hu_gate, *self.hu_range, self.why_no_hu)
        if self.session.probability is None:
            self.by_model = False
        brush.gate = self._gate() if self.session.scan is not None else None
        brush.reach = self.reach

    def _gate(self) -> Gate | None:
        if self.by_model:
            from napari_lesionseg.review.tools.gates import probability_gate

            least = self.context.settings.certainty
            otherwise = f"The model says less than {100 * least:.0f} % here; lower the limit, or paint by HU."
            return Gate("model brush", probability_gate(given_by(self.session), least), otherwise)
        passes = self.hu_passes()
        low, high = self.hu_range
        otherwise = f"Nothing here lies between {low} and {high} HU; widen the range, or paint without it."
        return None if passes is None else Gate("HU brush", passes, otherwise)

    def _stroke(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Say so when a stroke of the brush found nothing it may paint."""
        mask, brush = self.context.layers.mask, self.context.layers.brush
        if mask is None or str(mask.mode) != "paint" or event.button != 1:
            return
        brush.begin()
        yield
        while event.type == "mouse_move":
            yield
        if brush.complaint:
            self.context.say(brush.complaint)
