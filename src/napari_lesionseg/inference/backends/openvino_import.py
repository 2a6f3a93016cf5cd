"""Getting at OpenVINO."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any


def has_openvino() -> bool:
    """Whether OpenVINO is installed; it is not imported."""
    return importlib.util.find_spec("openvino") is not None


def import_openvino() -> Any:
    """Import OpenVINO without the module with which it tells its makers of every import and conversion.

    It does without that module in silence. Where somebody imported OpenVINO before, it is as they wanted it.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino
