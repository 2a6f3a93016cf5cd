"""A scan on its way into a study: read as a proof, hashed, and copied in if that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.files import sha256_of, write_copy
from napari_lesionseg.volumes import Volume, read_scan

ONE_FILE: Final = (".nii", ".nii.gz", ".nrrd", ".mha")


@dataclass(frozen=True, eq=False)
class NewScan:
    """What was found at ``path``; ``sha256`` is empty for a folder, which has to be copied."""

    path: Path
    volume: Volume
    sha256: str
    copy: bool

    @classmethod
    def read(cls, path: Path, *, copy: bool, series: str | None, geometry: str | None) -> NewScan:
        """Read a scan that shall be added.

        Raises
        ------
        LesionsegError
            If it cannot be read, or only a copy of it could be read again.
        """
        if not copy:
            check_one_file(path)
        if not copy and (series, geometry) != (None, None):
            raise LesionsegError(f"{path} needs an answer that only a copy keeps; let it be copied (--copy).")
        volume = read_scan(path, series=series, geometry=geometry)
        return cls(path, volume, sha256_of(path) if path.is_file() else "", copy)

    def place(self, folder: Path, case_id: str, check: Callable[[str], None]) -> tuple[Path, str]:
        """Return where the scan of the case lies from now on, and the SHA-256 of that file.

        Parameters
        ----------
        check
            Called with the SHA-256 of the file, and of the copy if one is made, which is removed if it raises.
        """
        if self.sha256:
            check(self.sha256)
        if not self.copy:
            return self.path, self.sha256
        target = free_file(folder / "scans", case_id, ".nii.gz")
        return target, write_copy(self.volume, target, check)


def check_one_file(path: Path) -> None:
    """Raise one sentence if ``path`` cannot be a scan in one file, by its name."""
    if not path.name.lower().endswith(ONE_FILE):
        raise LesionsegError(f"{path} is not a scan in one file; let it be copied into the study (--copy).")


def free_file(folder: Path, stem: str, ending: str) -> Path:
    """Return a name that no file in ``folder`` has: of a case that was renamed, the scan keeps its first name."""
    number, path = 1, folder / f"{stem}{ending}"
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{ending}"
    return path
