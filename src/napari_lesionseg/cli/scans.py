"""``lesionseg info``, ``predict`` and ``evaluate``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from napari_lesionseg.cli.progress import progress_bar
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.zoo import DEFAULT_MODEL
from napari_lesionseg.volumes.nifti import write_labels, write_mask
from napari_lesionseg.volumes.read import read_mask, read_scan
from napari_lesionseg.volumes.volume import Mask

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
NIFTI = (".nii", ".nii.gz")
Scan = Annotated[
    Path, typer.Argument(help="A scan: NIfTI, NRRD, MetaImage, or DICOM (file or folder).", metavar="SCAN")
]
Series = Annotated[str | None, typer.Option(help="Which DICOM series: its UID or its number in the list.")]
GeometryAnswer = Annotated[
    str | None, typer.Option("--geometry", help="How to place a file that can be placed in several ways.")
]


def info_command(
    scan: Scan, series: Series = None, geometry_answer: GeometryAnswer = None, as_json: AsJson = False
) -> None:
    """Say what a scan is: grid, position, grey values, warnings."""
    volume = read_scan(scan, series=series, geometry=geometry_answer)
    geometry = volume.geometry
    facts = {
        "shape": list(geometry.shape),
        "spacing_mm": [float(side) for side in np.linalg.norm(geometry.affine[:3, :3], axis=0)],
        "orientation": geometry.orientation,
        "intensity": volume.intensity,
        "range": [float(volume.array.min()), float(volume.array.max())],
        "warnings": list(volume.warnings),
    }
    if as_json:
        print(json.dumps(facts))
        return
    for key, value in facts.items():
        print(f"{key:12} {value}")


def predict_command(  # noqa: PLR0913 - a command has the options it has
    scan: Scan,
    output: Annotated[Path, typer.Option("-o", "--output", help="Mask to write (.nii or .nii.gz).")],
    probability: Annotated[Path | None, typer.Option(help="Also write the probability, times 255.")] = None,
    model: Annotated[str, typer.Option(help="Model name or folder.")] = DEFAULT_MODEL,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.004, max=1.0, help="Probability of lesion from which a voxel counts; the card's, if left out."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    backend: Annotated[str, typer.Option(help="auto, torch or openvino.")] = "auto",
    series: Series = None,
    geometry: GeometryAnswer = None,
    as_json: AsJson = False,
) -> None:
    """Mark the lesions of a scan and write the mask on the scan's own grid."""
    from napari_lesionseg.inference.backends.choose import check_backend
    from napari_lesionseg.inference.predict import predict
    from napari_lesionseg.models.card import load_model
    from napari_lesionseg.models.zoo import find_model

    check_backend(backend)
    _refuse_names([scan], [(output, NIFTI), (probability, NIFTI)])
    clock = _Clock()
    with clock.measure("read"):
        volume = read_scan(scan, series=series, geometry=geometry)
    loaded = load_model(find_model(model))
    with progress_bar("Segmenting", hidden=as_json) as advance:
        prediction = predict(volume, loaded, device=device, backend=backend, progress=advance)
    warnings, lossy = volume.warnings, volume.lossy
    del volume  # Some hundred MB that are needed no more.
    clock.seconds |= prediction.seconds
    with clock.measure("postprocess"):
        mask = prediction.mask(threshold)
        figures = _lesion_figures(mask, prediction.lungs)
    how = {
        "model": prediction.model,
        "device": prediction.device,
        "backend": prediction.backend,
        "slices": len(mask.array),
        "threshold": prediction.threshold if threshold is None else threshold,
    }
    with clock.measure("write"):
        if probability is not None:
            write_labels(probability, prediction.probability, prediction.geometry, lossy=lossy)
        del prediction
        write_mask(output, mask, lossy=lossy)
    result = {
        **how,
        **figures,
        "seconds": {**clock.seconds, "total": clock.total()},
        "peak_rss_mb": _peak_rss_mb(),
    }
    if as_json:
        print(json.dumps(result))
        return
    for warning in warnings:
        print(f"note: {warning}", file=sys.stderr)
    print(
        f"{output}: {result['lesions']} lesions, {result['lesion_ml']:.1f} ml, by {how['model']} on "
        f"{how['device']} in {clock.total():.1f} s."
    )


def evaluate_command(
    predicted: Annotated[Path, typer.Argument(help="Predicted mask.", metavar="PREDICTED")],
    truth: Annotated[Path, typer.Argument(help="Ground truth.", metavar="TRUTH")],
    lung: Annotated[Path | None, typer.Option(help="Lung mask: slices without lung are not counted as empty.")] = None,
    slices: Annotated[Path | None, typer.Option(help="Also write the figures of every slice as CSV.")] = None,
    geometry: GeometryAnswer = None,
    as_json: AsJson = False,
) -> None:
    """Compare a mask with the truth: overlap, surfaces, lesions, slices."""
    from napari_lesionseg.review.evaluate import evaluate, write_slices_csv

    _refuse_names([predicted, truth, lung], [(slices, (".csv",))])
    true = read_mask(truth, geometry=geometry)
    ours = read_mask(predicted, like=true.geometry)
    lungs = read_mask(lung, like=true.geometry) if lung is not None else None
    figures = evaluate(ours, true, lungs)
    if slices is not None:
        write_slices_csv(slices, ours, true)
    if as_json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        print(f"{key:18} {value}")


class _Clock:
    """Wall seconds of named stages."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - began

    def total(self) -> float:
        return time.perf_counter() - self.start


def _lesion_figures(mask: Mask, lungs: Mask | None) -> dict[str, Any]:
    """Count and volume of the lesions, and their share of the lungs where these are known."""
    from napari_lesionseg.review.lesions import count_lesions

    lung_ml = percent = None
    if lungs is not None:
        both = zip(lungs.array, mask.array, strict=True)
        lung_ml = sum(int(np.count_nonzero(lung | lesion)) for lung, lesion in both) * mask.geometry.voxel_ml
        percent = 100 * mask.volume_ml / lung_ml
    return {"lesions": count_lesions(mask), "lesion_ml": mask.volume_ml, "lung_ml": lung_ml, "lung_percent": percent}


def _refuse_names(inputs: list[Path | None], outputs: list[tuple[Path | None, tuple[str, ...]]]) -> None:
    """Refuse outputs with another ending, or that are an input or one another: all this before any work is done."""
    taken = [path for path in inputs if path is not None]
    for output, endings in outputs:
        if output is None:
            continue
        if any(_is_same_file(output, path) for path in taken):
            raise LesionsegError(
                f"{output} is named twice, and would be overwritten; choose another name for the result."
            )
        if not output.name.endswith(endings):
            raise LesionsegError(f"{output} does not end in {' or '.join(endings)}; choose such a name.")
        taken.append(output)


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # One of them does not exist, at least not yet.
        return os.path.abspath(one) == os.path.abspath(other)


def _peak_rss_mb() -> float:
    import psutil

    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows
        return float(memory.peak_wset) / 2**20
    with suppress(OSError, StopIteration):  # Linux; getrusage would begin with what the process that started us had.
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
