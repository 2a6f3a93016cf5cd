"""Decodes compressed frames in a process of its own: ``python -P decode_child.py``, a frame for every line on stdin.

It imports nothing of this package, so that it starts fast, and is run as a file. A line is the JSON
``{"path": …, "index": …}``; the answer is a line of JSON with shape, dtype and length, and then the bytes.
"""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from typing import BinaryIO

MOST_BYTES = 8 << 30  # Of address space, libraries and the frame's file included.


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every request until there are no more; a frame that cannot be decoded has the length −1."""
    import numpy as np
    from pydicom.pixels.utils import iter_pixels

    for line in requests:
        wanted = json.loads(line)
        indices = None if wanted["index"] is None else [wanted["index"]]
        try:
            frame = np.ascontiguousarray(next(iter(iter_pixels(wanted["path"], indices=indices))))
        except Exception:  # Broken pixel data makes the decoders raise almost anything.
            answers.write(b'{"length": -1}\n')
        else:
            head = {"length": frame.nbytes, "shape": frame.shape, "dtype": frame.dtype.str}
            answers.write(json.dumps(head).encode() + b"\n")
            answers.write(frame.data)
        answers.flush()


def limit_memory() -> None:
    """Take no more address space than slices can need, where the system knows such a limit."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


if __name__ == "__main__":
    limit_memory()
    warnings.simplefilter("ignore")
    serve(sys.stdin.buffer, sys.stdout.buffer)
