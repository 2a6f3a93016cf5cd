"""NRRD and MetaImage in: own checks before voxels are touched, and SimpleITK as the second reader of the place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.gate import itk_affine, settle
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.itk_header import ImageHeader
from napari_lesionseg.volumes.itk_metaimage import read_metaimage_header
from napari_lesionseg.volumes.itk_nrrd import read_nrrd_header
from napari_lesionseg.volumes.streams import MOST_BESIDE, Stream, open_stream
from napari_lesionseg.volumes.volume import Mask, Volume
from napari_lesionseg.volumes.voxels import check_grid, read_labels, read_volume

_NRRD: tuple[Callable[[Path], ImageHeader], str, str] = (read_nrrd_header, ".nrrd", "NrrdImageIO")
_META: tuple[Callable[[Path], ImageHeader], str, str] = (read_metaimage_header, ".mha", "MetaImageIO")


def read_scan(path: str | Path, *, geometry: str | None = None) -> Volume:
    """Read a CT scan from NRRD (.nrrd, .nhdr) or MetaImage (.mha, .mhd).

    Raises
    ------
    GeometryQuestion
        If the header places the scan in more than one way.
    LesionsegError
        If the file is missing, truncated, of another format, not 3-D, empty, or holds NaN or infinity.
    """
    path = Path(path)
    with _open(path) as (header, ending, image_io, voxels):
        grid, warnings = settle(
            path, header.claim, lambda: ("SimpleITK", itk_affine(header.harmless, ending, image_io)), geometry, None
        )
        return read_volume(path, voxels, header.layout, grid, warnings)


def read_mask(path: str | Path, like: Geometry | None = None, *, geometry: str | None = None) -> Mask:
    """Read a label mask, also Slicer's ``.seg.nrrd`` of one layer; its labels are kept.

    Raises
    ------
    GeometryQuestion
        If the header places the mask in more than one way, and none of them is the grid ``like``.
    LesionsegError
        If the file cannot be read, its segments overlap, its labels are not 0 to 255, or it lies on another grid.
    """
    path = Path(path)
    with _open(path, labels=True) as (header, ending, image_io, voxels):
        grid, _ = settle(
            path, header.claim, lambda: ("SimpleITK", itk_affine(header.harmless, ending, image_io)), geometry, like
        )
        check_grid(path, grid, like)
        return read_labels(path, voxels, header.layout, like or grid)


@contextmanager
def _open(path: Path, *, labels: bool = False) -> Iterator[tuple[ImageHeader, str, str, Stream]]:
    """The header of ``path``, what SimpleITK needs to read it, and a stream that stands at the first voxel."""
    try:
        if not path.is_file():
            raise LesionsegError(f"{path} does not exist or is not a file; check the name.")
        with open(path, "rb") as file:
            read_header, ending, image_io = _NRRD if file.read(4) == b"NRRD" else _META
        header = read_header(path)
        start, size = header.start, header.layout.nbytes
        if start is None:
            start = max(0, header.voxels.stat().st_size - size)
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror or error}; copy or export it again.") from error
    if header.skip > MOST_BESIDE:
        raise LesionsegError(f"{path} declares {header.skip} bytes before its voxels; export it again.")
    with open_stream(header.voxels, start, header.encoding) as voxels:
        header.layout.check_size(path, voxels, labels=labels)
        voxels.skip(header.skip)
        yield header, ending, image_io, voxels
