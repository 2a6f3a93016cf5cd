"""Readers of NRRD and MetaImage files such as we write, beside ITK's: one must see what the other sees."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.export.prove import Stored
from napari_lesionseg.volumes.geometry import Geometry

LPS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From RAS millimetres to LPS, and back."""
_TYPES: Final = {"unsigned char": "|u1", "unsigned short": "<u2", "MET_UCHAR": "|u1", "MET_USHORT": "<u2"}


def read_nrrd(path: Path) -> Stored:
    """Read a gzipped NRRD file of one label volume, in LPS.

    Raises
    ------
    LesionsegError
        If it is anything else, or its stream is damaged.
    """
    start, _, data = path.read_bytes().partition(b"\n\n")
    magic, *lines = start.decode().split("\n")
    fields = dict(line.split(": ", 1) for line in lines if ":=" not in line)
    if not magic.startswith("NRRD000") or (fields["space"], fields["encoding"]) != ("left-posterior-superior", "gzip"):
        raise LesionsegError(f"{path} is not a NRRD file such as we write; export the mask again.")
    axes = [_vector(text) for text in fields["space directions"].split()]
    grid = _grid(fields["sizes"], np.transpose(axes), _vector(fields["space origin"]))
    return Stored(_voxels(gzip.decompress(data), fields["type"], grid.shape), grid)


def read_metaimage(path: Path) -> Stored:
    """Read a compressed MetaImage file of one label volume.

    Raises
    ------
    LesionsegError
        If it is anything else, or its stream is damaged.
    """
    start, _, data = path.read_bytes().partition(b"ElementDataFile = LOCAL\n")
    fields = dict(line.split(" = ", 1) for line in start.decode().splitlines())
    if len(data) != int(fields["CompressedDataSize"]):
        raise LesionsegError(f"{path} is truncated; export the mask again.")
    axes = _vector(fields["TransformMatrix"]).reshape(3, 3).T * _vector(fields["ElementSpacing"])
    grid = _grid(fields["DimSize"], axes, _vector(fields["Offset"]))
    return Stored(_voxels(zlib.decompress(data), fields["ElementType"], grid.shape), grid)


def _grid(sizes: str, axes: npt.NDArray[np.float64], origin: npt.NDArray[np.float64]) -> Geometry:
    i, j, k = (int(side) for side in sizes.split())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, origin
    return Geometry((i, j, k), LPS @ affine)


def _vector(text: str) -> npt.NDArray[np.float64]:
    return np.array([float(number) for number in text.strip("()").replace(",", " ").split()])


def _voxels(data: bytes, kind: str, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8 | np.uint16]:
    return np.frombuffer(data, _TYPES[kind]).reshape(shape, order="F")
