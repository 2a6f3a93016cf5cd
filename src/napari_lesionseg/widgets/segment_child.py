"""The child process that segments: the only one of the window's helpers that loads torch."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from napari_lesionseg.widgets.child_jobs import Request, Tell, scan_of, serve

PROGRESS_SECONDS = 0.5  # Each change of a number draws the whole window anew.


def segment(request: Request, tell: Tell) -> Request:
    """Predict the scan of one request, or some of its slices, write their probability, and say how it was made."""
    from napari_lesionseg.inference.device import choose_device, describe_device
    from napari_lesionseg.inference.predict import predict
    from napari_lesionseg.inference.result_key import ResultKey, probability_hash
    from napari_lesionseg.models.card import load_model

    device = choose_device(request["device"])
    tell(event="device", device=describe_device(device))
    model = load_model(Path(request["model"]), device)
    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            tell(event="progress", done=done, total=total)

    began, scan = time.monotonic(), scan_of(request)
    slices = range(*request["slices"])
    prediction = predict(scan, model, device=device, slices=slices, progress=progress)
    probability = prediction.probability[slices.start : slices.stop]
    np.save(request["out"], probability)
    apart = {}
    if prediction.disagreement is not None:
        apart["disagreement"] = f"{request['out']}-disagreement.npy"
        np.save(apart["disagreement"], prediction.disagreement[slices.start : slices.stop])
    return {
        **apart,
        "out": request["out"],
        "model": prediction.model,
        "threshold": prediction.threshold,
        "device": describe_device(prediction.device),
        "seconds": round(time.monotonic() - began, 3),
        "key": str(ResultKey.of(scan, model.card)),
        "probability": probability_hash(probability),
    }


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, segment)
