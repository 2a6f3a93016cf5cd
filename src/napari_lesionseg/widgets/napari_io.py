"""What napari's own menus call: reader, writer and sample data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.notifications import show_error

from napari_lesionseg.errors import Cancelled, LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets import layer_styles as styles
from napari_lesionseg.widgets.context import scan_open_in
from napari_lesionseg.widgets.modal_reading import read_modally
from napari_lesionseg.widgets.read_worker import Wanted

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], Any] | None:
    """Offer to read what looks like a scan or a mask, folders included; None for anything else.

    Only names and the first bytes are looked at.
    """
    from napari_lesionseg.volumes.read import is_scan_path

    paths = [path] if isinstance(path, str) else list(path)
    return read_or_tell if all(is_scan_path(one) for one in paths) else None


def read_or_tell(path: str | Sequence[str]) -> list[LayerData] | list[tuple[None]]:
    """Read like ``read``; a file that cannot be read is told in one sentence, and nothing is added."""
    try:
        return read(path)
    except LesionsegError as error:
        show_error(str(error))
    except Cancelled:
        pass
    return [(None,)]  # napari's sign for: nothing to add, do not ask other readers.


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Read scans as image layers and masks as labels layers, each on its own spacing (mm).

    A DICOM SEG or RTSTRUCT is read on the grid of the scan that is open in the workbench.

    Raises
    ------
    LesionsegError
        If a file cannot be read as a scan or mask.
    Cancelled
        If the user stopped it.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return [_layer(read_modally(Wanted(Path(one), "any"), _open_scan())) for one in paths]


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Save a labels layer as NIfTI: on the grid of its scan if it is one of ours, else on an axial grid of its scale.

    Raises
    ------
    LesionsegError
        If the labels are not three-dimensional or above 255, or the file is the one the layer was read from.
    """
    from napari_lesionseg.volumes import nifti

    labels = np.asarray(data)
    own = meta.get("metadata", {}).get(styles.METADATA_KEY, {}).get("mask")
    if labels.ndim != 3 or labels.min() < 0 or labels.max() > 255:
        raise LesionsegError(f"{path} was not written: a mask has three dimensions and labels from 0 to 255.")
    if own is not None and own.source is not None and own.source.resolve() == Path(path).resolve():
        raise LesionsegError(f"{path} was opened here, and inputs are never overwritten; choose another name.")
    scale = tuple(float(side) for side in np.broadcast_to(meta.get("scale", (1.0,)), 3))
    geometry = own.geometry if own is not None else Geometry.from_spacing(labels.shape, scale)
    nifti.write_mask(path, Mask(labels.astype(np.uint8), geometry))
    return [path]


def phantom() -> list[LayerData]:
    """A generated chest CT with lesions, and their truth."""
    from napari_lesionseg.volumes.phantom import make_case

    case = make_case(seed=7)
    image, labels = styles.image_style(case.scan, styles.first_window(case.scan)), styles.truth_style(case.truth)
    image["name"] = "phantom"
    labels["metadata"][styles.METADATA_KEY]["role"] = "truth"
    return [(case.scan.array, image, "image"), (case.truth.array, labels, "labels")]


def _layer(volume: Volume | Mask) -> LayerData:
    if isinstance(volume, Mask):
        return volume.array, styles.mask_style(volume, styles.file_name(volume.source)), "labels"
    return volume.array, styles.image_style(volume, styles.first_window(volume)), "image"


def _open_scan() -> Volume | None:
    """The scan that is open in the workbench of the current viewer, if there is one."""
    import napari

    viewer = napari.current_viewer()
    return None if viewer is None else scan_open_in(viewer)
