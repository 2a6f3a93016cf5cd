"""Open a napari window with the workbench docked."""

from __future__ import annotations

from pathlib import Path

import napari

from napari_lesionseg.widgets.workbench import Workbench

TITLE = "napari-lesionseg – for research, not for diagnosis"


def dock_workbench(viewer: napari.Viewer) -> Workbench:
    """Dock the workbench in ``viewer``, and return it."""
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    return workbench  # type: ignore[no-any-return]


def open_window(scan: Path | None = None, *, truth: Path | None = None, mask: Path | None = None) -> None:
    """Open a window on a scan, its truth and a mask to correct, and run until it is closed.

    Raises
    ------
    LesionsegError
        If a file cannot be read or does not lie on the scan's grid; no window is left open then.
    """
    viewer = napari.Viewer(title=TITLE)
    try:
        workbench = dock_workbench(viewer)
        if scan is not None:
            workbench.open_scan(scan)
        if truth is not None:
            workbench.load_truth(truth)
        if mask is not None:
            workbench.load_mask(mask)
    except BaseException:
        viewer.close()
        raise
    napari.run()
