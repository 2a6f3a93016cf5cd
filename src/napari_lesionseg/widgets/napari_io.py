"""What napari's own menus call: reader, writer and sample data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.notifications import show_error

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.widgets import layer_styles as styles

LayerData = tuple[Any, dict[str, Any], str]
MOST_LABELS = 16  # A file of whole numbers from 0 to this is a mask, not a scan.


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], Any] | None:
    """Offer to read NIfTI files; None for anything else."""
    paths = [path] if isinstance(path, str) else list(path)
    return read_or_tell if all(one.endswith((".nii", ".nii.gz")) for one in paths) else None


def read_or_tell(path: str | Sequence[str]) -> list[LayerData] | list[tuple[None]]:
    """Read like ``read``; a file that cannot be read is told in one sentence, and nothing is added."""
    try:
        return read(path)
    except LesionsegError as error:
        show_error(str(error))
        return [(None,)]  # napari's sign for: nothing to add, do not ask other readers.


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Read scans as image layers and masks as labels layers, each on its own spacing (mm).

    Raises
    ------
    LesionsegError
        If a file cannot be read as a scan.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return [_layer(nifti.read_scan(one)) for one in paths]


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Save a labels layer as NIfTI: on the grid of its scan if it is one of ours, else on an axial grid of its scale.

    Raises
    ------
    LesionsegError
        If the labels are not three-dimensional or above 255, or the file is the one the layer was read from.
    """
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


def _layer(volume: Volume) -> LayerData:
    if _is_mask(volume):
        mask = Mask(np.ascontiguousarray(volume.array, dtype=np.uint8), volume.geometry, volume.source)
        return mask.array, styles.mask_style(mask, styles.scan_name(volume)), "labels"
    return volume.array, styles.image_style(volume, styles.first_window(volume)), "image"


def _is_mask(volume: Volume) -> bool:
    whole = np.issubdtype(volume.array.dtype, np.integer)
    return bool(whole and volume.array.min() == 0 and volume.array.max() <= MOST_LABELS)
