"""Two readings in three colours under the mask, which becomes a white line while they are settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from napari.layers import Labels

from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets import layer_styles as styles

if TYPE_CHECKING:
    from napari_lesionseg.review.disagreements import Voxel
    from napari_lesionseg.widgets.layers import LayerBridge


class AdjudicationLayers:
    """A labels layer that cannot be painted on, and another look of the mask."""

    def __init__(self, bridge: LayerBridge) -> None:
        self._bridge = bridge
        self.map: Labels | None = None

    def show(self, map_: npt.NDArray[np.uint8]) -> None:
        """Show an agreement map (z, y, x) of the open scan in place of the last one."""
        self.clear()
        mask = self._bridge.session.mask
        if mask is None or self._bridge.mask is None:
            return
        layers = self._bridge.viewer.layers
        with self._bridge.own_changes():
            shown = Mask(map_, mask.geometry)
            self.map = self._bridge.add_locked(shown, styles.agreement_style(shown))
            layers.move(layers.index(self.map), layers.index(self._bridge.mask))
            self._look(styles.result_look())
            layers.selection.active = self._bridge.mask

    def set_visible(self, visible: bool) -> None:
        """Show or hide the three colours."""
        if self.map is not None:
            self.map.visible = visible

    def clear(self) -> None:
        """Take the colours away, and give the mask its own look back."""
        if self.map is None:
            return
        with self._bridge.own_changes():
            self._bridge.remove(self.map)
            self.map = None
            self._look(styles.mask_look())

    def voxel_under_mouse(self) -> Voxel | None:
        """The display voxel (z, y, x) that the mouse was over last, None if that is outside of the scan."""
        image = self._bridge.image
        if image is None:
            return None
        at = [round(float(place)) for place in image.world_to_data(self._bridge.viewer.cursor.position)]
        if not all(0 <= place < length for place, length in zip(at, image.data.shape, strict=True)):
            return None
        return at[0], at[1], at[2]

    def _look(self, look: dict[str, object]) -> None:
        if self._bridge.mask is not None:
            for name, value in look.items():
                setattr(self._bridge.mask, name, value)
