"""Set up what the Makefile's targets need: system packages and virtual environments. A second run does nothing.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from system_packages import install, missing_packages

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VENV_PYQT6 = ROOT / ".venv-pyqt6"
VENV_NNUNET = ROOT / ".venv-nnunet"
INPUTS = (ROOT / "pyproject.toml", ROOT / "constraints.txt")
NNUNET_INPUTS = (ROOT / "tests" / "peers" / "requirements.txt", ROOT / "constraints.txt")


def main(step: str) -> None:
    """Do one step; see ``STEPS``."""
    if step not in STEPS:
        sys.exit(f"error: scripts/setup.py knows no step {step!r}; give one of {', '.join(STEPS)}.")
    STEPS[step]()


def system() -> None:
    """Qt's libraries, fonts and Xvfb."""
    if sys.platform == "linux":
        install(missing_packages())
        if missing := missing_packages():
            sys.exit(f"error: {' '.join(missing)} did not bring what it should; look at `apt-cache policy` and retry.")


def venv() -> None:
    """``.venv`` with the project, everything optional and the test tools."""
    if _is_current(VENV):
        return
    print("Setting up .venv: about 3 minutes and 2 GB the first time.", flush=True)
    _make_venv(VENV)
    if not _succeeds(_python(VENV), "-m", "pip", "--version"):
        _call(_python(VENV), "-m", "ensurepip", "--upgrade", failure="pip could not be put into .venv")
    _pip(VENV, "-e", ".[all,test]")
    _mark_current(VENV)


def pyqt6() -> None:
    """``.venv-pyqt6``: sees all of ``.venv`` but has PyQt6 in place of PyQt5."""
    venv()
    if _is_current(VENV_PYQT6):
        return
    print("Setting up .venv-pyqt6: about a minute and 250 MB.", flush=True)
    shutil.rmtree(VENV_PYQT6, ignore_errors=True)
    _make_venv(VENV_PYQT6, "--without-pip")
    # addsitedir also follows the other folder's own .pth files, such as that of the editable install.
    overlay = f"import site, sys; site.addsitedir({_site(VENV)!r}); sys.modules['PyQt5'] = None\n"
    (Path(_site(VENV_PYQT6)) / "over_venv.pth").write_text(overlay, encoding="utf-8")
    _pip(VENV_PYQT6, *tomllib.loads(INPUTS[0].read_text())["project"]["optional-dependencies"]["pyqt6"])
    _mark_current(VENV_PYQT6)


def nnunet() -> None:
    """``.venv-nnunet``: nnU-Net, which judges our data sets, and nothing of ours."""
    if _is_current(VENV_NNUNET, NNUNET_INPUTS):
        return
    print("Setting up .venv-nnunet: about 2 minutes and 2 GB.", flush=True)
    _make_venv(VENV_NNUNET)
    _pip(VENV_NNUNET, "-r", str(NNUNET_INPUTS[0]))
    _mark_current(VENV_NNUNET, NNUNET_INPUTS)


STEPS = {"system": system, "venv": venv, "pyqt6": pyqt6, "nnunet": nnunet}


def _make_venv(folder: Path, *options: str) -> None:
    """Create ``folder``, or keep one that works and was made for this place."""
    if folder.is_symlink():  # venv --clear would empty what it points to, which may serve another checkout.
        sys.exit(f"error: {folder.name} is a link and not up to date; remove the link, or set up where it points.")
    stamp = _stamp(folder)
    moved = stamp.exists() and stamp.read_text().splitlines()[0] != str(folder)
    works = _succeeds(_python(folder), "-c", "import sys; sys.exit(sys.version_info < (3, 11))")
    stamp.unlink(missing_ok=True)
    if works and not moved:
        return
    if importlib.util.find_spec("ensurepip") is None:  # Debian and Ubuntu keep it in a package of its own.
        install([f"python3.{sys.version_info.minor}-venv"])
    _call(sys.executable, "-m", "venv", "--clear", *options, str(folder), failure=f"{folder.name} could not be made")


def _pip(folder: Path, *requirements: str) -> None:
    options = ["-qq", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-c", "constraints.txt"]
    command = [_python(folder), "-m", "pip", "install", *options, *requirements]
    _call(*command, failure="pip could not install what the project needs")


def _call(*command: str, failure: str) -> None:
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        sys.exit(f"error: {failure} (the reason is above); check the network and the disk, and start again.")


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _python(folder: Path) -> str:
    return str(folder / "bin" / "python")


def _site(folder: Path) -> str:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.run([_python(folder), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _stamp(folder: Path) -> Path:
    return folder / "installed.txt"


def _key(inputs: tuple[Path, ...]) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()


def _is_current(folder: Path, inputs: tuple[Path, ...] = INPUTS) -> bool:
    """Whether ``folder`` was set up, in this place, from ``inputs`` as they are now."""
    stamp = _stamp(folder)
    recorded = stamp.read_text().splitlines() if stamp.exists() else []
    return recorded == [str(folder), _key(inputs)] and Path(_python(folder)).exists()


def _mark_current(folder: Path, inputs: tuple[Path, ...] = INPUTS) -> None:
    _stamp(folder).write_text(f"{folder}\n{_key(inputs)}\n", encoding="utf-8")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
