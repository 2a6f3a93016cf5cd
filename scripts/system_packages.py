"""Qt's system libraries and Xvfb: find what is missing, and let apt bring it where it may."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

from headless import needs_xvfb

# What the wheels of PyQt5 and PyQt6 link to but do not carry, and the Debian package of each. Mesa's software OpenGL,
# libX11, libxkbcommon and the keyboard tables come with these.
LIBRARIES = {
    "libdbus-1.so.3": "libdbus-1-3",
    "libEGL.so.1": "libegl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
FONT = "fonts-dejavu-core"
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
APT = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]


def missing_packages() -> list[str]:
    """Debian's names of what this machine lacks for the window, and for Xvfb where that is needed."""
    missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if not any(next(folder.rglob("*.[to]tf"), None) for folder in FONT_FOLDERS):
        missing.append(FONT)
    if needs_xvfb() and shutil.which("Xvfb") is None:
        missing.append("xvfb")
    return missing


def install(packages: list[str]) -> None:
    """Install Debian packages, or end with one sentence that names them."""
    if not packages:
        return
    names = " ".join(packages)
    rights = _rights()
    if rights is None:
        sys.exit(
            f"error: these system packages are missing: {names}; install them (Debian, Ubuntu: "
            f"sudo apt install {names}) and start again."
        )
    print(f"Installing with apt, about a minute: {names}", flush=True)
    # A failed update is no reason to stop: the lists may be good enough.
    subprocess.run([*rights, *APT, "update"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    result = subprocess.run(
        [*rights, *APT, "install", "-y", "--no-install-recommends", *packages],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        sys.exit(
            f"{result.stdout}\nerror: apt could not install {names} (its words are above); install them and "
            "start again."
        )


def _rights() -> list[str] | None:
    """What to put before apt-get, or None where it must not or cannot run."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode == 0:
        return sudo
    return None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
