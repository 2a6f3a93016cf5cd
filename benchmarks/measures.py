"""What is measured without a window: files, the network, samples for training, metrics, the whole way to a mask."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
GFLOP_A_SLICE = 8.06  # Of the bundled architecture at 256².
Work = Callable[[], object]


def turns(ours: Work, peer: Work, rounds: int) -> tuple[float, float]:
    """Median seconds of both, by turns, after one round to warm up."""
    took: dict[int, list[float]] = {0: [], 1: []}
    for number in range(-1, rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            (ours, peer)[which]()
            if number >= 0:
                took[which].append(time.perf_counter() - began)
    return statistics.median(took[0]), statistics.median(took[1])


def best(work: Work, rounds: int) -> float:
    """Median seconds of one, after a round to warm up."""
    return turns(work, lambda: None, rounds)[0]


def in_child(code: str, *arguments: str | Path) -> Any:
    """What ``code`` prints as JSON in its last line, in an interpreter of its own."""
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=HERE)
    return json.loads(done.stdout.splitlines()[-1])


# ---- files


def opening(scan: Path, rounds: int) -> dict[str, float]:
    """Opening a compressed scan, proof and checksum included, against libdeflate's bare decompression."""
    import deflate

    from napari_lesionseg.volumes.read import read_scan

    volume = read_scan(scan)
    size = volume.array.nbytes + 352
    ours, peer = turns(lambda: read_scan(scan), lambda: deflate.gzip_decompress(scan.read_bytes(), size), rounds)
    code = """
import json, sys
from pathlib import Path
from napari_lesionseg.volumes import gate
from napari_lesionseg.volumes.read import read_scan
def peak():  # Not getrusage, which begins with what the process that started this one had.
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
gate.itk_affine(b"", ".nii", "NiftiImageIO")  # The library's own code is not the scan's memory.
before = peak()
array = read_scan(sys.argv[1]).array
print(json.dumps((peak() - before) / array.nbytes))
"""
    return {"ours": ours, "peer": peer, "memory": in_child(code, scan)}


