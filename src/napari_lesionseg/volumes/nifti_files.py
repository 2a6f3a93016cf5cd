"""Which files a NIfTI image is made of: one, or a pair of header and voxels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from napari_lesionseg.errors import LesionsegError

_PAIR = re.compile(r"\.(hdr|img)(\.gz)?$", re.IGNORECASE)


class NiftiFiles(NamedTuple):
    """Where the header and the voxels are; the same file unless ``pair``."""

    header: Path
    voxels: Path
    pair: bool


def voxel_file(path: Path) -> NiftiFiles:
    """Find the files of ``path``, which may be either file of a pair.

    Raises
    ------
    LesionsegError
        If the other file of a pair is missing.
    """
    found = _PAIR.search(path.name)
    if not found:
        return NiftiFiles(path, path, pair=False)
    wanted = "img" if found[1].lower() == "hdr" else "hdr"
    wanted = wanted.upper() if found[1].isupper() else wanted
    stem = path.name[: found.start()]
    candidates = [path.with_name(f"{stem}.{wanted}{zipped}") for zipped in ("", ".gz")]
    mates = [one for one in candidates if one.is_file()]
    if len(mates) > 1:
        raise LesionsegError(f"{path} may belong to {mates[0].name} or {mates[1].name}; remove the wrong one.")
    if not mates:
        if not path.is_file():
            raise LesionsegError(f"{path} does not exist or is not a file; check the name.")
        raise LesionsegError(f"{path} is half of a pair, but {candidates[0].name} is not beside it; copy both files.")
    header, voxels = (path, mates[0]) if wanted.lower() == "img" else (mates[0], path)
    return NiftiFiles(header, voxels, pair=True)
