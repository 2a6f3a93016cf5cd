"""A child process that answers like the real one, with a threshold on HU for a network; its mode is an argument."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.result_key import probability_hash
from napari_lesionseg.widgets.child_jobs import Tell, scan_of, serve


def work(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    if sys.argv[1] == "refuse":
        raise LesionsegError("The model is too small for this scan; choose another.")
    if sys.argv[1] == "crash":
        raise RuntimeError("boom")
    scan = scan_of(request)
    tell(event="device", device="pocket calculator")
    for done in range(1, 4):
        tell(event="progress", done=done, total=3)
        time.sleep(30 if sys.argv[1] == "hang" else 0)
    print("a library's own print")
    probability = np.where(scan.array > -500, 255, 0).astype(np.uint8)[slice(*request["slices"])]
    np.save(request["out"], probability)
    return {
        "out": request["out"],
        "model": "fake",
        "threshold": 0.4,
        "device": "pocket calculator",
        "seconds": 0.1,
        "key": f"{scan.fingerprint}:{'0' * 64}:{'0' * 64}",
        "probability": probability_hash(probability),
    }


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, work)
