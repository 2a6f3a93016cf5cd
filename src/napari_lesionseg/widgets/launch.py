"""A napari window with the workbench docked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes.dicom.errors import SegmentQuestion, SeriesQuestion
from napari_lesionseg.volumes.read import read_mask, read_scan

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
    """Show the workbench, with a study, or with a scan, its truth and a mask to correct, until it is closed.

    A folder with several series, or a file whose place in space is not clear, is asked about in the window.

    Raises
    ------
    LesionsegError
        If a file cannot be used; no window is opened then.
    """
    if scan is not None and (scan / "study.db").is_file():
        _open_study(scan, truth is not None or mask is not None)
        return
    if scan is None and (truth or mask):
        raise LesionsegError("A truth or a mask belongs to a scan; give the scan too.")
    try:
        volume = None if scan is None else read_scan(scan)
        masks = [None if path is None else read_mask(path, volume) for path in (truth, mask)]
    except (SeriesQuestion, SegmentQuestion, GeometryQuestion):
        masks, volume = [], None
    import napari

    _, workbench = make_window()
    if scan is not None and volume is None:
        workbench.open_later(scan, truth=truth, mask=mask)  # The window asks what is not clear.
    elif volume is not None:
        workbench.session.open_scan(volume)
        workbench.context.inputs.update(path.resolve() for path in (scan, truth, mask) if path is not None)
        if masks[0] is not None:
            workbench.session.set_truth(masks[0])
        if masks[1] is not None:
            workbench.session.load_mask(masks[1])
    napari.run()


def _open_study(folder: Path, with_masks: bool) -> None:
    if with_masks:
        raise LesionsegError("A study has its own truths and masks; open it without --truth and --mask.")
    from napari_lesionseg.study.reopen import reopen_study

    reopen_study(folder)  # What is wrong with it is told before there is a window.
    import napari

    _, workbench = make_window()
    workbench.open_study(folder)
    napari.run()
