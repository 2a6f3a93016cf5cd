"""A disk that fails under a save: at each call that changes it, with each of its errors, for once or for good."""

from __future__ import annotations

import errno
import random
import re
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from napari_lesionseg.errors import LesionsegError
from tests.study.faults.shim import FAIL_ON, FAIL_ONCE, SHORT, Faults
from tests.study.faults.work import Work

KINDS: Final = (
    (SHORT, errno.ENOSPC),  # A disk that fills up in the middle of a write, and stays full.
    (FAIL_ON, errno.ENOSPC),
    (FAIL_ONCE, errno.ENOSPC),
    (FAIL_ONCE, errno.EIO),
    (FAIL_ON, errno.EIO),
    (FAIL_ON, errno.EROFS),  # What Linux does to a disk with errors: it takes no change any more.
)
NOT_CONFIRMED: Final = "was written, but the disk did not confirm it"


@dataclass
class Result:
    """What faults came to.

    Parameters
    ----------
    faults
        How many saves met a fault.
    calls
        How many calls that change the disk one save makes.
    told
        How many of the saves ended in a sentence; the others got their work done all the same.
    slowest
        Seconds until the slowest of them was told.
    unconfirmed
        How many of those that were told are there all the same, whole and beside all that was: the disk took the
        transaction and then refused to confirm it, and no program can tell what it will remember.
    wrong
        What was then changed, missing or damaged, or told by something else than a sentence.
    sentences
        The errors that were told, each with how often.
    """

    faults: int = 0
    calls: int = 0
    told: int = 0
    slowest: float = 0.0
    unconfirmed: int = 0
    wrong: list[str] = field(default_factory=list)
    sentences: dict[str, int] = field(default_factory=dict)

    def asdict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def fail_at_each(work: Work, folder: Path, faults: Faults, at_most: int) -> Result:
    """Let each call of a save fail, in each of the ways of ``KINDS``; ``at_most`` of these, drawn by chance."""
    whole, place, result = folder / "whole", folder / "place", Result()
    work.build(whole)
    shutil.copytree(whole, place)
    work.step(place, 1, lambda _: None)
    shutil.rmtree(place)
    shutil.copytree(whole, place)
    faults.watch(place)
    work.step(place, 1, lambda _: None)
    result.calls = len(faults.calls)
    each = [(number, *kind) for number in range(1, result.calls + 1) for kind in KINDS]
    for number, mode, code in sorted(random.Random(0).sample(each, min(at_most, len(each)))):
        shutil.rmtree(place)
        shutil.copytree(whole, place)
        faults.off()
        found = _fail(work, place, faults, (number, mode, code), result)
        result.wrong += [f"call {number}, mode {mode}, {errno.errorcode[code]}: {one}" for one in found]
    return result


def _fail(work: Work, place: Path, faults: Faults, fault: tuple[int, int, int], result: Result) -> list[str]:
    number, mode, code = fault
    before, told, sentence = work.state(place), list[str](), ""
    faults.arm(mode, number, code)
    begun = time.monotonic()
    try:
        work.step(place, 1, told.append)
    except LesionsegError as error:
        sentence = str(error)
    except Exception as error:  # That is what a user must never see.
        return [f"{type(error).__name__}: {error}"]
    finally:
        took, hits = time.monotonic() - begun, faults.hits
        faults.off()
    if not hits:
        return []
    result.faults += 1
    after = work.state(place)  # First: to look for what is lost may open the study, which settles things.
    found = work.lost(place, told)
    if sentence:
        result.told += 1
        result.slowest = max(result.slowest, round(took, 3))
        brief = re.sub(r"[0-9a-f]{8,}", "…", sentence.replace(str(place), "…"))
        result.sentences[brief] = result.sentences.get(brief, 0) + 1
        found += _changed(work, before, after, sentence, result)
    return found + _again(work, place, told)


def _changed(work: Work, before: dict[str, str], after: dict[str, str], sentence: str, result: Result) -> list[str]:
    """What a save that was told to have failed has changed all the same."""
    if after == before or NOT_CONFIRMED in sentence:
        return []
    if "study.db could not be" in sentence and work.completed(before, after):
        result.unconfirmed += 1
        return []
    return [f"changed, although it was told: {sentence}"]


def _again(work: Work, place: Path, told: list[str]) -> list[str]:
    """The disk is well again: what is missing after a second try."""
    try:
        work.step(place, 2, told.append)
    except LesionsegError as error:
        return [f"the second try failed: {error}"]
    return work.lost(place, told)
