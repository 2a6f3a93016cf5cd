"""Lets SimpleITK place slices, in a process of its own: ``python -P gate_child.py FILE …``, one line of JSON each.

GDCM takes gigabytes and seconds for some damaged headers; here it has a limit. Run as a file, so that it starts fast.
"""

from __future__ import annotations

import contextlib
import json
import sys

MOST_BYTES = 4 << 30  # Of address space, libraries included.


def placed(path: str) -> dict[str, object] | None:
    """Origin, direction, spacing and size as SimpleITK reads them; None if it finds no image position."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    if not reader.HasMetaDataKey("0020|0032"):
        return None
    return {
        "origin": reader.GetOrigin(),
        "direction": reader.GetDirection(),
        "spacing": reader.GetSpacing(),
        "size": reader.GetSize(),
    }


def limit_memory() -> None:
    """Take no more address space than a slice can need, where the system knows such a limit."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


if __name__ == "__main__":
    limit_memory()
    for name in sys.argv[1:]:
        print(json.dumps(placed(name)), flush=True)
