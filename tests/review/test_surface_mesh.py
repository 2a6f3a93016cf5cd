"""Surfaces of masks: where they are in mm, and that nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.surface_mesh import surface_mesh
from napari_lesionseg.volumes import Geometry, Mask

SHAPE, SPACING = (20, 30, 40), (2.0, 1.0, 0.5)


def boxed(*sides: tuple[int, int]) -> Mask:
    mask = Mask.empty(Geometry.from_spacing(SHAPE, SPACING))
    mask.array[tuple(slice(*side) for side in sides)] = 1
    return mask


def test_a_box_is_wrapped_where_it_is_in_mm() -> None:
    mesh = surface_mesh(boxed((4, 8), (10, 20), (6, 26)), 0.1)
    # The surface runs half a voxel outside of the outermost centres: x 6 to 25, y 10 to 19, z 4 to 7.
    assert mesh.vertices.min(axis=0) == pytest.approx((5.5 * 0.5, 9.5, 3.5 * 2))
    assert mesh.vertices.max(axis=0) == pytest.approx((25.5 * 0.5, 19.5, 7.5 * 2))


def test_the_surface_is_closed() -> None:
    faces = surface_mesh(boxed((4, 8), (10, 20), (6, 26)), 0.1).faces
    edges = np.sort(np.concatenate([faces[:, (0, 1)], faces[:, (1, 2)], faces[:, (2, 0)]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert set(counts) == {2}


@pytest.mark.parametrize("finest_mm", [0.5, 2.0, 6.0])
def test_a_single_voxel_is_seen_at_any_coarseness(finest_mm: float) -> None:
    mesh = surface_mesh(boxed((5, 6), (7, 8), (9, 10)), finest_mm)
    assert len(mesh.faces) == 8
    assert np.abs(mesh.vertices.mean(axis=0) - (4.5, 7.0, 10.0)).max() <= finest_mm / 2


def test_coarser_is_fewer_triangles_in_the_same_place() -> None:
    box = boxed((2, 18), (5, 25), (4, 36))
    fine, coarse = surface_mesh(box, 0.5), surface_mesh(box, 2.0)
    assert len(coarse.faces) < len(fine.faces) / 4
    assert np.abs(coarse.vertices.mean(axis=0) - fine.vertices.mean(axis=0)).max() < 1.0


def test_a_smooth_ball_keeps_its_volume() -> None:
    z, y, x = np.ogrid[:40, :40, :40]
    ball = ((z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 15**2).astype(np.uint8)
    mesh = surface_mesh(Mask(ball, Geometry.from_spacing(ball.shape, (1.0, 1.0, 1.0))), 1.0, smooth=True)
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] - 20 for corner in range(3))
    volume = abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6
    assert volume == pytest.approx(ball.sum(), rel=0.03)


def test_an_empty_mask_has_no_surface() -> None:
    assert len(surface_mesh(boxed((0, 0), (0, 0), (0, 0)), 1.0).faces) == 0
