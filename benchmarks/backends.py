"""How fast each backend marks a slice, side by side: ``python benchmarks/backends.py [--json] [--side 256]``.

One slice at a time through the architecture of the bundled models, by turns in one run; the network in float32 as it
is trained is the peer. Prints median milliseconds, the median of the ratios to the peer with its quartiles, and the
largest difference of a probability.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # As in the program: threads that spin take time from each other.

import numpy as np  # noqa: E402

from napari_lesionseg.inference.backends.backend import Backend  # noqa: E402
from napari_lesionseg.inference.backends.openvino_cpu import OpenVinoCpu  # noqa: E402
from napari_lesionseg.inference.backends.openvino_import import has_openvino  # noqa: E402
from napari_lesionseg.inference.backends.torch_eager import TorchEager  # noqa: E402
from napari_lesionseg.inference.backends.torch_fast import TorchFast  # noqa: E402
from napari_lesionseg.inference.blocks import stacks  # noqa: E402
from napari_lesionseg.inference.preprocess import plan_grid, prepare  # noqa: E402
from napari_lesionseg.models.card import load_model  # noqa: E402
from napari_lesionseg.models.dual_encoder import DualEncoderUNet  # noqa: E402
from napari_lesionseg.models.zoo import find_model  # noqa: E402
from napari_lesionseg.volumes.phantom import make_case  # noqa: E402

PEER = "torch, as trained"
Make = Callable[[DualEncoderUNet], Backend]
BACKENDS: dict[str, Make] = {
    PEER: lambda network: TorchEager(network, "cpu"),
    "torch, float32": lambda network: TorchFast(network, "cpu", half=False),
    "torch, bfloat16 decoder": lambda network: TorchFast(network, "cpu", half=True),
}
if has_openvino():
    BACKENDS |= {
        "openvino, float32": lambda network: OpenVinoCpu(network, half=False),
        "openvino, bfloat16 decoder": lambda network: OpenVinoCpu(network, half=True),
    }


def measure(side: int, rounds: int) -> dict[str, dict[str, float]]:
    """Every backend by turns, a slice a turn."""
    model = load_model(find_model("covid-base"))
    config = model.card.preprocessing.model_copy(update={"crop": "none", "pixel_mm": None, "size": side})
    scan = make_case(9001, (16, 160, 160)).scan
    slices = prepare(scan, plan_grid(scan, config), config)
    pictures = [stacks(slices, [row], model.network.config.stack) for row in range(2, 14)]
    backends = {name: make(model.network) for name, make in BACKENDS.items()}
    took: dict[str, list[float]] = {name: [] for name in backends}
    apart = dict.fromkeys(backends, 0.0)
    for number in range(-2, rounds):  # The first ones warm up.
        picture, found = pictures[number % len(pictures)], {}
        order = list(backends) if number % 2 else list(backends)[::-1]
        for name in order:
            began = time.perf_counter()
            found[name] = backends[name].logits(picture)
            if number >= 0:
                took[name].append(time.perf_counter() - began)
        for name, logits in found.items():
            apart[name] = max(apart[name], float(np.abs(_share(logits) - _share(found[PEER])).max()))
    return {name: _summary(times, took[PEER]) | {"apart": round(apart[name], 5)} for name, times in took.items()}


def _share(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits.astype(float)))


def _summary(times: list[float], peer: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles([b / a for a, b in zip(times, peer, strict=True)], n=4)
    figures = {"ms": 1000 * statistics.median(times), "times": middle, "low": low, "high": high}
    return {name: round(value, 2) for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line")
    parser.add_argument("--side", type=int, default=256, help="pixels of the square picture")
    parser.add_argument("--rounds", type=int, default=24, help="slices a backend")
    chosen = parser.parse_args()
    found = measure(chosen.side, chosen.rounds)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, one in found.items():
        spread = f"({one['low']:.2f} to {one['high']:.2f})"
        print(f"{name:28} {one['ms']:7.1f} ms  {one['times']:5.2f} × {spread:18} largest change {one['apart']:.5f}")


if __name__ == "__main__":
    main()
