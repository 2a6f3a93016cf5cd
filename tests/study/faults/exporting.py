"""Work that may be interrupted: masks, tables and data sets that leave the program, over older ones of their name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from napari_lesionseg.review.exports import export
from napari_lesionseg.study import Study
from napari_lesionseg.study.export import export_study
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.read import read_mask
from tests.study.faults.work import GRID, OneCall, Tell, make_mask, make_study, visible

FILES = ("mask.nii.gz", "mask.nii", "mask.seg.nrrd", "mask.mha", "lesions.csv")
SETS = {"nnunet": "Dataset501_Lesions", "msd": "Task501_Lesions"}
_LUNGS = Mask(np.zeros(GRID.display_shape, np.uint8), GRID)


class Exporting(OneCall):
    """Each file is exported anew over the one before, and each data set under a new name; or only one of them."""

    def __init__(self, *only: str) -> None:
        self.files = tuple(name for name in FILES if not only or name in only)
        self.sets = tuple(kind for kind in SETS if not only or kind in only)

    def build(self, folder: Path) -> None:
        study = make_study(folder / "study")
        study.add_revision("c1", "truth", make_mask(0))
        (folder / "out").mkdir()
        for name in self.files:
            _write(folder / "out" / name, 0)

    def step(self, folder: Path, number: int, tell: Tell) -> None:
        for name in self.files:
            tell(f"begun {name} {number}")
            _write(folder / "out" / name, number)
            tell(f"written {name} {number}")
        for kind in self.sets:
            target = folder / "out" / str(number) / SETS[kind]
            export_study(Study.open(folder / "study"), target, kind)
            tell(f"whole {number}/{SETS[kind]} {number}")

    def lost(self, folder: Path, told: list[str]) -> list[str]:
        may_be = {name: {0} for name in self.files}
        found = []
        for what, name, number in (line.split() for line in told):
            if what == "written":
                may_be[name] = {int(number)}
            elif what == "begun":
                may_be[name].add(int(number))
            elif not (folder / "out" / name).is_dir():
                found.append(f"lost {name}")
        found += [f"corrupt {name}" for name, those in may_be.items() if not _is_one_of(folder / "out" / name, those)]
        seen = [target for kind in self.sets for target in (folder / "out").glob(f"[0-9]*/{SETS[kind]}")]
        return found + [f"not whole: {target}" for target in seen if not _is_whole(target)]

    def state(self, folder: Path) -> dict[str, str]:
        return {str(path.relative_to(folder)): sha256_of(path) for path in visible(folder)}

    def completed(self, before: dict[str, str], after: dict[str, str]) -> bool:
        return False  # A file is told to be there, or is not there.


def _write(path: Path, number: int) -> None:
    mask = make_mask(number)
    scan = Volume(np.full(GRID.display_shape, -800, np.int16), GRID)
    export(path, mask, scan, lungs=_LUNGS if path.suffix == ".csv" else None)


def _is_one_of(path: Path, numbers: set[int]) -> bool:
    if path.suffix == ".csv":
        text = path.read_text("utf-8")
        return any(text == _table_of(number, path.with_name(".expected.csv")) for number in numbers)
    voxels = read_mask(path).array
    return any(np.array_equal(voxels, make_mask(number).array) for number in numbers)


def _table_of(number: int, path: Path) -> str:
    _write(path, number)
    return path.read_text("utf-8")


def _is_whole(folder: Path) -> bool:
    described = folder / "dataset.json"
    if not described.is_file() or not json.loads(described.read_text("utf-8")):
        return False
    images, labels = sorted(folder.glob("imagesTr/*.nii.gz")), sorted(folder.glob("labelsTr/*.nii.gz"))
    return len(images) == len(labels) == 1 and np.array_equal(read_mask(labels[0]).array, make_mask(0).array)
