"""The header of a MetaImage file (itk.org/Wiki/MetaIO/Documentation), checked before a voxel is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.gate import Claim
from napari_lesionseg.volumes.itk_header import (
    LONGEST,
    TO_RAS,
    ImageHeader,
    affine_of,
    bad,
    beside,
    claim,
    floats,
    naturals,
)
from napari_lesionseg.volumes.voxels import Layout

_DTYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_SAME = {
    "Orientation": "TransformMatrix",
    "Rotation": "TransformMatrix",
    "Position": "Offset",
    "Origin": "Offset",
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}
_ABOUT_SPACE = ("TransformMatrix", "Offset", "CenterOfRotation", "AnatomicalOrientation", "ElementSpacing", "DimSize")
_IDENTITY = "1 0 0 0 1 0 0 0 1"


def read_metaimage_header(path: Path) -> ImageHeader:
    """Read and check the header of a .mha or .mhd file.

    Raises
    ------
    LesionsegError
        If it is none, is not one 3-D volume of numbers, or points outside its folder.
    """
    fields, end = _fields(path)
    for name in ("NDims", "DimSize", "ElementType"):
        if name not in fields:
            raise bad(path, f"no field {name}")
    shape = _shape(path, fields)
    zipped = _flag(path, fields, "CompressedData")
    name, header_size = fields["ElementDataFile"], fields.get("HeaderSize", "0")
    local = name.upper() == "LOCAL"
    if name.upper().startswith("LIST") or "%" in name:
        raise bad(path, "voxels in several files")
    from_end = header_size == "-1" and not zipped
    start = end if local else 0
    if not from_end:
        start += naturals(path, "HeaderSize", header_size)[0]
    return ImageHeader(
        layout=Layout(shape, _dtype(path, fields)),
        claim=_claim(path, fields, shape),
        voxels=path if local else beside(path, name),
        start=None if from_end else start,
        encoding="zlib" if zipped else "raw",
        skip=0,
        harmless=_harmless(fields),
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields by name, and where the header ends: behind the line of ElementDataFile."""
    with open(path, "rb") as file:
        start = file.read(LONGEST)
    fields: dict[str, str] = {}
    place = 0
    while "ElementDataFile" not in fields:
        newline = start.find(b"\n", place)
        line = start[place : len(start) if newline < 0 else newline].decode("utf-8", "replace")
        name, equals, value = line.partition("=")
        place = len(start) if newline < 0 else newline + 1
        if not equals or len(name) > 60:
            raise LesionsegError(f"{path} is not a MetaImage file; convert the scan to .nii.gz.")
        name = _SAME.get(name.strip(), name.strip())
        if name in fields:
            raise bad(path, f"its field {name[:30]} twice")
        fields[name] = value.strip()
    if fields.get("ObjectType", "Image") != "Image":
        raise bad(path, "no image in it")
    return fields, place


def _shape(path: Path, fields: dict[str, str]) -> tuple[int, int, int]:
    sizes = naturals(path, "DimSize", fields["DimSize"])
    if naturals(path, "NDims", fields["NDims"]) != [len(sizes)]:
        raise bad(path, "another number of dimensions than sizes")
    if len(sizes) != 3:
        raise LesionsegError(f"{path} has {len(sizes)} dimensions, a scan needs three; export one volume.")
    if min(sizes) < 1:
        raise LesionsegError(f"{path} is empty (shape {tuple(sizes)}); export the scan again.")
    if naturals(path, "ElementNumberOfChannels", fields.get("ElementNumberOfChannels", "1")) != [1]:
        raise bad(path, "several values in each voxel (colours)")
    return (sizes[0], sizes[1], sizes[2])


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    code = _DTYPES.get(fields["ElementType"])
    if code is None:
        raise bad(path, f"voxels of type {fields['ElementType'][:20]!r}, not single numbers")
    for name, neutral in (("ElementToIntensityFunctionSlope", 1.0), ("ElementToIntensityFunctionOffset", 0.0)):
        if name in fields and floats(path, name, fields[name], 1) != [neutral]:
            raise bad(path, "a slope, which not every program applies")
    if not _flag(path, fields, "BinaryData", "True"):
        raise bad(path, "voxels stored as text")
    order = ">" if _flag(path, fields, "BinaryDataByteOrderMSB") else "<"
    return np.dtype(order + code)


def _flag(path: Path, fields: dict[str, str], name: str, default: str = "False") -> bool:
    value = fields.get(name, default).lower()
    if value not in ("true", "false", "1", "0"):
        raise bad(path, f"neither True nor False in its {name}")
    return value in ("true", "1")


def _claim(path: Path, fields: dict[str, str], shape: tuple[int, int, int]) -> Claim:
    missing = [name for name in ("TransformMatrix", "Offset", "ElementSpacing") if name not in fields]
    problems = [f"it stores no {', '.join(missing)}, so its place is a guess"] if missing else []
    matrix = floats(path, "TransformMatrix", fields.get("TransformMatrix", _IDENTITY), 9)
    offset = floats(path, "Offset", fields.get("Offset", "0 0 0"), 3)
    spacing = floats(path, "ElementSpacing", fields.get("ElementSpacing", "1 1 1"), 3)
    axes = np.array(matrix).reshape(3, 3)  # A row is the direction of an axis.
    lengths = np.linalg.norm(axes, axis=1)
    if np.abs(lengths - 1).max() > 1e-3:
        raise bad(path, "directions in its TransformMatrix that are not of length 1")
    affine = affine_of(axes * np.array(spacing)[:, None], offset, TO_RAS["lps"])
    unit = fields.get("DistanceUnits", "mm")
    affines = {"lps": (affine, "its numbers grow along LPS")}
    return claim(shape, affines, problems, None if unit in ("mm", "", "?") else unit)


def _harmless(fields: dict[str, str]) -> bytes:
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False"]
    lines += [f"{name} = {fields[name][:400]}" for name in _ABOUT_SPACE if name in fields]
    lines += ["ElementType = MET_UCHAR", "ElementDataFile = LOCAL"]
    return ("\n".join(lines) + "\n").encode("ascii", "replace") + bytes(8)
