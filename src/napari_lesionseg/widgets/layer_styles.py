"""How scan, mask, truth and error map look as napari layers, and how our layers are recognised."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.utils.colormaps import Colormap, CyclicLabelColormap, ensure_colormap

from napari_lesionseg.review.agreement_map import AGREEMENT_COLOURS
from napari_lesionseg.review.error_map import ERROR_COLOURS
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window

ENDINGS = (
    *(".nii.gz", ".nii", ".hdr", ".img", ".seg.nrrd", ".nrrd", ".nhdr", ".mha", ".mhd"),
    *(".dcm", ".dicom", ".ima", ".zip"),
)
METADATA_KEY = "lesionseg"
UNITS = ("mm", "mm", "mm")
MASK_COLOUR, TRUTH_COLOUR = "#3FA7FF", "#FFD84D"
LUNGS_COLOUR = "#7FE0B0"
LABEL_COLOURS = (MASK_COLOUR, "#E58A2B", "#B58AE0", "#4FB36B", "#E06AA8", "#8FD3D1")
"""Of labels 1, 2, … of the mask, over and over."""
MASK_OPACITY, UNDER_ERRORS_OPACITY = 0.5, 0.12
OUTLINE = 1  # Voxels.


def move_to(layer: Any, style: dict[str, Any]) -> None:
    """Give a layer the name, place and origin of another scan or mask; how it looks is left to its user."""
    layer.name = style["name"]
    if tuple(layer.scale) != tuple(style["scale"]):
        layer.scale = style["scale"]
    layer.metadata = style["metadata"]


def first_window(scan: Volume) -> Window:
    """The window a scan is first shown in."""
    return GREY_WINDOW if scan.intensity == "grey" else PRESETS["lung"]


def scan_name(scan: Volume) -> str:
    """What a scan is called on screen."""
    return file_name(scan.source)


def file_stem(scan: Volume) -> str:
    """What files made of a scan are called: files and folders often bear patients' names, so a number of their own."""
    named = str(scan.source or "scan") if scan.dicom is None else scan.dicom.series
    return f"case-{hashlib.sha256(named.encode()).hexdigest()[:8]}"


def file_name(path: Path | None) -> str:
    """The name of a file or folder without the endings of its format; "scan" for none."""
    if path is None:
        return "scan"
    name = path.name
    ending = next((one for one in ENDINGS if name.lower().endswith(one) and len(name) > len(one)), "")
    return name[: len(name) - len(ending)]


def image_style(scan: Volume, window: Window) -> dict[str, Any]:
    """Keywords of the image layer of ``scan``."""
    return {
        "name": scan_name(scan),
        "scale": scan.geometry.spacing,
        "units": UNITS,
        "colormap": "gray",
        "contrast_limits": (window.low, window.high),
        "metadata": {METADATA_KEY: {"scan": scan}},
    }


def mask_style(mask: Mask, name: str = "mask") -> dict[str, Any]:
    """Keywords of the labels layer of the mask that is corrected."""
    return {**_labels(mask, name, LABEL_COLOURS), "opacity": MASK_OPACITY}


def truth_style(truth: Mask, name: str = "truth") -> dict[str, Any]:
    """Keywords of the labels layer of the truth."""
    return {**_labels(truth, name, (TRUTH_COLOUR,)), "opacity": 0.9}


def lungs_style(lungs: Mask) -> dict[str, Any]:
    """Keywords of the labels layer of the lungs."""
    return {**_labels(lungs, "lungs", (LUNGS_COLOUR,)), "opacity": 0.9}


def errors_style(mask: Mask) -> dict[str, Any]:
    """Keywords of the labels layer of the error map."""
    colours = tuple(ERROR_COLOURS[label] for label in sorted(ERROR_COLOURS))
    return {**_labels(mask, "error map", colours), "opacity": 0.65}


def curtain_style(mask: Mask) -> dict[str, Any]:
    """Keywords of the labels layer with the mask on the left and the truth on the right of a white line."""
    return {**_labels(mask, "curtain", (MASK_COLOUR, TRUTH_COLOUR, "#FFFFFF")), "opacity": 0.6}


def heat_style(scan: Volume) -> dict[str, Any]:
    """Keywords of the image layer of a heat map: clear where it is low, and from there on equal steps look equal."""
    return {
        "name": "heat map",
        "scale": scan.geometry.spacing,
        "units": UNITS,
        "colormap": Colormap(_heat_colours(), name="lesionseg heat"),
    }


def heat_legend() -> list[str]:
    """The colours of a heat map, low to high, as they look where nothing shines through."""
    return [f"#{int(r * 255):02X}{int(g * 255):02X}{int(b * 255):02X}" for r, g, b, _ in _heat_colours()[::16]]


def _heat_colours() -> npt.NDArray[np.float32]:
    colours = np.array(ensure_colormap("inferno").colors, np.float32)
    colours[:, 3] = np.minimum(1.0, np.linspace(0, 4, len(colours)))  # The first quarter fades in.
    return colours


def agreement_style(map_: Mask) -> dict[str, Any]:
    """Keywords of the labels layer of the agreement of two readings."""
    colours = tuple(AGREEMENT_COLOURS[label] for label in sorted(AGREEMENT_COLOURS))
    return {**_labels(map_, "two readings", colours), "opacity": 0.6}


def mask_look() -> dict[str, Any]:
    """How the mask looks: attributes of its layer."""
    return {"colormap": _colormap(LABEL_COLOURS), "contour": 0, "opacity": MASK_OPACITY}


def result_look() -> dict[str, Any]:
    """How the mask looks over the agreement of two readings: a white line."""
    return {"colormap": _colormap(("#FFFFFF",)), "contour": OUTLINE, "opacity": 1.0}


def window_range(scan: Volume, window: Window) -> tuple[float, float]:
    """The range napari's own contrast slider needs so that it can show ``window``."""
    low, high = (-1024.0, 3071.0) if scan.intensity == "HU" else (0.0, 255.0)
    return min(low, window.low), max(high, window.high)


def _labels(mask: Mask, name: str, colours: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": name,
        "scale": mask.geometry.spacing,
        "units": UNITS,
        "colormap": _colormap(colours),
        "metadata": {METADATA_KEY: {"mask": mask}},
    }


def _colormap(colours: tuple[str, ...]) -> CyclicLabelColormap:
    # A cyclic map shows uint8 labels straight from the array; a direct one would translate every slice first.
    return CyclicLabelColormap(colors=np.array([_rgba("#000000", 0.0), *map(_rgba, colours)]), background_value=0)


def _rgba(colour: str, alpha: float = 1.0) -> tuple[float, float, float, float]:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue, alpha
