"""Which mask belongs to which scan of a folder: by name, and only where the grid is the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from napari_lesionseg.study.found import Found, FoundMask, FoundScan, LeftOut
from napari_lesionseg.study.glance import Glances
from napari_lesionseg.study.pairing_words import LESION_WORDS, OTHER_WORDS, stem_of
from napari_lesionseg.study.source_files import Candidate, Candidates, find_candidates, patient_groups

Rule = Callable[[Candidate, Candidate], bool]


def pair_folder(
    source: Path,
    glances: Glances,
    *,
    spared: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Found:
    """Find the scans of a folder, and for each the one mask of its lesions.

    A mask belongs to a scan if their names agree in all that tells cases apart and their grids are the same (shape,
    and corners within 0.01 mm). It knows ``imagesTr`` and ``labelsTr``, nnU-Net's ``_0000``, scans and masks side by
    side (``_seg``, ``_mask``, ``-label`` …), one folder a patient, and a scan and a mask that alone share a grid.

    Parameters
    ----------
    spared
        A folder that is passed over.
    progress
        Called with (files read, files in all).
    """
    files = find_candidates(source, glances, spared=spared, progress=progress)
    scans = list(_without_channels(files))
    belongs = _Pairing(source, scans, files.left_out)
    for mask in files.masks:
        belongs.place(mask)
    belongs.place_by_grid()
    chosen = belongs.choose()
    groups = patient_groups(source, [scan.path for scan in scans])
    found = tuple(FoundScan(scan.path, chosen.get(scan.path, ()), groups[scan.path]) for scan in scans)
    return Found(found, tuple(sorted(files.left_out, key=lambda one: one.path)))


def _without_channels(files: Candidates) -> Iterator[Candidate]:
    """The scans; of several channels of one scan (nnU-Net) the first."""
    labelled = {mask.name.stem for mask in files.masks}
    first = {_case(one): one for one in files.scans if one.name.channel == 0}
    for scan in files.scans:
        of = first.get(_case(scan)) if scan.name.channel else None
        # study_0000 and study_0001 may be two patients: only nnU-Net's layout makes them channels.
        if of is not None and (scan.name.stem_without_channel in labelled or _in_data_set(scan.path)):
            files.left_out.append(LeftOut(scan.path, f"a further channel of {of.path.name}"))
        else:
            yield scan


def _case(scan: Candidate) -> tuple[Path, tuple[str, ...]]:
    return scan.path.parent, scan.name.stem_without_channel


def _in_data_set(path: Path) -> bool:
    return path.parent.name in ("imagesTr", "imagesTs") and (path.parents[1] / "dataset.json").is_file()


class _Pairing:
    """Which masks each scan has been given so far."""

    def __init__(self, source: Path, scans: Sequence[Candidate], left_out: list[LeftOut]) -> None:
        self._source, self._scans, self._left_out = source, scans, left_out
        self._given: dict[Path, list[tuple[Candidate, str]]] = defaultdict(list)
        self._nameless: list[Candidate] = []

    def place(self, mask: Candidate) -> None:
        """Give ``mask`` to the scan whose name it shares; the first rule that finds one on its grid decides."""
        other_grid: Candidate | None = None
        for rule, reason in _RULES:
            named = [scan for scan in self._scans if rule(scan, mask)]
            fitting = [scan for scan in named if scan.seen.geometry.same_grid(mask.seen.geometry)]
            if len(fitting) == 1 and self._alone(rule, fitting[0]):
                self._given[fitting[0].path].append((mask, reason(fitting[0], mask)))
                return
            if len(fitting) > 1 and rule is _same_name:
                self._leave_out(mask, f"fits several scans: {', '.join(self._name(scan) for scan in fitting)}")
                return
            other_grid = other_grid or (named[0] if named and not fitting else None)
        if other_grid is not None:
            shapes = [" × ".join(map(str, one.seen.geometry.display_shape)) for one in (mask, other_grid)]
            grid = "placed elsewhere" if shapes[0] == shapes[1] else f"{shapes[0]}, not {shapes[1]}"
            self._leave_out(mask, f"named as {self._name(other_grid)}, but on another grid ({grid})")
        else:
            self._nameless.append(mask)

    def place_by_grid(self) -> None:
        """Where names say nothing: one scan and one mask that nothing else shares a grid with."""
        for mask in self._nameless:
            scans = [scan for scan in self._scans if scan.seen.geometry.same_grid(mask.seen.geometry)]
            rivals = [one for one in self._nameless if one.seen.geometry.same_grid(mask.seen.geometry)]
            if len(scans) == len(rivals) == 1 and not self._given[scans[0].path] and _is_placed(mask):
                reason = f"names differ, but it alone lies on the grid of {self._name(scans[0])}"
                self._given[scans[0].path].append((mask, reason))
            else:
                self._leave_out(mask, "a mask, but no scan fits it by name and grid")

    def choose(self) -> dict[Path, tuple[FoundMask, ...]]:
        """Of the masks of each scan the one that marks lesions, all others left out."""
        chosen: dict[Path, tuple[FoundMask, ...]] = {}
        by_path = {scan.path: scan for scan in self._scans}
        for path, given in self._given.items():
            ranked = [(_rank(mask, by_path[path]), mask, reason) for mask, reason in given]
            for _, mask, _ in (one for one in ranked if one[0] is None):
                self._leave_out(mask, f"its name says {_other(mask, by_path[path])}, not lesions")
            wanted = [(rank, mask, reason) for rank, mask, reason in ranked if rank is not None]
            best = [one for one in wanted if one[0] == min(rank for rank, _, _ in wanted)]
            if len(best) == 1:
                chosen[path] = (FoundMask(best[0][1].path, "truth", best[0][2]),)
                told = f"{self._name(best[0][1])} says more clearly that it marks lesions"
            else:
                told = f"one of {len(best)} masks of {self._name(by_path[path])}; keep the one that counts"
            for _, mask, _ in (one for one in wanted if len(best) > 1 or one is not best[0]):
                self._leave_out(mask, told)
        return chosen

    def _alone(self, rule: Rule, scan: Candidate) -> bool:
        """Whether a rule of folders holds: no other scan there."""
        return rule is not _in_one_folder or sum(one.path.parent == scan.path.parent for one in self._scans) == 1

    def _leave_out(self, mask: Candidate, reason: str) -> None:
        self._left_out.append(LeftOut(mask.path, reason))

    def _name(self, one: Candidate) -> str:
        return one.path.relative_to(self._source).as_posix()


def _same_name(scan: Candidate, mask: Candidate) -> bool:
    return (scan.name.folder, scan.name.stem) == (mask.name.folder, mask.name.stem)


def _same_but_channel(scan: Candidate, mask: Candidate) -> bool:
    return scan.name.channel == 0 and (scan.name.folder, scan.name.stem_without_channel) == (
        mask.name.folder,
        mask.name.stem,
    )


def _same_stem(scan: Candidate, mask: Candidate) -> bool:
    return bool(mask.name.stem) and mask.name.stem in (scan.name.stem, scan.name.stem_without_channel)


def _in_one_folder(scan: Candidate, mask: Candidate) -> bool:
    """Side by side, and what the names say does not contradict."""
    one, other = set(scan.name.stem), set(mask.name.stem)
    return scan.path.parent == mask.path.parent and (one <= other or other <= one)


def _tell_same(scan: Candidate, mask: Candidate) -> str:
    if stem_of(scan.path.name) == stem_of(mask.path.name):
        folder = "" if scan.path.parent == mask.path.parent else f" in {mask.path.parent.name}"
        return f"same name{folder}, same grid"
    return f"{scan.path.name} and {mask.path.name} name one case, same grid"


_RULES: tuple[tuple[Rule, Callable[[Candidate, Candidate], str]], ...] = (
    (_same_name, _tell_same),
    (_same_but_channel, lambda scan, mask: "same name without nnU-Net's channel _0000, same grid"),
    (_same_stem, lambda scan, mask: f"{mask.path.name} in another folder names the same case, same grid"),
    (_in_one_folder, lambda scan, mask: "beside the only scan of the folder, same grid"),
)


def _rank(mask: Candidate, scan: Candidate) -> int | None:
    """How clearly a mask's name says that it marks lesions: 0 most; None if it marks something else."""
    own = _own_words(mask, scan)
    lesions, other = bool(own & LESION_WORDS), bool(own & OTHER_WORDS)
    if other and not lesions:
        return None
    return 2 if other else 0 if lesions else 1


def _other(mask: Candidate, scan: Candidate) -> str:
    return ", ".join(sorted(_own_words(mask, scan) & OTHER_WORDS))


def _own_words(mask: Candidate, scan: Candidate) -> frozenset[str]:
    """What a mask's name says and its scan's does not: in lung_001 and lung_001_seg the lung tells nothing."""
    stem = mask.name.stem_words - scan.name.stem_words
    return stem | (mask.name.folder_words - scan.name.folder_words - scan.name.stem_words)


def _is_placed(mask: Candidate) -> bool:
    """Whether the grid tells scans apart: many files have lost theirs and begin at the origin."""
    return bool(np.abs(mask.seen.geometry.affine[:3, 3]).max() > 0)
