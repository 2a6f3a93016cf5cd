"""The child process that puts a correction into a study: the database's libraries load there, not in the window."""

from __future__ import annotations

import sys
from pathlib import Path

from napari_lesionseg.widgets.child_jobs import Request, Tell, mask_of, scan_of, serve
from napari_lesionseg.widgets.keep_correction import keep_correction


def keep(request: Request, _tell: Tell) -> Request:
    """Keep the correction of one request; gives the case's id."""
    scan, study = scan_of(request), Path(request["study"])
    return {"case": keep_correction(study, scan, mask_of(request), request["corrected"], request["model"])}


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, keep)
