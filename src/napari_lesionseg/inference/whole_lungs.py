"""The lungs with all that belongs to them, for stating shares of them: consolidation and tumour too, no airway."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.dense_lung import dense_parts, diaphragm
from napari_lesionseg.inference.in_plane import Bools, Spacing, close, grow, shrink
from napari_lesionseg.inference.lungs import MIN_LUNG_ML, air_inside
from napari_lesionseg.inference.two_lungs import tell_apart
from napari_lesionseg.inference.walled_gas import Gas, find_walled_gas
from napari_lesionseg.volumes.volume import Mask, Volume

AIR_HU = -300
COARSE_MM = 2.0
CLOSE_MM = 5.0
WALL_MM = 5.0
STOMACH_MM = 10.0  # Gas of the stomach is so far below the diaphragm at least.


def whole_lungs(scan: Volume) -> Mask:
    """Mark both lungs, closed over vessels, consolidation and tumour; trachea, main bronchi and stomach are left out.

    Works at about 2 mm, and settles the border on the scan's own grid: air (below −300 HU) inside the body without gas
    that has a wall of its own, closed by 5 mm in each lung for itself; then, above the other lung's diaphragm, what
    the outline of a lung says is missing (``dense_parts``). A tumour lower than that is not told from the liver, and
    a raised diaphragm without gas beneath it may be taken for a consolidation: a person has to look.

    Unlike ``segment_lungs`` it says nothing of where to crop: the models were trained on the box of that one.

    Raises
    ------
    LesionsegError
        If the scan is not in HU, or no lung of at least 100 ml is in it.
    """
    if scan.intensity != "HU":
        raise LesionsegError("The scan is not in Hounsfield units, so its lungs cannot be told by density.")
    step = max(1, round(COARSE_MM / scan.geometry.spacing[1]))
    hu = np.ascontiguousarray(scan.array[:, step // 2 :: step, step // 2 :: step])
    dz, dy, dx = scan.geometry.spacing
    spacing = (dz, dy * step, dx * step)
    inside = air_inside(hu, AIR_HU)
    gases = find_walled_gas(hu, inside, spacing)
    airways = grow(_drawn(gases, hu.shape), WALL_MM, spacing)
    lungs = tell_apart(_lungs_of(inside & ~airways, spacing), spacing)
    lungs = [close(lung, CLOSE_MM, spacing) & ~airways for lung in lungs]
    airy = np.logical_or.reduce(lungs)
    dense = _dense(lungs, hu, gases, spacing) & ~airways
    whole = close(airy | dense, CLOSE_MM, spacing) & ~airways & ~airy if dense.any() else dense
    return Mask(_on_grid(scan.array, airy, whole, airways, step).view(np.uint8), scan.geometry)


def _lungs_of(air: Bools, spacing: Spacing) -> Bools:
    """The largest parts of the air in the body."""
    labels = cc3d.connected_components(air, connectivity=6)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    voxel_ml = float(np.prod(spacing)) / 1000
    if sizes.size < 2 or sizes.max() * voxel_ml < MIN_LUNG_ML:
        raise LesionsegError("No lung was found in the scan; check that it is a chest CT in Hounsfield units.")
    large = sizes >= max(0.1 * sizes.max(), MIN_LUNG_ML / 2 / voxel_ml)
    return np.asarray(large[labels])


def _dense(lungs: list[Bools], hu: npt.NDArray[Any], gases: list[Gas], spacing: Spacing) -> Bools:
    """The dense parts of both lungs; of a single one nothing tells how high its diaphragm should be."""
    found = np.zeros(hu.shape, np.bool_)
    if len(lungs) < 2:
        return found
    middles = [float(np.nonzero(lung)[2].mean()) for lung in lungs]
    for at, lung in enumerate(lungs):
        floor = int(np.ceil(diaphragm(lungs[1 - at], at == 1, spacing)))
        beneath = _top_of_bowel(gases, middles[at], sum(middles) / 2)
        if beneath is not None:
            floor = max(floor, beneath + int(np.ceil(STOMACH_MM / spacing[0])))
        found |= dense_parts(lung, hu, at == 0, floor, spacing)
    return found


def _top_of_bowel(gases: list[Gas], lung: float, middle: float) -> int | None:
    """The slice above the gas that lies under a lung (mean x of its voxels) rather than in the middle."""
    tops = [gas.box[0].stop for gas in gases if abs(gas.centre[2] - lung) < abs(gas.centre[2] - middle)]
    return max(tops) if tops else None


def _drawn(gases: list[Gas], shape: tuple[int, ...]) -> Bools:
    drawn = np.zeros(shape, np.bool_)
    for gas in gases:
        drawn[gas.box] |= gas.inside
    return drawn


def _on_grid(hu: npt.NDArray[Any], airy: Bools, dense: Bools, airways: Bools, step: int) -> Bools:
    """The lungs on the scan's own grid: on the border of their air, each voxel by its own density."""
    pixel = (1.0, 1.0, 1.0)
    sure = shrink(airy, 1.0, pixel) | dense
    edge = (grow(airy, 1.0, pixel) & ~airways) & ~sure
    full = np.empty(hu.shape, np.bool_)
    _, height, width = hu.shape
    for z in range(len(hu)):
        sure_z, edge_z = (one[z].repeat(step, axis=0).repeat(step, axis=1)[:height, :width] for one in (sure, edge))
        _fill(full[z], sure_z, edge_z & (hu[z][: sure_z.shape[0], : sure_z.shape[1]] < AIR_HU))
    return full


def _fill(out: Bools, sure: Bools, edge: Bools) -> None:
    """Write one slice; rows and columns that the coarse grid does not reach hold no lung."""
    out[:] = False
    out[: sure.shape[0], : sure.shape[1]] = sure | edge
