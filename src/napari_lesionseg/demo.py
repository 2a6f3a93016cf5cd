"""The workbench on a generated scan: ``python -m napari_lesionseg.demo [--headless FOLDER]``.

With ``--headless`` (or ``HEADLESS=1``) the whole loop is driven through the window's own controls, and FOLDER gets
a screenshot of each step, the corrected mask, the metrics and the card of the retrained model.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.zoo import find_model, user_folder
from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.phantom import make_case

MODEL = "phantom-base"
MARK = ".lesionseg-demo"
SEED, SHAPE = 11, (48, 256, 256)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; 0 if every step did what it should."""
    parser = argparse.ArgumentParser(prog="python -m napari_lesionseg.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--headless", metavar="FOLDER", type=Path, help="drive the loop and leave its results here")
    folder = parser.parse_args(arguments).headless
    if folder is None and os.environ.get("HEADLESS") == "1":
        folder = Path("demo-output")
    try:
        if folder is None:
            show()
        else:
            drive(folder.resolve())
    except LesionsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_case(folder: Path) -> tuple[Path, Path]:
    """Generate the scan and its truth as files."""
    case = make_case(SEED, SHAPE)
    scan, truth = folder / "phantom.nii.gz", folder / "phantom_truth.nii.gz"
    nifti.write_scan(scan, case.scan)
    nifti.write_mask(truth, case.truth)
    return scan, truth


def show() -> None:
    """Open the window on the scan with its truth, and segment it; returns when the window is closed."""
    import napari

    from napari_lesionseg.widgets.launch import make_window

    find_model(MODEL)
    scan, truth = write_case(user_folder() / "demo")
    _, workbench = make_window()
    workbench.open_scan(scan)
    workbench.load_truth(truth)
    workbench.segment.model.setCurrentText(MODEL)
    workbench.segment.segment.click()
    napari.run()


def drive(out: Path) -> None:
    """Go through the loop with the window's own controls."""
    _make_folder(out)
    os.environ["LESIONSEG_HOME"] = str(out / "home")  # The user's own settings, study and models are left alone.
    from napari_lesionseg.widgets.driver import Driver

    scan, truth = write_case(out)
    driver = Driver(out, MODEL)
    try:
        driver.open(scan, truth)
        driver.window()
        driver.segment()
        driver.compare()
        driver.correct()
        driver.export()
        driver.retrain()
        driver.segment_again()
    finally:
        driver.close()
    (out / "metrics.json").write_text(json.dumps(driver.metrics, indent=2) + "\n")
    print(f"The loop is complete: {out}", json.dumps(driver.metrics), sep="\n")


def _make_folder(out: Path) -> None:
    """Make ``out`` an empty folder; only a folder of an earlier demo is cleared."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARK).is_file():
            raise LesionsegError(f"{out} holds other files; give a new folder.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()


if __name__ == "__main__":
    sys.exit(main())
