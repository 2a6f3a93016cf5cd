"""A mask lies in every format where it was drawn, with the labels it was drawn with, to its last voxel.

The judges are not ours: nibabel, SimpleITK, and for the text formats a reader that shares no code with ITK's.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.export.mask import export_mask
from napari_lesionseg.volumes.export.text_header import read_metaimage, read_nrrd
from napari_lesionseg.volumes.read import read_mask

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".seg.nrrd", ".mha")
SHAPE = (5, 6, 7)  # Stored (i, j, k).
Seen = tuple[np.ndarray, np.ndarray]  # Stored voxels and the RAS affine.
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]
pytestmark = pytest.mark.timeout(3600)  # At full scale each takes minutes.


def seen_by_simpleitk(path: Path) -> Seen:
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    for axis in range(3):  # Asked of ITK point by point, not put together from spacing and direction.
        step = [int(axis == other) for other in range(3)]
        affine[:3, axis] = np.subtract(
            image.TransformIndexToPhysicalPoint(step), image.TransformIndexToPhysicalPoint([0, 0, 0])
        )
    affine[:3, 3] = image.TransformIndexToPhysicalPoint([0, 0, 0])
    return sitk.GetArrayFromImage(image).T, np.diag([-1, -1, 1, 1]) @ affine


def seen_by_another(path: Path) -> Seen:
    if ".nii" in path.suffixes:
        image = nib.load(path)
        return np.asarray(image.dataobj), image.affine
    seen = (read_metaimage if path.suffix == ".mha" else read_nrrd)(path)
    return seen.voxels, seen.geometry.affine


def orientations() -> Iterator[np.ndarray]:
    """The 48 ways in which stored axes can run along those of the patient."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            yield np.eye(3)[:, order] * np.array(signs)


def turned(rng: np.random.Generator) -> np.ndarray:
    """A random turn of up to 40° about a random axis, by Rodrigues' formula."""
    axis = rng.normal(size=3)
    x, y, z = axis / np.linalg.norm(axis)
    angle = rng.uniform(0.02, 0.7)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def lopsided(geometry: Geometry, rng: np.random.Generator) -> Mask:
    """A mask that any flip, swap or shift of axes changes: a few voxels of labels 1 to 3 and one corner."""
    stored = np.where(rng.random(geometry.shape) < 0.2, rng.integers(1, 4, geometry.shape), 0).astype(np.uint8)
    stored[0, 0, 0] = 1
    stored[-1, 0, 0] = stored[0, -1, 0] = stored[0, 0, -1] = 0
    return Mask(geometry.to_display(stored), geometry)


