"""Textures of painted lesions: how much of the air in each voxel is filled.

A lesion fills air with water and cells. With the air of a voxel filled by a share f, its HU go from ``hu`` to
``hu + f · (FILLED_HU - hu)``. Lung at −870 HU filled by 0.35 is ground glass at about −550 HU, and a vessel in it,
which holds no air, stays as bright as it is; filled by 0.95 it is consolidation, as bright as the vessels.

**Figures.** Fleischner Society (Hansell et al., Radiology 2008;246:697): ground glass is hazy opacity with margins of
bronchi and vessels preserved, consolidation obscures them and may hold an air bronchogram, crazy paving is thickened
septa and lines on ground glass. Ground glass is taken as −700 to −300 HU and consolidation as above it, −100 to +60
where no air is left; compromised lung in COVID-19 is −500 to +100, of which −100 to +100 holds no air (Lanza et
al., Eur Radiol 2020;30:6770). All lesions together were −462 ± 99 HU in days 0–3 with most voxels at −700 to −500, and
−430 ± 80 HU with two peaks in days 7–14 (Chin J Acad Radiol 2020, doi 10.1007/s42058-020-00034-2, 52 patients).
Frequency: most lesions are pure or mixed ground glass, mostly peripheral, posterior and basal (Shi et al., Lancet
Infect Dis 2020;20:425).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Texture = Literal["ground glass", "mixed", "consolidation", "crazy paving", "reticular"]
TEXTURES: Final[tuple[Texture, ...]] = get_args(Texture)
COMMON: Final = (0.50, 0.22, 0.08, 0.12, 0.08)
"""How common each texture is, over all patients."""
FILLED_HU: Final = 40.0
LEAST_HU: Final = -720.0

Stack = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a texture is made of: depth below the lesion's border in mm and two smooth fields, all (z, y, x)."""

    depth: Stack
    rough: Stack
    fine: Stack
    spacing: tuple[float, float, float]
    lung_hu: float

    def filled(self, hu: float | Stack) -> npt.NDArray[np.float32]:
        """The share of air to fill so that lung comes to ``hu``."""
        return np.asarray((hu - self.lung_hu) / (FILLED_HU - self.lung_hu), np.float32)


def fill(rng: np.random.Generator, texture: Texture, ground_hu: float, around: Surroundings) -> Stack:
    """Share of the air filled, from 0 to 1, (z, y, x), as if the lesion were everywhere.

    Parameters
    ----------
    texture
        Which.
    ground_hu
        Mean HU of the patient's ground glass, −700 to −300.
    around
        Where.
    """
    ground = np.float32(np.clip(ground_hu + rng.normal(0, 50), -680, -340))
    glass = around.filled(ground + 55 * around.rough + 30 * around.fine)
    if texture == "ground glass":
        filled = glass + around.filled(around.lung_hu + rng.uniform(0, 90)) * _core(rng, around, (0.1, 0.6))
    elif texture == "mixed":
        solid = around.filled(rng.uniform(-160, 0) + 40 * around.rough)
        filled = glass + (solid - glass) * _core(rng, around, (0.25, 0.7))
    elif texture == "consolidation":
        solid = around.filled(rng.uniform(-70, 25) + 22 * around.rough + 10 * around.fine)
        filled = glass + (solid - glass) * _core(rng, around, (0.02, 0.12), 0.15)
    elif texture == "crazy paving":
        filled = glass + np.float32(rng.uniform(0.15, 0.28)) * _septa(rng, around)
    else:
        light = around.filled(np.float32(rng.uniform(-690, -600)) + 30 * around.rough)
        filled = light + np.float32(rng.uniform(0.4, 0.65)) * _bands(rng, around)
    return np.clip(filled, around.filled(LEAST_HU), 1.0).astype(np.float32)


def _core(rng: np.random.Generator, around: Surroundings, levels: tuple[float, float], edge: float = 0.35) -> Stack:
    """The lesion's inner part, from 0 to 1, with an irregular edge; shares of the lesion's greatest depth."""
    deepest = max(float(around.depth.max()), 1.0)
    level = deepest * rng.uniform(*levels)
    rough = np.float32(0.25 * deepest) * (around.rough + np.float32(0.5) * around.fine)
    return np.asarray(np.clip(0.5 + (around.depth - level + rough) / np.float32(edge * deepest), 0, 1), np.float32)


def _septa(rng: np.random.Generator, around: Surroundings) -> Stack:
    """Crooked borders of cells about 7 mm wide: septa and lines in the lobule, fainter where voxels are coarse."""
    box = np.array(around.depth.shape) * around.spacing
    cell = rng.uniform(5, 9)
    seeds = rng.uniform(-cell, box + cell, (int(np.clip(np.prod(box + 2 * cell) / cell**3, 8, 60_000)), 3))
    where = np.argwhere(around.depth > -2)
    inside = tuple(where.T)
    bent = where * around.spacing + 1.5 * np.stack([around.fine[inside], around.rough[inside], -around.fine[inside]], 1)
    distances, _ = cKDTree(seeds).query(bent, k=2)
    width = max(1.0, 0.8 * max(around.spacing[1:]))
    line = np.clip(1.1 - (distances[:, 1] - distances[:, 0]) / width, 0, 1) / width
    septa = np.zeros(around.depth.shape, np.float32)
    septa[inside] = line * np.clip(0.7 + 0.5 * around.rough[inside], 0.1, 1.3)
    return septa


def _bands(rng: np.random.Generator, around: Surroundings) -> Stack:
    """Bands a few mm wide that wind along the level lines of smooth fields."""
    width = np.float32(rng.uniform(0.16, 0.3))
    first, second = np.abs(around.rough - np.float32(0.2)), np.abs(around.fine + np.float32(0.3))
    return np.asarray(np.clip(1.2 - np.minimum(first / width, second / (2 * width)), 0, 1), np.float32)