def saving(scan: Path, folder: Path, rounds: int) -> tuple[float, float]:
    """Saving a mask, read back by two readers and synced, against nibabel's bare saving."""
    import nibabel as nib

    from napari_lesionseg.volumes import Mask
    from napari_lesionseg.volumes.nifti import write_mask
    from napari_lesionseg.volumes.read import read_scan

    mask = Mask.empty(read_scan(scan).geometry)
    depth, height, width = mask.array.shape
    mask.array[depth // 4 : depth // 2, height // 4 : height // 2, width // 4 : width // 2] = 1
    stored = np.asarray(mask.geometry.to_stored(mask.array))
    image = nib.Nifti1Image(stored, mask.geometry.affine)
    return turns(
        lambda: write_mask(folder / "ours.nii.gz", mask), lambda: nib.save(image, folder / "peer.nii.gz"), rounds
    )


# ---- the network


def preprocessing(scan: Path) -> float:
    """Seconds of processor time to bring a scan to 256²."""
    from napari_lesionseg.inference.preprocess import Grid, prepare
    from napari_lesionseg.models.config import Preprocessing
    from napari_lesionseg.volumes.read import read_scan

    volume = read_scan(scan)
    z, y, x = volume.array.shape
    grid, config = Grid((slice(0, z), slice(0, y), slice(0, x)), (256, 256)), Preprocessing()
    prepare(volume, grid, config, range(2))
    began = time.process_time()
    prepare(volume, grid, config)
    return time.process_time() - began


def inference(rounds: int) -> dict[str, float]:
    """The backend that is chosen against the network as it is trained, and against a multiplication of matrices."""
    code = """
import json, sys, time
from backends import measure
import torch
found = measure(256, int(sys.argv[1]))
a, b = (torch.rand(2048, 2048, dtype=torch.bfloat16) for _ in range(2))
took = []
for _ in range(8):
    began = time.perf_counter(); a @ b; took.append(time.perf_counter() - began)
print(json.dumps([found, 2 * 2048**3 / sorted(took)[2] / 1e9]))
"""
    found, gflops = in_child(code, str(rounds))
    ours = min(found.values(), key=lambda one: one["ms"])
    floor = 1000 * GFLOP_A_SLICE / gflops
    return {
        "ours": ours["ms"],
        "peer": ours["ms"] * ours["times"],
        "times": ours["times"],
        "of_floor": floor / ours["ms"],
    }


# ---- samples for training


def samples(scan: Path, folder: Path, rounds: int) -> tuple[float, float]:
    """Seconds a sample from a training case, and as nibabel reads a slice and its neighbours from the file."""
    import nibabel as nib
    from lesionseg_training.config import TrainConfig
    from lesionseg_training.data import TrainingCase, to_tensors
    from lesionseg_training.sampling import Pools

    from napari_lesionseg.inference.preprocess import plan_grid, prepare
    from napari_lesionseg.volumes.read import read_scan

    config = TrainConfig(augment=False, patch=None)
    volume = read_scan(scan)
    slices = prepare(volume, plan_grid(volume, config.preprocessing), config.preprocessing)
    soft = np.zeros_like(slices)
    everywhere = np.ones(len(slices), bool)
    cases = [TrainingCase("c", "p", slices, soft, Pools.of(everywhere, everywhere))]
    rng = np.random.default_rng(0)
    batch = [(0, int(row)) for row in rng.integers(0, len(slices), 64)]

    def naive() -> None:
        data = nib.load(scan).get_fdata()
        z = data.shape[2] // 2
        np.clip((data[..., z - 1 : z + 2] + 1000) / 1400, 0, 1)

    ours, _ = turns(lambda: to_tensors(cases, batch, config, rng), lambda: None, rounds)
    return ours / len(batch), best(naive, 2)


# ---- metrics


def metrics(shape: tuple[int, int, int], rounds: int) -> dict[str, float]:
    """Milliseconds of Dice of every slice, of one slice, and of the lesions; two masks that are a bit apart."""
    from napari_lesionseg.review.lesions import label_lesions
    from napari_lesionseg.review.metrics import one_slice_score, slice_scores

    mask, truth = two_masks(shape)
    z = shape[0] // 2
    return {
        "slices": 1000 * best(lambda: slice_scores(mask, truth), rounds),
        "one": 1000 * best(lambda: one_slice_score(mask[z], truth[z]), 20 * rounds),
        "components": 1000 * best(lambda: label_lesions(mask), rounds),
    }


def surfaces(shape: tuple[int, int, int]) -> dict[str, float]:
    """HD95 and NSD by trees on the surfaces, against scipy's transform of the whole volume; and whether they agree."""
    from scipy import ndimage

    from napari_lesionseg.review.surfaces import surface, surface_distances

    mask, truth = two_masks(shape)
    spacing = (1.0, 0.7, 0.7)
    ours = best(lambda: surface_distances(mask, truth, spacing).hd95, 3)
    began = time.perf_counter()
    borders = [surface(one != 0) for one in (mask, truth)]
    away = [ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders]
    forth, back = away[1][borders[0]], away[0][borders[1]]
    peer = time.perf_counter() - began
    found = surface_distances(mask, truth, spacing)
    hd95 = max(np.percentile(forth, 95), np.percentile(back, 95))
    near = (np.count_nonzero(forth <= 2) + np.count_nonzero(back <= 2)) / (len(forth) + len(back))
    apart = max(abs(hd95 - (found.hd95 or 0.0)), abs(near - (found.nsd(2.0) or 0.0)))
    return {"ours": ours, "peer": peer, "apart": float(apart)}


def two_masks(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Blobs of several sizes, and the same a few voxels further."""
    rng = np.random.default_rng(3)
    truth = np.zeros(shape, np.uint8)
    grids = np.ogrid[tuple(slice(0, side) for side in shape)]
    for _ in range(12):
        radius = rng.uniform(0.03, 0.1) * shape[1]
        middle = [rng.uniform(0.25, 0.75) * side for side in shape]
        truth[sum(((grid - at) ** 2 for grid, at in zip(grids, middle, strict=True))) < radius**2] = 1
    return np.roll(truth, 3, 2), truth


# ---- from file to mask


def to_mask(scan: Path, folder: Path) -> dict[str, float]:
    """Wall seconds of the command's own clock, and its peak memory; and the seconds of the naive pipeline."""
    code = """
import json, subprocess, sys
from pathlib import Path
command = [Path(sys.executable).parent / "lesionseg", "predict", sys.argv[1], "-o", sys.argv[2], "--json"]
print(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
"""
    in_child(code, scan, folder / "first.nii.gz")  # The network is converted once.
    ours = in_child(code, scan, folder / "ours.nii.gz")
    seconds = folder / "seconds"
    subprocess.run(
        [sys.executable, HERE / "naive_pipeline.py", scan, folder / "naive.nii.gz", seconds],
        check=True,
        env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
    )
    return {
        "ours": ours["seconds"]["total"],
        "mb": ours["peak_rss_mb"],
        "peer": float(seconds.read_text()),
    }


def cost_exponent(scan: Path, counts: list[int]) -> float:
    """Slope of log time against log slices, from the open scan to the probability."""
    code = """
import json, sys, time
from dataclasses import replace
import numpy as np
from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import load_model
from napari_lesionseg.models.zoo import find_model
from napari_lesionseg.volumes import Geometry, Volume, read_scan
whole = read_scan(sys.argv[1])
model = load_model(find_model("covid-base"))
predict(whole, model, device="cpu", slices=range(2))
times = []
for count in json.loads(sys.argv[2]):
    rows = np.arange(count) % len(whole.array)
    grid = Geometry.from_spacing((count, *whole.array.shape[1:]), whole.geometry.spacing)
    scan = Volume(np.ascontiguousarray(whole.array[rows]), grid, whole.intensity)
    began = time.perf_counter(); predict(scan, model, device="cpu"); times.append(time.perf_counter() - began)
print(json.dumps(times))
"""
    times = in_child(code, scan, json.dumps(counts))
    return float(np.polyfit(np.log(counts), np.log(times), 1)[0])