def centroids(voxels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Where each label lies in the mean, in mm."""
    places = [np.argwhere(voxels == label).mean(axis=0) for label in np.unique(voxels) if label]
    return np.array(places) @ affine[:3, :3].T + affine[:3, 3]


@pytest.mark.hazard("H12")
def test_no_export_mirrors_or_moves_a_mask(tmp_path: Path, hazard_count: Count, hazard_figure: Figure) -> None:
    masks, rng = hazard_count(2, 20), np.random.default_rng(12)
    files, moved, farthest = 0, [], 0.0
    for number, axes in itertools.product(range(masks), orientations()):
        affine = np.eye(4)
        turn = turned(rng) if number % 2 else np.eye(3)  # Every other mask lies oblique.
        affine[:3, :3] = turn @ axes * rng.uniform(0.4, 5, 3)
        affine[:3, 3] = rng.uniform(-400, 400, 3)
        mask = lopsided(Geometry(SHAPE, affine), rng)
        stored = mask.geometry.to_stored(mask.array)
        for ending in ENDINGS:
            path = tmp_path / f"mask{ending}"
            export_mask(path, mask)
            files += 1
            for judge in (seen_by_simpleitk, seen_by_another):
                voxels, place = judge(path)
                exact = np.array_equal(voxels, stored)
                away = np.abs(centroids(voxels, place) - centroids(stored, affine)).max() if exact else np.inf
                farthest = max(farthest, away)
                if away > 0.001:
                    moved.append((ending, judge.__name__, mask.geometry.orientation))
    figure = f"{masks} masks × 48 orientations × {len(ENDINGS)} formats, 2 readers: {len(moved)} moved"
    hazard_figure("H12", f"{figure}, farthest centroid {farthest:.1g} mm", not moved and files == masks * 240)
    assert moved == []
    assert files == masks * 48 * 5


@pytest.mark.hazard("H13")
def test_no_export_alters_a_label(tmp_path: Path, hazard_count: Count, hazard_figure: Figure) -> None:
    sets, rng = hazard_count(50, 2000), np.random.default_rng(13)
    geometry = Geometry((8, 6, 6), np.diag([-0.7, -0.7, 2.5, 1.0]))  # 288 voxels: room for all 256 labels.
    altered: list[tuple[str, list[int]]] = []
    for number in range(sets):
        size = (0, 1, 255)[number] if number < 3 else int(rng.integers(1, 256))
        labels = rng.permutation(np.arange(1, 256))[:size]
        stored = np.zeros(288, np.uint8)
        stored[:size] = labels
        mask = Mask(geometry.to_display(rng.permutation(stored).reshape(geometry.shape)), geometry)
        wanted = {0, *labels.tolist()}
        for ending in ENDINGS:
            path = tmp_path / f"mask{ending}"
            export_mask(path, mask)
            for judge in (seen_by_simpleitk, seen_by_another):
                voxels, _ = judge(path)
                if set(np.unique(voxels).tolist()) != wanted or voxels.dtype != np.uint8:
                    altered.append((ending, sorted(wanted)))
            if not np.array_equal(read_mask(path, like=geometry).array, mask.array):
                altered.append((ending, sorted(wanted)))
    hazard_figure("H13", f"{sets} label sets × {len(ENDINGS)} formats: {len(altered)} altered", not altered)
    assert altered == []


def faces_and_corners() -> Iterator[np.ndarray]:
    """Masks on each of the six faces, in each of the eight corners, and on all faces at once."""
    everywhere = np.zeros(SHAPE, np.uint8)
    for axis, end in itertools.product(range(3), (0, -1)):
        face = np.zeros(SHAPE, np.uint8)
        for stored in (face, everywhere):
            np.moveaxis(stored, axis, 0)[end] = 1
        yield face
    for corner in itertools.product((0, -1), repeat=3):
        single = np.zeros(SHAPE, np.uint8)
        single[corner] = 1
        yield single
    yield everywhere


@pytest.mark.hazard("H14")
def test_no_export_crops_or_resamples_a_mask(tmp_path: Path, hazard_count: Count, hazard_figure: Figure) -> None:
    grids, rng = hazard_count(2, 48), np.random.default_rng(14)
    written, cropped, refused, wrongly = 0, 0, 0, 0
    for axes in itertools.islice(orientations(), 0, None, 48 // grids):
        affine = np.eye(4)
        affine[:3, :3] = turned(rng) @ axes * rng.uniform(0.4, 5, 3)
        geometry = Geometry(SHAPE, affine)
        scan = Volume(np.full(geometry.display_shape, -800, np.int16), geometry)
        for stored, ending in itertools.product(faces_and_corners(), ENDINGS):
            path = tmp_path / f"mask{ending}"
            export_mask(path, Mask(geometry.to_display(stored), geometry), scan)
            written += 1
            for voxels, place in (seen_by_simpleitk(path), seen_by_another(path)):
                same = voxels.shape == SHAPE and np.allclose(place, affine, atol=1e-3)
                cropped += not same or np.count_nonzero(voxels) != np.count_nonzero(stored)
            path.unlink()
        for other, ending in itertools.product(_other_grids(geometry), ENDINGS):
            try:
                export_mask(tmp_path / f"mask{ending}", Mask.empty(other), scan)
                wrongly += 1
            except LesionsegError:
                refused += 1
    figure = f"{written} masks on faces and in corners: {cropped} cropped; {refused} of {refused + wrongly} other grids"
    hazard_figure("H14", f"{figure} refused", not cropped and not wrongly and refused > 0)
    assert (written, cropped) == (grids * 15 * 5, 0)
    assert (refused, wrongly) == (grids * 4 * 5, 0)
    assert list(tmp_path.iterdir()) == []


def _other_grids(geometry: Geometry) -> Iterator[Geometry]:
    """One slice less, half a voxel aside, twice the voxels, axes swapped."""
    i, j, k = geometry.shape
    yield Geometry((i, j, k - 1), geometry.affine)
    aside = np.array(geometry.affine)
    aside[:3, 3] += aside[:3, 0] / 2
    yield Geometry(geometry.shape, aside)
    yield Geometry((2 * i, 2 * j, 2 * k), geometry.affine @ np.diag([0.5, 0.5, 0.5, 1]))
    yield Geometry((j, i, k), geometry.affine[:, [1, 0, 2, 3]])
