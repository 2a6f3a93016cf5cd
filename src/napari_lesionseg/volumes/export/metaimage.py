"""MetaImage out (``.mha``): a label volume as ITK's own format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.nrrd import narrow
from napari_lesionseg.volumes.export.prove import Stored, prove
from napari_lesionseg.volumes.export.readers import read_by_itk
from napari_lesionseg.volumes.export.text_header import LPS, read_metaimage
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import LOSSY_NOTE, Mask, Volume

_TYPES: Final = {"|u1": "MET_UCHAR", "<u2": "MET_USHORT"}


def write_metaimage(path: str | Path, mask: Mask, scan: Volume | None = None) -> None:
    """Write ``mask`` on its stored grid as compressed MetaImage, and prove that it reads back equal.

    Parameters
    ----------
    path
        ``.mha``.
    mask
        Labels from 0 to 65535.
    scan
        What the mask was drawn on; if it went through lossy compression, the header says so.

    Raises
    ------
    LesionsegError
        If the name has another ending, or the file cannot be written or does not read back equal; nothing has been
        saved then.
    """
    path = Path(path)
    if not path.name.lower().endswith(".mha"):
        raise LesionsegError(f"{path} does not end in .mha; choose such a name.")
    stored = narrow(mask)
    data = isal_zlib.compress(stored.tobytes("F"), 1)
    lossy = scan is not None and scan.lossy
    header = "".join(f"{line}\n" for line in _lines(stored, mask.geometry, len(data), lossy)).encode()
    readers = {"our own reader": read_metaimage, "SimpleITK": read_by_itk}
    write_atomically(
        path, header + data, lambda temporary: prove(temporary, Stored(stored, mask.geometry), readers, path)
    )


def _lines(stored: npt.NDArray[Any], geometry: Geometry, size: int, lossy: bool) -> Iterator[str]:
    affine = LPS @ geometry.affine
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    yield "ObjectType = Image"
    yield "NDims = 3"
    if lossy:
        yield f"Comment = {LOSSY_NOTE}"
    yield "BinaryData = True"
    yield "BinaryDataByteOrderMSB = False"
    yield "CompressedData = True"
    yield f"CompressedDataSize = {size}"
    yield f"TransformMatrix = {_numbers((affine[:3, :3] / sides).T)}"  # One axis after the other.
    yield f"Offset = {_numbers(affine[:3, 3])}"
    yield "CenterOfRotation = 0 0 0"
    yield f"ElementSpacing = {_numbers(sides)}"
    yield f"DimSize = {' '.join(str(side) for side in geometry.shape)}"
    yield f"ElementType = {_TYPES[stored.dtype.str]}"
    yield "ElementDataFile = LOCAL"  # Must be the last field: voxels follow.


def _numbers(values: npt.NDArray[np.float64]) -> str:
    return " ".join(repr(float(value)) for value in values.ravel())
