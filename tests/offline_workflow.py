"""The core workflow on the command line in one process, with every use of the network noted.

Called by test_no_network.py inside a namespace without network: ``offline_workflow.py FOLDER``. Prints what was tried.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOCAL = "/"  # A local socket's address is a path.
TINY = {
    "name": "tiny",
    "network": {"widths": [4, 8]},
    "preprocessing": {"size": 64},
    "epochs": 1,
    "steps_per_epoch": 2,
    "batch_size": 4,
    "patch": 32,
    "threads": 1,
}


def note_network(tried: list[str]) -> None:
    """Put every look-up of a name, connection and request of this process into ``tried``."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        asks = event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
        local = asks and isinstance(arguments[-1], str | bytes) and str(arguments[-1]).startswith(LOCAL)
        if (asks and not local) or event.startswith(("urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.")):
            tried.append(f"{event} {arguments[1:]}")

    sys.addaudithook(hook)


def call(entry: Callable[[], None], *words: object) -> None:
    """Run one command as the shell would."""
    sys.argv = ["lesionseg", *map(str, words)]
    with contextlib.redirect_stdout(sys.stderr):
        try:
            entry()
        except SystemExit as left:
            assert not left.code, (words, left.code)


def main(folder: Path) -> int:
    """Generate, train, predict, evaluate, export and look; give the number of commands."""
    from lesionseg_training.cli import run as train

    from napari_lesionseg.cli.main import run as lesionseg

    study, run, mask = folder / "study", folder / "run", folder / "mask.nii.gz"
    (folder / "tiny.json").write_text(json.dumps(TINY))
    first: list[tuple[Any, ...]] = [
        (lesionseg, "phantom", study, "--patients", 3, "--shape", "12,64,64"),
        (lesionseg, "study", "list", study),
        (train, "fit", study, "-o", run, "--config", folder / "tiny.json"),
    ]
    for entry, *words in first:
        call(entry, *words)
    scan, truth = min((study / "scans").iterdir()), min((study / "masks").rglob("truth*"))
    then: list[tuple[Any, ...]] = [
        (lesionseg, "info", scan),
        (lesionseg, "models", "list"),
        (lesionseg, "models", "verify"),
        (lesionseg, "predict", scan, "-o", mask, "--model", run / "model", "--threshold", "0.01"),
        (lesionseg, "predict", scan, "-o", folder / "bundled.nii.gz", "--model", "phantom-base"),
        (lesionseg, "evaluate", mask, truth),
        (lesionseg, "export", truth, "--scan", scan, "-o", folder / "truth.seg.nrrd"),
    ]
    for entry, *words in then:
        call(entry, *words)
    return len(first) + len(then)


if __name__ == "__main__":
    tried: list[str] = []
    note_network(tried)
    print(json.dumps({"commands": main(Path(sys.argv[1])), "tried": tried}))
