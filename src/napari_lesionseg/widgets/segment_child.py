"""The child process that segments: one JSON request a line on stdin, one JSON event a line on stdout.

It ends when its parent does, since its stdin then closes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Volume

PROGRESS_SECONDS = 0.1
Tell = Callable[..., None]


def segment(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Predict the scan of one request, write its probability, and say how it was made."""
    from napari_lesionseg.inference.device import choose_device, describe_device
    from napari_lesionseg.inference.predict import predict
    from napari_lesionseg.models.card import load_model

    device = choose_device(request["device"])
    tell(event="device", device=describe_device(device))
    scan = _read(request)
    model = load_model(Path(request["model"]), device)
    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            tell(event="progress", done=done, total=total)

    began = time.monotonic()
    prediction = predict(scan, model, device=device, progress=progress)
    np.save(request["out"], prediction.probability)
    return {
        "out": request["out"],
        "model": prediction.model,
        "threshold": prediction.threshold,
        "device": describe_device(prediction.device),
        "seconds": round(time.monotonic() - began, 3),
    }


def serve(requests: IO[str], answers: IO[str], work: Callable[[dict[str, Any], Tell], dict[str, Any]]) -> None:
    """Answer requests until there are no more; a failed one is answered with one sentence."""
    for line in requests:
        request = json.loads(line)

        def tell(job: int = request["job"], **event: Any) -> None:
            answers.write(json.dumps({"job": job, **event}) + "\n")
            answers.flush()

        try:
            tell(event="done", **work(request, tell))
        except LesionsegError as error:
            tell(event="failed", message=str(error))
        except MemoryError:
            tell(event="failed", message="There is not enough memory to segment this scan; close other programs.")
        finally:
            Path(request["scan"]).unlink(missing_ok=True)


def _read(request: dict[str, Any]) -> Volume:
    geometry = Geometry(tuple(request["shape"]), np.array(request["affine"]))
    source = None if request["source"] is None else Path(request["source"])
    return Volume(geometry.to_display(np.load(request["scan"])), geometry, request["intensity"], source)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, segment)
