"""Every target of speed and memory beside its peer: ``python benchmarks/run.py [--quick] [--json] [--write]``.

All of it in one run on a generated scan of 512 × 512 × 300 voxels; ``--quick`` on a small one, in a minute; ``--write``
writes docs/reference/performance.md. It needs a display (``scripts/headless.py``) and ``pip install deflate``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

SCRATCH = Path(tempfile.mkdtemp(prefix="lesionseg-bench-"))
os.environ |= {"LESIONSEG_HOME": str(SCRATCH / "home"), "LESIONSEG_DESK": str(SCRATCH / "desk")}

import measures  # noqa: E402
from review_speed import large_case  # noqa: E402
from window_measures import docking, window  # noqa: E402

from napari_lesionseg.volumes import nifti  # noqa: E402

SMALL, LARGE = (48, 160, 160), (300, 512, 512)


@dataclass(frozen=True)
class Row:
    """One target: its name in ``--json``, what it says, our figure and the peer's, the value it is judged by."""

    key: str
    title: str
    ours: str
    peer: str
    value: float
    target: float
    at_most: bool = True

    @property
    def holds(self) -> bool:
        return self.value <= self.target if self.at_most else self.value >= self.target

    def line(self) -> str:
        """As a row of a table."""
        sign, verdict = "≤" if self.at_most else "≥", "holds" if self.holds else "falls short"
        cells = (self.title, self.ours, self.peer, f"{self.value:.3g}", f"{sign} {self.target:g}", verdict)
        return "| " + " | ".join(cells) + " |"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.3g} ms"


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Measure all of it, a line each as soon as it is known."""
    shape, rounds = (SMALL, 3) if quick else (LARGE, 7)
    scan = SCRATCH / "scan.nii.gz"
    nifti.write_scan(scan, large_case(shape)[0])
    rows: list[Row] = []
    for part in (_files, _network, _training, _metrics, _whole, _window):
        for row in part(scan, shape, rounds, quick):
            rows.append(row)
            tell(row.line())
    return rows


def _files(scan: Path, shape: tuple[int, int, int], rounds: int, quick: bool) -> list[Row]:
    opened = measures.opening(scan, rounds)
    ours, peer = measures.saving(scan, SCRATCH, rounds)
    ratio = opened["ours"] / opened["peer"]
    return [
        Row(
            *("open_vs_libdeflate", "open a compressed scan, against bare libdeflate"),
            *(seconds(opened["ours"]), seconds(opened["peer"]), ratio, 1.2),
        ),
        Row("open_extra_memory", "memory for it, against its voxels", "", "", opened["memory"], 1.15),
        Row(
            *("save_vs_nibabel", "save a mask, read back twice, against nibabel's bare saving"),
            *(seconds(ours), seconds(peer), peer / ours, 10),
            at_most=False,
        ),
    ]


def _network(scan: Path, shape: tuple[int, int, int], rounds: int, quick: bool) -> list[Row]:
    prepared, found = measures.preprocessing(scan), measures.inference(4 * rounds)
    slices = f"{found['ours']:.1f} ms", f"{found['peer']:.1f} ms"
    return [
        Row("preprocess_cpu_s", "bring it to 256², processor time", seconds(prepared), "", prepared, 0.1),
        Row(
            *("infer_vs_eager", "mark a slice of 256², against torch in float32", *slices, found["times"], 4),
            at_most=False,
        ),
        Row(
            *("infer_of_bf16_gemm", "share of what a multiplication in bfloat16 takes", slices[0], ""),
            *(found["of_floor"], 0.7),
            at_most=False,
        ),
    ]


def _training(scan: Path, shape: tuple[int, int, int], rounds: int, quick: bool) -> list[Row]:
    ours, peer = measures.samples(scan, SCRATCH, rounds)
    title = "a sample for training, against reading it with nibabel"
    return [Row("samples_vs_naive", title, seconds(ours), seconds(peer), peer / ours, 1000, at_most=False)]


def _metrics(scan: Path, shape: tuple[int, int, int], rounds: int, quick: bool) -> list[Row]:
    took, found = measures.metrics(shape, rounds), measures.surfaces(shape)
    if found["apart"] > 1e-6:
        raise SystemExit(f"error: HD95 or NSD is {found['apart']} away from the distance transform.")
    ratio = found["peer"] / found["ours"]
    return [
        Row("slice_dice_ms", "Dice of every slice", f"{took['slices']:.1f} ms", "", took["slices"], 20),
        Row("one_slice_dice_ms", "Dice of one slice", f"{took['one']:.3f} ms", "", took["one"], 0.2),
        Row("components_ms", "lesions of a mask", f"{took['components']:.1f} ms", "", took["components"], 150),
        Row(
            *("surface_vs_scipy", "HD95 and NSD, against scipy's transform, equal to 1e-6"),
            *(seconds(found["ours"]), seconds(found["peer"]), ratio, 50),
            at_most=False,
        ),
    ]


def _whole(scan: Path, shape: tuple[int, int, int], rounds: int, quick: bool) -> list[Row]:
    found = measures.to_mask(scan, SCRATCH)
    exponent = measures.cost_exponent(scan, [8, 16, 32, 48] if quick else [50, 100, 200, 300, 600])
    took = seconds(found["ours"]), seconds(found["peer"])
    return [
        Row(
            *("file_to_mask_vs_naive", "from file to mask, against a naive pipeline", *took),
            *(found["peer"] / found["ours"], 4),
            at_most=False,
        ),
        Row("file_to_mask_s", "from file to mask, in seconds", took[0], "", found["ours"], 10),
        Row("peak_rss_mb", "its peak memory, MB", "", "", found["mb"], 600),
        Row("cost_exponent", "slope of log time against log slices", "", "", exponent, 1.05),
    ]


def _window(scan: Path, shape: tuple[int, int, int], rounds: int, quick: bool) -> list[Row]:
    found, docked = window(shape, 8 if quick else 40), docking(2 if quick else 5)
    if docked["torch"]:
        raise SystemExit("error: docking the workbench imports torch.")
    rows = []
    for name, key, title in (
        ("slice_step", "step_vs_napari", "a step of the slice, against bare napari"),
        ("stroke", "stroke_vs_napari", "a brush stroke, against bare napari"),
    ):
        turn = found["turns"][name]
        rows.append(Row(key, title, f"{turn['ours_ms']:.1f} ms", f"{turn['bare_ms']:.1f} ms", turn["ratio"], 1.05))
    shown, assigned = found["shown"], found["assigned"]
    return [
        *rows,
        Row(
            *("show_prediction_vs_assign", "take and show a prediction, against layer.data = mask"),
            *(seconds(shown), seconds(assigned), assigned / shown, 4),
            at_most=False,
        ),
        Row("dock_extra_s", "what docking adds to napari, in seconds", "", "", docked["extra"], 0.3),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option, text in (("json", "print one line"), ("quick", "a small scan"), ("write", "write the docs' page")):
        parser.add_argument(f"--{option}", action="store_true", help=text)
    chosen = parser.parse_args()

    def tell(line: str) -> None:
        print(line, file=sys.stderr if chosen.json else sys.stdout, flush=True)

    tell("| what | ours | peer | figure | target | |")
    tell("|---|---|---|---|---|---|")
    rows = measure(chosen.quick, tell)
    if chosen.write:
        from performance_page import write_page

        write_page(ROOT / "docs" / "reference" / "performance.md", [row.line() for row in rows])
    if chosen.json:
        print(json.dumps({row.key: round(row.value, 4) for row in rows}))


if __name__ == "__main__":
    main()
