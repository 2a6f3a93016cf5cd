"""Reconstruction kernels that are made for lungs, by the names the large vendors give them."""

from __future__ import annotations

import re

# Siemens B50–B80 and I50–I80, and from the 2014 generation on Bl57 or Br57 and sharper; GE by word; Philips L and the Y
# family; Canon/Toshiba FC50–FC59 and FC80–FC89. Names as in the vendors' DICOM conformance statements.
_LUNG = re.compile(
    r"""
      [BI][5-8]\d[FHSL]? (\\.*)?
    | B[LR](5[7-9]|[6-9]\d)[A-Z]*(\\.*)?
    | LUNG\d? | BONE | BONEPLUS | BONE\+ | CHST | CHEST | EDGE
    | L | LA | Y[A-D] | YLUNG | Y-?SHARP
    | FC[58]\d .*
    """,
    re.VERBOSE | re.IGNORECASE,
)


def is_lung_kernel(kernel: str) -> bool:
    """Whether ``kernel`` (Convolution Kernel, 0018,1210) is a sharp one, as used to look at lungs."""
    return _LUNG.fullmatch(kernel.strip()) is not None
