"""The lesions of a mask as CSV, one row each, units in the column names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_lesionseg.review.lesion_table import LesionRow
from napari_lesionseg.volumes.tables import Cell, write_csv

COLUMNS = (
    "case",
    "lesion",
    "label",
    "label_name",
    "volume_ml",
    "voxels",
    "counted_from_0.1_ml",
    "centroid_x_ras_mm",
    "centroid_y_ras_mm",
    "centroid_z_ras_mm",
    "first_slice",
    "last_slice",
    "largest_slice",
    "side",
    "zone",
    "mean_hu",
    "sd_hu",
    "min_hu",
    "max_hu",
    "p10_hu",
    "p90_hu",
    "scan_lossy",
)


def write_lesion_csv(
    path: str | Path,
    rows: Sequence[LesionRow],
    *,
    pseudonym: str,
    names: Mapping[int, str] | None = None,
    lossy: bool = False,
) -> None:
    """Write the rows of :func:`lesion_table` as CSV; what is unknown is an empty cell.

    Parameters
    ----------
    pseudonym
        What the case is called in the column ``case``.
    names
        Names of the labels.
    lossy
        Whether the scan went through lossy compression; 1 in the column ``scan_lossy`` then.

    Raises
    ------
    LesionsegError
        If the file cannot be written or does not read back equal.
    """
    named = names or {}
    table = [[pseudonym, *_cells(row, named.get(row.label, "")), int(lossy)] for row in rows]
    write_csv(Path(path), COLUMNS, table)


def _cells(row: LesionRow, name: str) -> list[Cell]:
    hu = row.density
    densities: tuple[Cell, ...] = (None,) * 6
    if hu is not None:
        densities = (hu.mean, hu.sd, hu.low, hu.high, hu.p10, hu.p90)
    where: tuple[Cell, ...] = (*row.centroid_ras, *row.slices, row.largest_slice, row.side, row.zone)
    return [row.number, row.label, name, row.volume_ml, row.voxels, int(row.counted), *where, *densities]
