"""Read damaged files in a process of its own, which may crash or hang; one line of JSON a file.

``python -m tests.volumes.read_in_child mutated|bombs SEED COUNT FOLDER``
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.read import read_mask, read_scan
from tests.volumes.image_maker import ENDINGS, bomb, files, mutate, put

BOMBS = (".nii", ".nii.gz", ".hdr", ".nrrd", ".mha")


def resident_mb() -> tuple[float, float]:
    """Memory held now and at most since ``reset_peak``, in MB (Linux)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024, int(lines["VmHWM"].split()[0]) / 1024


def reset_peak() -> None:
    """Let the kernel count the peak anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def outcome(path: Path, *, mask: bool) -> str:
    """Read ``path``; ``"opened"``, ``"refused"``, or the name of what must not happen."""
    try:
        image = read_mask(path) if mask else read_scan(path)
    except LesionsegError as error:
        told = str(error)
        return "refused" if path.name.partition(".")[0] in told and "\n" not in told else f"says {told!r}"
    except BaseException as error:  # Anything else is a crash for a user.
        return f"crash: {type(error).__name__} {error}"
    return "opened" if np.isfinite(image.geometry.affine).all() else "opened without a place"


def main(what: str, seed: int, count: int, folder: Path) -> None:
    """Make, read and judge ``count`` files from ``seed`` on."""
    warnings.filterwarnings("error", module="napari_lesionseg")
    sound = {ending: files(ending) for ending in ENDINGS}
    for ending in ENDINGS:
        if (told := outcome(put(folder, sound[ending]), mask=False)) != "opened":
            raise SystemExit(f"the sound {ending} is {told}")
    for number in range(seed, seed + count):
        rng = np.random.default_rng(number)
        ending = str(rng.choice(BOMBS if what == "bombs" else ENDINGS))
        parts = bomb(ending, rng) if what == "bombs" else dict(sound[ending])
        if what != "bombs":
            parts[ending] = mutate(parts[ending], ending, rng)
        for old in folder.iterdir():
            old.unlink()
        path = put(folder, parts)
        del parts
        print(json.dumps({"begun": number, "ending": ending}), flush=True)
        reset_peak()
        before, start = resident_mb()[0], time.process_time()  # Other work on this machine does not count.
        told = outcome(path, mask=bool(rng.random() < 0.5))
        seconds, peak = time.process_time() - start, resident_mb()[1]
        facts = {"number": number, "ending": ending, "told": told, "seconds": seconds, "before": before, "peak": peak}
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
