"""The header of an NRRD file (teem.sourceforge.net/nrrd/format.html), checked before a voxel is touched."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.gate import Affine, Claim
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
from napari_lesionseg.volumes.streams import Encoding
from napari_lesionseg.volumes.voxels import Layout

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_DTYPES = {name: np.dtype(code) for code, names in _TYPES.items() for name in names}
_SPACES = {"left-posterior-superior": "lps", "right-anterior-superior": "ras", "left-anterior-superior": "las"}
_SPACES |= {short: short for short in _SPACES.values()}
_ENCODINGS: dict[str, Encoding] = {"raw": "raw", "gzip": "gzip", "gz": "gzip"}
_SAME = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip"}
# In the order that teem wants them.
_ABOUT_SPACE: tuple[str, ...] = ("dimension", "space", "space dimension", "sizes", "spacings", "space directions")
_ABOUT_SPACE += ("kinds", "space units", "space origin")
_VECTOR = re.compile(r"\(([^()]*)\)|none")


def read_nrrd_header(path: Path) -> ImageHeader:
    """Read and check the header of an NRRD file.

    Raises
    ------
    LesionsegError
        If it is none, is not one 3-D volume of numbers stored raw or by gzip, or points outside its folder.
    """
    fields, end = _fields(path)
    for name in ("type", "dimension", "sizes", "encoding"):
        if name not in fields:
            raise bad(path, f"no field “{name}”")
    shape, channel = _shape(path, fields)
    encoding = _ENCODINGS.get(fields["encoding"].lower())
    if encoding is None:
        raise bad(path, f"voxels stored as {fields['encoding'][:20]!r}, not raw or gzip")
    if naturals(path, "line skip", fields.get("line skip", "0")) != [0]:
        raise bad(path, "lines to skip before its voxels")
    data_file = fields.get("data file")
    skip = fields.get("byte skip", "0")
    from_end = skip == "-1" and encoding == "raw"
    return ImageHeader(
        layout=Layout(shape, _dtype(path, fields)),
        claim=_claim(path, fields, shape, channel),
        voxels=path if data_file is None else _data_file(path, data_file),
        start=None if from_end else (end if data_file is None else 0),
        encoding=encoding,
        skip=0 if from_end else naturals(path, "byte skip", skip)[0],
        harmless=_harmless(fields),
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields by name, and where the header ends."""
    with open(path, "rb") as file:
        start = file.read(LONGEST)
    if not re.match(rb"NRRD000[1-5]\r?\n", start):
        raise LesionsegError(f"{path} is not an NRRD file; convert the scan to .nii.gz.")
    blank = re.search(rb"\n\r?\n", start)
    if blank is None and len(start) == LONGEST:
        raise bad(path, "no end of its header")
    end = len(start) if blank is None else blank.end()
    fields: dict[str, str] = {}
    for line in start[:end].decode("utf-8", "replace").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if line.startswith("#") or not colon or value.startswith("="):  # A comment, or a key of the writer's own.
            continue
        name = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip"}.get(
            name.lower(), name.lower()
        )
        if name in fields:
            raise bad(path, f"its field “{name[:20]}” twice")
        if name in _ABOUT_SPACE and len(value) > 4000:
            raise bad(path, f"an endless field “{name}”")
        fields[name] = value.strip()
    return fields, end


def _shape(path: Path, fields: dict[str, str]) -> tuple[tuple[int, int, int], int]:
    """(i, j, k), and how many axes lie before them: a list of one layer counts for nothing."""
    sizes = naturals(path, "sizes", fields["sizes"])
    if naturals(path, "dimension", fields["dimension"]) != [len(sizes)]:
        raise bad(path, "another dimension than it has sizes")
    kinds = fields.get("kinds", "").split()
    if len(sizes) == 4 and kinds[:1] in (["list"], ["vector"]):
        if sizes[0] > 1:
            raise LesionsegError(
                f"{path} has {sizes[0]} layers of overlapping segments, a mask has one label a voxel; "
                "export the segments one by one."
            )
        sizes = sizes[1:]
        channel = 1
    else:
        channel = 0
    if len(sizes) != 3:
        raise LesionsegError(f"{path} has {len(sizes)} dimensions, a scan needs three; export one volume.")
    if min(sizes) < 1:
        raise LesionsegError(f"{path} is empty (shape {tuple(sizes)}); export the scan again.")
    return (sizes[0], sizes[1], sizes[2]), channel


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[np.generic]:
    dtype = _DTYPES.get(fields["type"].lower())
    if dtype is None:
        raise bad(path, f"voxels of type {fields['type'][:20]!r}, not single numbers")
    if dtype.itemsize == 1:
        return dtype
    order = {"little": "<", "big": ">"}.get(fields.get("endian", "").lower())
    if order is None:
        raise bad(path, "no order of bytes (endian)")
    return dtype.newbyteorder("<" if order == "<" else ">")


def _data_file(path: Path, name: str) -> Path:
    if name.upper().startswith("LIST") or "%" in name:
        raise bad(path, "voxels in several files")
    return beside(path, name)


def _claim(path: Path, fields: dict[str, str], shape: tuple[int, int, int], channel: int) -> Claim:
    vectors, problems = _vectors(path, fields, channel), []
    space = _SPACES.get(fields.get("space", "").lower())
    if vectors is None:
        vectors = _spacings(path, fields, channel)
        problems.append("it stores no position, so nothing says where left is")
    elif space is None:
        problems.append(f"its space ({fields.get('space', 'none')[:30]}) does not say where left is")
    origin = [0.0, 0.0, 0.0]
    if "space origin" in fields:
        origin = floats(path, "space origin", fields["space origin"].strip("() ").replace(",", " "), 3)
    elif not problems:
        problems.append("it stores no origin, which then is 0")
    names = [space] if space and not (problems and "left" in problems[0]) else ["lps", "ras"]
    affines: dict[str, tuple[Affine, str]] = {
        name: (affine_of(vectors, origin, TO_RAS[name]), f"its numbers grow along {name.upper()}") for name in names
    }
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", ""))) - {"mm", "", "millimeter", "millimeters"}
    return claim(shape, affines, problems, ", ".join(sorted(units)) if units else None)


def _vectors(path: Path, fields: dict[str, str], channel: int) -> list[list[float]] | None:
    text = fields.get("space directions")
    if text is None:
        return None
    found = [match[1] for match in _VECTOR.finditer(text)]
    if len(found) != 3 + channel or _VECTOR.sub("", text).strip() or any(one is None for one in found[channel:]):
        raise bad(path, "no three space directions")
    return [floats(path, "space directions", one.replace(",", " "), 3) for one in found[channel:]]


def _spacings(path: Path, fields: dict[str, str], channel: int) -> list[list[float]]:
    words = fields.get("spacings", "").split()[channel:]
    sides = floats(path, "spacings", " ".join(words), 3) if words else [1.0, 1.0, 1.0]
    return [[side if axis == other else 0.0 for other in range(3)] for axis, side in enumerate(sides)]


def _harmless(fields: dict[str, str]) -> bytes:
    lines = ["NRRD0004", "type: uchar", "encoding: raw"]
    lines += [f"{name}: {fields[name]}" for name in _ABOUT_SPACE if name in fields]
    return ("\n".join(lines) + "\n\n").encode("ascii", "replace") + bytes(8)
