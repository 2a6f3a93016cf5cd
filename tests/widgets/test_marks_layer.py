"""What is drawn over the mask while the mouse is led."""

from __future__ import annotations

from typing import Any

from napari_lesionseg.widgets.marks_layer import Marks


def test_an_outline_that_cannot_be_filled_is_led_on(workbench: Any, tiny: Any) -> None:
    def fail(_: object) -> None:
        raise TypeError("argument of type 'NoneType' is not iterable")  # vispy's, in its triangulation.

    workbench.show_case(tiny)
    marks = Marks(workbench.context.layers)
    workbench.context.layers.mask._overlays["polygon"].events.points.connect(fail)
    marks.show(1, [(1.0, 1.0), (4.0, 1.0), (1.0, 4.0)])
    marks.show(1, [(1.0, 1.0), (4.0, 1.0), (1.0, 5.0)])
    assert marks.points == [(1.0, 1.0), (4.0, 1.0), (1.0, 5.0)]
