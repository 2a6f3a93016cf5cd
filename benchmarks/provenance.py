"""Which commit and which machine a figure is from."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def commit() -> str:
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    busy = f", with a load of {os.getloadavg()[0]:.1f} by it and other programs" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} processors ({name}), {platform.system()}, Python {platform.python_version()}{busy}"
