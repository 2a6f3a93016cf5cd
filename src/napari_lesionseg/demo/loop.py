"""The whole loop on one generated scan: opened, segmented, compared, corrected, exported, learnt from."""

from __future__ import annotations

import json
import os
from pathlib import Path

from napari_lesionseg.demo.folder import make_folder
from napari_lesionseg.models.zoo import find_model, user_folder
from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.phantom import make_case

MODEL = "phantom-base"
SEED, SHAPE = 11, (48, 256, 256)


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
    make_folder(out)
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
