"""Bring the tools that judge our exports, as far as they can be had on this machine."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import setup
from system_packages import install

JS = setup.ROOT / "tests" / "peers" / "js"
# What the judges call, and the Debian package of each.
PROGRAMS = {
    "chromium": "chromium",
    "dciodvfy": "dicom3tools",
    "dcmdump": "dcmtk",
    "mricron": "mricron",
    "nifti_tool": "nifti-bin",
    "node": "nodejs",
    "npm": "npm",
    "plastimatch": "plastimatch",
}


def set_up() -> None:
    """Bring what is missing; what cannot be had is said, and its judges do not run."""
    for step in (_programs, _node_modules, setup.nnunet):
        try:
            step()
        except SystemExit as reason:
            print(reason, flush=True)


def _programs() -> None:
    for package in [package for program, package in PROGRAMS.items() if shutil.which(program) is None]:
        try:  # One by one: a system that lacks one of them may have the others.
            install([package])
        except SystemExit as reason:
            print(reason, flush=True)


def _node_modules() -> None:
    stamp = JS / "node_modules" / "installed.txt"
    key = _key(JS / "package-lock.json")
    if shutil.which("npm") is None or (stamp.exists() and stamp.read_text() == key):
        return
    print("Installing the npm packages of tests/peers/js, about a minute.", flush=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=JS, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise SystemExit("error: npm could not install the packages of tests/peers/js (its words are above).")
    stamp.write_text(key)


def _key(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()
