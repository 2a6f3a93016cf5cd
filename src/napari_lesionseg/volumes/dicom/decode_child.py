"""Decodes compressed frames in a process of its own: ``python -P decode_child.py``, a frame for every line on stdin.

It imports nothing of this package, so that it starts fast, and is run as a file. A line is the JSON
``{"path": …, "index": …}``; the answer is a line of JSON with shape, dtype and length, and then the bytes.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import BinaryIO


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


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(sys.stdin.buffer, sys.stdout.buffer)
