"""The dissertation's recipe, ours, plain networks and other samplers on generated patients; one JSON line at the end.

Usage: python benchmarks/experiments/phantom.py [FOLDER]     (or: make experiments)

Every part is one resumable command: started again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENTS, SHAPE, SEED = 44, "40,160,160", 7
NETWORKS = ("dual_encoder", "unet2d", "unet3d")
SAMPLERS = ("uniform", "lesion-only")


def main(folder: Path) -> dict[str, Any]:
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    study = folder / "study"
    if not (study / "study.db").exists():
        _call("lesionseg", "phantom", study, "--patients", PATIENTS, "--shape", SHAPE, "--seed", SEED)
    recipes = _compare(study, folder / "recipes", ["dual_encoder"], ["robust", "seed"])
    networks = _compare(study, folder / "networks", NETWORKS[1:], ["robust"])
    samplers = _compare(study, folder / "samplers", ["dual_encoder"], SAMPLERS)
    _call("lesionseg-train", "sampling", study, "-o", folder / "sampling", "--config", HERE / "phantom-robust.json")
    means = {
        label.replace("phantom_", ""): _line(one["mean"])
        for told in (recipes, networks, samplers)
        for label, one in told["contenders"].items()
    }
    gain = next(one["difference"] for one in recipes["paired"] if one["figure"] == "dice")
    return {
        "patients": {"study": PATIENTS, "test": gain["n"]},
        "robust_over_seed": {"dice": -gain["mean"], "interval": [-gain["high"], -gain["low"]]},
        "contenders": means,
        "about": recipes["about"] | {"seconds": round(time.monotonic() - began)},
    }


def _compare(study: Path, folder: Path, models: Sequence[str], presets: Sequence[str]) -> Any:
    files = [str(HERE / f"phantom-{preset}.json") for preset in presets]
    words = [study, "-o", folder, "--models", ",".join(models), "--presets", ",".join(files), "--split", "test"]
    return json.loads(_call("lesionseg-train", "compare", *words, "--json"))


def _line(mean: Mapping[str, Any]) -> dict[str, Any]:
    """The figures one looks at first."""
    dice = mean["dice"]
    return {
        "dice": round(dice["mean"], 4),
        "interval": [round(dice["low"], 4), round(dice["high"], 4)],
        "fp_slice_rate": round(mean["fp_rate_empty"]["mean"], 4),
        "recall_of_slices_above_50_pixels": round(1 - mean["fn_rate_50px"]["mean"], 4),
    }


def _call(command: str, *words: object) -> str:
    """Run one command of this installation; what it says on stderr is shown."""
    print("$", command, *words, file=sys.stderr, flush=True)
    program = Path(sys.executable).with_name(command)
    done = subprocess.run([program, *map(str, words)], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("experiments-output", "phantom"))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    print(json.dumps(main(parser.parse_args().folder)))
