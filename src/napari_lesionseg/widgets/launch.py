"""A napari window with the workbench docked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import nifti

if TYPE_CHECKING:
    import napari

    from napari_lesionseg.widgets.workbench import Workbench

TITLE = "napari-lesionseg – for research, not for diagnosis"
SIZE = (1600, 1000)


def make_window(*, show: bool = True) -> tuple[napari.Viewer, Workbench]:
    """Open a viewer with the workbench docked at its right."""
    import napari

    from napari_lesionseg.widgets.workbench import Workbench

    viewer = napari.Viewer(title=TITLE, show=show)
    viewer.window.resize(*SIZE)
    workbench = Workbench(viewer)
    viewer.window.add_dock_widget(workbench, name="Lesion workbench", area="right")
    return viewer, workbench


def open_window(scan: Path | None = None, *, truth: Path | None = None, mask: Path | None = None) -> None:
    """Show the workbench, with a scan, its truth and a mask to correct if they are given, until it is closed.

    Raises
    ------
    LesionsegError
        If a file cannot be used; no window is opened then.
    """
    if scan is None and (truth or mask):
        raise LesionsegError("A truth or a mask belongs to a scan; give the scan too.")
    volume = None if scan is None else nifti.read_scan(scan)
    grid = None if volume is None else volume.geometry
    masks = [None if path is None else nifti.read_mask(path, like=grid) for path in (truth, mask)]
    import napari

    _, workbench = make_window()
    if volume is not None:
        workbench.session.open_scan(volume)
    if masks[0] is not None:
        workbench.session.set_truth(masks[0])
    if masks[1] is not None:
        workbench.session.load_mask(masks[1])
    workbench.context.inputs.update(path.resolve() for path in (scan, truth, mask) if path is not None)
    napari.run()
