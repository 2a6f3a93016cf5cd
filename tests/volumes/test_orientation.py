"""Axes told as nibabel tells them."""

from __future__ import annotations

import itertools
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from napari_lesionseg.volumes.orientation import closest_axes, letters, transform

TURNS = [(axes, signs) for axes in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)]


def check(affine: np.ndarray) -> None:
    ours, theirs = closest_axes(affine), nib.orientations.io_orientation(affine)
    assert np.array_equal(ours, theirs)
    assert letters(ours) == "".join(nib.orientations.aff2axcodes(affine))
    for shown in ("SPL", "RAS", "IAR"):
        wanted = nib.orientations.ornt_transform(theirs, nib.orientations.axcodes2ornt(shown))
        assert np.array_equal(transform(ours, shown), wanted)


@pytest.mark.parametrize(("axes", "signs"), TURNS)
def test_the_48_orientations(axes: tuple[int, ...], signs: tuple[int, ...]) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, axes] * signs * (0.7, 0.8, 5.0)
    check(affine)


def test_any_oblique_or_sheared_grid() -> None:
    random = np.random.default_rng(5)
    for _ in range(2000):
        affine = np.eye(4)
        affine[:3] = random.normal(size=(3, 4)) * random.uniform(0.1, 10)
        check(affine)


def test_the_package_is_imported_without_nibabel_and_pydicom() -> None:
    code = "import sys, napari_lesionseg.volumes; print({'nibabel', 'pydicom'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
