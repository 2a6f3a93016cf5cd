"""One slice a case with outlines to look at: kept beside a run, so that figures can be drawn without the scans."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.volume import Mask, Volume

FILE = "pictures.npz"
MOST = 4
WINDOW_HU = (-1000.0, 400.0)
PARTS = ("grey", "predicted", "truth")

Bytes = npt.NDArray[np.uint8]


@dataclass
class SlicePictures:
    """The slice with most true lesion of the first four cases that have any; ``cases`` maps to grey, predicted, truth.

    Each is uint8 (y, x): grey from 0 to 255, the masks 0 or 1.
    """

    cases: dict[str, dict[str, Bytes]] = field(default_factory=dict)

    def add(self, case: str, scan: Volume, predicted: Mask, truth: Mask) -> None:
        """Take a case in, if there is still room."""
        areas = [int(np.count_nonzero(one)) for one in truth.array]
        if len(self.cases) == MOST or not any(areas):
            return
        z = int(np.argmax(areas))
        low, high = WINDOW_HU if scan.intensity == "HU" else (float(scan.array[z].min()), float(scan.array[z].max()))
        grey = np.clip((scan.array[z] - low) / max(high - low, 1e-6), 0, 1) * 255
        masks = (np.asarray(mask.array[z] != 0).astype(np.uint8) for mask in (predicted, truth))
        self.cases[case] = dict(zip(PARTS, (grey.astype(np.uint8), *masks), strict=True))

    def save(self, run: Path) -> None:
        """Write ``pictures.npz`` into a run folder."""
        data = io.BytesIO()
        arrays = {f"{case}/{part}": array for case, parts in self.cases.items() for part, array in parts.items()}
        np.savez_compressed(data, **arrays)  # type: ignore[arg-type]
        write_atomically(run / FILE, data.getvalue())

    @classmethod
    def load(cls, run: Path) -> SlicePictures:
        """Read what :meth:`save` wrote; nothing where there is nothing.

        Raises
        ------
        LesionsegError
            If the file is damaged.
        """
        pictures = cls()
        if not (run / FILE).is_file():
            return pictures
        try:
            with np.load(run / FILE, allow_pickle=False) as file:
                for key in file.files:
                    case, part = key.split("/")
                    pictures.cases.setdefault(case, {})[part] = file[key]
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise LesionsegError(
                f"{run / FILE} is damaged; delete {run / 'result.json'} to make both again."
            ) from error
        return pictures
