"""A second reader says where the corners of a stack lie; it and our own must agree."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.dicom.headers import Slice

LONGEST_S = 30.0  # It takes about a second, most of it to start.
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
_CHILD = Path(__file__).with_name("gate_child.py")


class SecondReader:
    """Finds the corners of the first and the last slice, by code that shares nothing with ours.

    SimpleITK (GDCM) reads single frames of the classic classes, in a process that works while voxels are decoded. It
    places frames of a multi-frame file only as a whole, and secondary captures nowhere (they have no plane by
    PS3.3 A.8); highdicom reads those, and what SimpleITK fails on.

    Parameters
    ----------
    slices
        In order along the normal.
    """

    def __init__(self, slices: Sequence[Slice]) -> None:
        self._ends = (slices[0], slices[-1])
        self._process: subprocess.Popen[bytes] | None = None
        if all(one.file.frames == 1 and not _ignored_by_gdcm(one) for one in self._ends):
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_CHILD), *(str(one.file.path) for one in self._ends)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    def __enter__(self) -> SecondReader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def disagreement_mm(self, corners: npt.NDArray[np.float64]) -> float:
        """How far at most it places a corner from ours, RAS mm, shape (8, 3), in any order."""
        theirs = np.concatenate(
            [self._corners(one, line) for one, line in zip(self._ends, self._answers(), strict=True)]
        )
        apart = np.linalg.norm(corners[:, None] - theirs[None], axis=2)
        return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))

    def _answers(self) -> list[dict[str, Any] | None]:
        if self._process is None:
            return [None, None]
        try:
            lines = self._process.communicate(timeout=LONGEST_S)[0].splitlines()
            found = [json.loads(line) for line in lines]
        except (subprocess.TimeoutExpired, ValueError):
            found = []
        return (found + [None, None])[:2]

    @staticmethod
    def _corners(one: Slice, answer: dict[str, Any] | None) -> npt.NDArray[np.float64]:
        return by_highdicom(one) if answer is None else from_image(answer)


def from_image(image: dict[str, Any]) -> npt.NDArray[np.float64]:
    """The four corners, RAS mm, of an image of one slice, by the way ITK places voxels."""
    columns, rows = image["size"][:2]
    scaled = np.array(image["direction"]).reshape(3, 3) * np.array(image["spacing"])
    ends = np.array([(i, j, 0) for i in (0, columns - 1) for j in (0, rows - 1)], float)
    return np.asarray((np.array(image["origin"]) + ends @ scaled.T) * _LPS_TO_RAS)


def by_highdicom(one: Slice) -> npt.NDArray[np.float64]:
    """The four corners of a slice, RAS mm, by highdicom's own reading of the header, functional groups included."""
    from highdicom.spatial import PixelToReferenceTransformer

    transformer: Any
    try:
        number = one.index + 1 if one.file.frames > 1 else None
        transformer = PixelToReferenceTransformer.for_image(one.file.header, frame_number=number)
    except Exception:  # Captures lack the frame of reference it asks for, and damaged elements make pydicom raise.
        transformer = PixelToReferenceTransformer(one.position, one.orientation, one.spacing)
    ends = np.array([(i, j) for i in (0, one.columns - 1) for j in (0, one.rows - 1)])
    return np.asarray(transformer(ends) * _LPS_TO_RAS)


def _ignored_by_gdcm(one: Slice) -> bool:
    return one.file.kind.startswith("1.2.840.10008.5.1.4.1.1.7")  # Secondary captures.
