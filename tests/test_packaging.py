"""What a user installs: the wheel, built from the sdist, carries what it needs and nothing else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest

PLUGIN = "napari-lesionseg"


class Built(NamedTuple):
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Sdist and wheel; the build fetches hatchling."""
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--outdir", str(folder), str(repo_root)], folder)
    return Built(next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")))


def test_wheel_makes_two_names_importable_and_no_more(built: Built) -> None:
    tops = {name.split("/")[0] for name in _names(built.wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"napari_lesionseg", "lesionseg_training"}


def test_wheel_carries_the_manifest_the_presets_and_the_models(built: Built, repo_root: Path) -> None:
    names = _names(built.wheel)
    expected = {"napari_lesionseg/napari.yaml", "napari_lesionseg/py.typed", "lesionseg_training/py.typed"}
    for tree, pattern in (
        ("training", "lesionseg_training/configs/*.json"),
        ("src", "napari_lesionseg/models/bundled/*/*"),
    ):
        files = list((repo_root / tree).glob(pattern))
        assert files, f"nothing matches {pattern}"
        expected |= {file.relative_to(repo_root / tree).as_posix() for file in files}
    assert expected - names == set()


def test_sdist_manifest_at_the_top_is_the_one_in_the_package(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        top = archive.getnames()[0].split("/")[0]
        at_top, in_package = (
            archive.extractfile(f"{top}/{name}") for name in ("napari.yaml", "src/napari_lesionseg/napari.yaml")
        )
        assert at_top is not None
        assert in_package is not None
        assert at_top.read() == in_package.read()


def test_base_install_asks_for_no_window(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    base = [line.lower() for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert len(base) > 10
    assert [line for line in base if line.startswith(("napari", "magicgui", "superqt", "qtpy", "pyqt", "pyside"))] == []


def test_manifest_of_the_wheel_is_valid(built: Built, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment)], tmp_path)
    python = str(environment / "bin" / "python")
    site = Path(_run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path).strip())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    _run([*pip, str(built.wheel)], tmp_path)
    # A plain line brings the libraries of this environment, but not its editable install.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    where = _run(
        [python, "-c", "import napari_lesionseg, lesionseg_training; print(napari_lesionseg.__file__)"], tmp_path
    )
    assert Path(where.strip()).is_relative_to(site)
    assert "valid!" in _validate(python, tmp_path)


def test_manifest_of_the_editable_install_is_valid(tmp_path: Path) -> None:
    assert "valid!" in _validate(sys.executable, tmp_path)


def _validate(python: str, folder: Path) -> str:
    return _run([python, "-m", "npe2", "validate", PLUGIN], folder)


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _run(command: list[str], folder: Path) -> str:
    """Run outside the repository, so that nothing is found by chance in the current folder."""
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr
