"""Measure how long suspicious places are looked for in a scan of 512 × 512 × 300 voxels, and how long the window waits.

Run from the project's root: ``.venv/bin/python benchmarks/suspicion.py``; one JSON object is printed.
``longest_pause_ms`` is how long another thread, which wakes up every 5 ms, had to wait meanwhile.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import numpy as np
from scipy import ndimage

from napari_lesionseg.review.evidence import Evidence, LastModel
from napari_lesionseg.review.suspicion import suspicious_places, unsure_places
from napari_lesionseg.volumes import Geometry, Mask, Volume

SHAPE = (300, 512, 512)
RUNS = 5


def evidence() -> Evidence:
    """Make a scan with hundreds of lesions, clouds of uncertainty around them, lungs and another model's prediction."""
    rng = np.random.default_rng(0)
    small = ndimage.gaussian_filter(rng.standard_normal((75, 128, 128)).astype(np.float32), 2)
    share = np.clip(((small - small.min()) / np.ptp(small) - 0.62) * 8, 0, 1)
    probability = (share * 255).astype(np.uint8).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    geometry = Geometry.from_spacing(SHAPE, (1.0, 0.7, 0.7))
    lungs = Mask.empty(geometry)
    lungs.array[20:280, 60:450, 60:450] = 1
    scan = Volume(rng.integers(-1000, 400, SHAPE, np.int16), geometry)
    mask = (probability >= 128).astype(np.uint8)
    return Evidence(scan, mask, probability, lungs, LastModel(np.roll(probability, 3, axis=2), 0.5, "other"))


def main() -> None:
    """Print the figures: the median of five runs, after a new prediction and after an edit."""
    given = evidence()
    gaps: list[float] = []
    done = threading.Event()

    def beat() -> None:
        last = time.perf_counter()
        while not done.wait(0.005):
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    heart = threading.Thread(target=beat)
    heart.start()
    known = unsure_places(given.probability, given.scan.geometry) if given.probability is not None else []
    gaps.clear()
    whole = [_timed(given) for _ in range(RUNS)]
    edits = [_timed(given, known) for _ in range(RUNS)]
    done.set()
    heart.join()
    figures = {
        "places": len(suspicious_places(given)),
        "seconds": round(float(np.median([one[0] for one in whole])), 3),
        "cpu_seconds": round(float(np.median([one[1] for one in whole])), 3),
        "seconds_after_an_edit": round(float(np.median([one[0] for one in edits])), 3),
        "longest_pause_ms": round(1000 * max(gaps), 1),
    }
    print(json.dumps(figures))


def _timed(given: Evidence, known: Any = None) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.thread_time()
    suspicious_places(given, known)
    return time.perf_counter() - start, time.thread_time() - cpu


if __name__ == "__main__":
    main()
