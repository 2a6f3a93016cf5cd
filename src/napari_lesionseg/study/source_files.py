"""The files of a folder that may be scans or masks, sorted by what their names and voxels say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.found import LeftOut
from napari_lesionseg.study.glance import Glance, Glances
from napari_lesionseg.study.pairing_words import GUESS_WORDS, NOT_CT_WORDS, Name

ENDINGS: Final = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".hdr.gz")  # Their mates come along.
_DICOM: Final = (".dcm", ".dicom", ".ima")
_SIDES: Final = frozenset(["tr", "ts", "train", "test", "val", "training", "testing", "validation"])
_MOST_OF_A_PATIENT: Final = 10  # A folder with more scans is a site or a batch, not a patient.


@dataclass(frozen=True, eq=False)
class Candidate:
    """A readable file that is a scan or a mask."""

    path: Path
    name: Name
    seen: Glance


@dataclass(frozen=True)
class Candidates:
    """All candidates of a source, and what is neither."""

    scans: list[Candidate] = field(default_factory=list)
    masks: list[Candidate] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def find_candidates(
    source: Path, glances: Glances, *, spared: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> Candidates:
    """Read every scan and mask in ``source``; a file that cannot be read is left out with the reason.

    Parameters
    ----------
    spared
        A folder that is passed over: the study itself, should it lie in the source.
    progress
        Called with (files read, files in all); an exception that it raises ends the search.
    """
    found, paths = Candidates(), list(walk(source, spared))
    for done, path in enumerate(paths):
        if progress is not None:
            progress(done, len(paths))
        _sort(path, Name.of(path.relative_to(source)), glances, found)
    if progress is not None:
        progress(len(paths), len(paths))
    return found


def walk(source: Path, spared: Path | None = None) -> Iterator[Path]:
    """Files that by their names may be scans or masks, and folders of DICOM slices, in the order of their names."""
    for name, folders, files in os.walk(source):
        folder = Path(name)
        folders[:] = sorted(one for one in folders if not one.startswith(".") and folder / one != spared)
        shown = sorted(file for file in files if not file.startswith("."))
        if any(_is_slice(folder / file) for file in shown):
            yield folder
        yield from (folder / file for file in shown if file.lower().endswith(ENDINGS))


def patient_groups(source: Path, scans: list[Path]) -> dict[Path, str]:
    """Which scans are of one patient, where the layout is one folder a patient; elsewhere no scan has a group.

    The folder is the first below the source that does not only say what lies in it (``images``, ``labelsTr`` …). Two
    or more of them make the layout; one that holds more than ten scans is a site or a batch.
    """
    first = {scan: _first_telling(scan.relative_to(source)) for scan in scans}
    sizes = Counter(folder for folder in first.values() if folder)
    kept = {folder for folder, size in sizes.items() if size <= _MOST_OF_A_PATIENT} if len(sizes) > 1 else set()
    return {scan: folder if folder in kept else "" for scan, folder in first.items()}


def _first_telling(relative: Path) -> str:
    for part in relative.parts[:-1]:
        folder = Name.of(Path(part) / "x").folder
        if folder and not set(folder) <= _SIDES:
            return part
    return ""


def _sort(path: Path, name: Name, glances: Glances, found: Candidates) -> None:
    """Put a file where its voxels say it belongs; its name decides only what voxels cannot."""
    own = Name.of(Path(path.name))
    stem = own.stem_words
    if unwanted := stem & NOT_CT_WORDS:
        found.left_out.append(LeftOut(path, f"its name says {_first(unwanted)}, not CT"))
        return
    try:
        candidate = Candidate(path, name, glances.at(path))
    except LesionsegError as error:
        found.left_out.append(LeftOut(path, str(error)))
        return
    if guesses := stem & GUESS_WORDS:
        found.left_out.append(LeftOut(path, f"its name says {_first(guesses)}: no person vouches for it"))
    elif candidate.seen.is_mask or (candidate.seen.labels and name.says == "mask"):
        found.masks.append(candidate)
    elif own.says == "mask":
        found.left_out.append(LeftOut(path, "its name says mask, but its voxels are no labels"))
    else:
        found.scans.append(candidate)


def _first(words: frozenset[str]) -> str:
    return min(words)


def _is_slice(path: Path) -> bool:
    if path.suffix:
        return path.suffix.lower() in _DICOM
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False
