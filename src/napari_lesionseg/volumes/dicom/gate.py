"""A second reader says where the corners of a stack lie; it and our own must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.dicom.headers import Slice

_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def disagreement_mm(slices: Sequence[Slice], corners: npt.NDArray[np.float64]) -> float:
    """How far at most a second reader places a corner of the first or the last slice from ours.

    Parameters
    ----------
    slices
        In order along the normal.
    corners
        Ours, RAS mm, shape (8, 3), in any order.
    """
    theirs = np.concatenate([second_corners(slices[0]), second_corners(slices[-1])])
    apart = np.linalg.norm(corners[:, None] - theirs[None], axis=2)
    return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


def second_corners(one: Slice) -> npt.NDArray[np.float64]:
    """The four corners of a slice in RAS mm, by code that shares nothing with ours.

    SimpleITK (GDCM) reads single frames of the classic classes. It places frames of a multi-frame file only as a
    whole, and secondary captures nowhere; highdicom does both, from the header it is given.
    """
    if one.file.frames == 1 and (placed := _by_simpleitk(one)) is not None:
        return placed
    return _by_highdicom(one)


def _by_simpleitk(one: Slice) -> npt.NDArray[np.float64] | None:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(one.file.path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    if not reader.HasMetaDataKey("0020|0032") or _ignored_by_gdcm(one):
        return None
    columns, rows = reader.GetSize()[:2]
    direction = np.array(reader.GetDirection()).reshape(3, 3)
    scaled = direction * np.array(reader.GetSpacing())
    ends = np.array([(i, j, 0) for i in (0, columns - 1) for j in (0, rows - 1)], float)
    return np.asarray((np.array(reader.GetOrigin()) + ends @ scaled.T) * _LPS_TO_RAS)


def _ignored_by_gdcm(one: Slice) -> bool:
    """Whether GDCM takes no notice of the plane in this class: secondary captures have none by PS3.3 A.8."""
    return one.file.kind.startswith("1.2.840.10008.5.1.4.1.1.7")


def _by_highdicom(one: Slice) -> npt.NDArray[np.float64]:
    from highdicom.spatial import PixelToReferenceTransformer

    transformer: Any
    try:  # Its own reading of the header, functional groups included.
        number = one.index + 1 if one.file.frames > 1 else None
        transformer = PixelToReferenceTransformer.for_image(one.file.header, frame_number=number)
    except (ValueError, AttributeError, KeyError):  # It asks for a frame of reference, which captures may lack.
        transformer = PixelToReferenceTransformer(one.position, one.orientation, one.spacing)
    ends = np.array([(i, j) for i in (0, one.columns - 1) for j in (0, one.rows - 1)])
    return np.asarray(transformer(ends) * _LPS_TO_RAS)
