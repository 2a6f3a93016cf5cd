"""Files made to run code, to fill the memory or to write elsewhere: through every door, and none gets its way."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from lesionseg_training.checkpoint import FILE, TrainState, load_checkpoint
from lesionseg_training.config import load_config

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, WEIGHTS, ModelCard, load_card, load_model, read_card, save_model
from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.convert import convert_state_dict
from napari_lesionseg.models.convert_cage import can_lock
from napari_lesionseg.models.convert_child import Refused, read
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.models.zoo import install_model
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import read_mask, read_scan

PLAINLY = Path(__file__).with_name("open_plainly.py")
SMALL = ModelCard(name="small", architecture=DualEncoderConfig(widths=(2, 2)))

SCANS = ("scan.nii", "scan.nii.gz", "scan.nrrd", "scan.mha", "scan.dcm", "scan.zip")

Door = Callable[[Path], Any]
Figure = Callable[[str, str, bool], None]


@pytest.fixture(scope="module")
def files(hostile_files: Callable[..., list[Any]], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return hostile_files(tmp_path_factory.mktemp("hostile") / "files")


@pytest.fixture
def doors(tmp_path: Path) -> dict[str, Door]:
    """Everything in the program that reads a model, a configuration, a study or a scan."""
    save_model(tmp_path / "sound", DualEncoderUNet(SMALL.architecture), SMALL)

    def model_with(part: str) -> Door:
        def door(file: Path) -> None:
            folder = tmp_path / f"{part}-{file.stem}"
            shutil.copytree(tmp_path / "sound", folder)
            (folder / part).unlink()
            (folder / part).symlink_to(file)
            if part == WEIGHTS and file.stat().st_size < 2**30:  # Signed, as one who means harm would.
                card = load_card(folder).model_copy(update={"sha256": hashlib.sha256(file.read_bytes()).hexdigest()})
                (folder / CARD).write_text(card.model_dump_json())
            try:
                load_model(folder)
            finally:
                install_model(folder)

        return door

    def place(name: str, opener: Callable[[Path], Any]) -> Door:
        def door(file: Path) -> None:
            folder = tmp_path / f"{name}-{file.stem}"
            folder.mkdir()
            (folder / name).symlink_to(file)
            opener(folder)

        return door

    network = DualEncoderUNet(SMALL.architecture)
    state = TrainState(network, network, torch.optim.AdamW(network.parameters()))
    return {
        "weights": model_with(WEIGHTS),
        "card": model_with(CARD),
        "card of a conversion": read_card,
        "configuration of the trainer": load_config,
        "checkpoint of the trainer": place(FILE, lambda folder: load_checkpoint(folder, state)),
        "study": place("study.db", Study.open),
        "scan": read_scan,
        "mask": read_mask,
        **{f"scan as {name}": place(name, lambda folder, name=name: read_scan(folder / name)) for name in SCANS},
    }


def outcome(door: Door, file: Path) -> str:
    """How a door dealt with a file: "let in", "refused" or the error that a user should not have seen."""
    try:
        door(file)
    except LesionsegError as error:
        fit = str(error).endswith(".") and re.fullmatch(r"[^\x00-\x1f\x7f]+", str(error))
        return "refused" if fit else f"{file.name}: {error!r}"
    except Exception as error:
        return f"{file.name}: {error!r}"
    return "let in"


def canaries(files: list[Any]) -> list[str]:
    """Names of the files whose code ran; a started process gets a second to show."""
    time.sleep(1)
    return [file.path.name for file in files if file.canary is not None and os.path.lexists(file.canary)]


@pytest.mark.hazard("H18")
def test_no_door_runs_what_a_file_says(
    files: list[Any], doors: dict[str, Door], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hazard_figure: Figure
) -> None:
    (tmp_path / "home" / "deeper").mkdir(parents=True)
    monkeypatch.setenv("LESIONSEG_HOME", str(tmp_path / "home" / "deeper"))
    monkeypatch.chdir(tmp_path / "home" / "deeper")
    told: Counter[str] = Counter()
    for name, door in doors.items():
        told.update(
            f"{name}: {what}" if what not in ("refused", "let in") else what
            for what in (outcome(door, file.path) for file in files)
        )
    ran = canaries(files)
    evil = [str(path) for path in tmp_path.rglob("*evil*")]
    tracebacks = [what for what in told if what not in ("refused", "let in")]
    hazard_figure(
        "H18",
        f"{len(files)} hostile files through {len(doors)} doors: {len(ran)} executed, {told['refused']} refused, "
        f"{told['let in']} harmless, {len(tracebacks)} tracebacks",
        not ran and not evil and not tracebacks and len(files) >= 200,
    )
    assert len(files) >= 200
    assert (ran, evil, tracebacks) == ([], [], [])
    assert told["refused"] > 0.9 * len(files) * len(doors)


@pytest.mark.hazard("H18")
def test_each_of_these_files_does_run_where_it_is_opened_plainly(
    hostile_files: Callable[..., list[Any]], tmp_path: Path, hazard_count: Callable[[int, int], int]
) -> None:
    """Otherwise the tests beside this one would show nothing."""
    files = hostile_files(tmp_path / "files", live=True)
    assert len(files) >= 130
    files = files[:: hazard_count(4, 1)]
    (tmp_path / "live").mkdir()
    for file in files:
        file.path.rename(tmp_path / "live" / file.path.name)
    done = subprocess.run(
        [sys.executable, PLAINLY, tmp_path / "live"], cwd=tmp_path, capture_output=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stderr
    assert canaries(files) == [file.path.name for file in files]


@pytest.mark.hazard("H18")
def test_the_reader_of_weights_alone_runs_none_of_them(files: list[Any]) -> None:
    """The first wall, without the second around it."""
    live = [file for file in files if file.canary is not None]
    for file in live:
        with pytest.raises(Refused) as caught:
            read(file.path.read_bytes())
        assert caught.value.what in ("code", "unreadable")
    assert canaries(live) == []


@pytest.mark.hazard("H18")
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not can_lock(), reason="this system cannot lock a process, so conversion refuses every file")
def test_no_hostile_file_is_converted(
    files: list[Any], tmp_path: Path, hazard_count: Callable[[int, int], int], hazard_figure: Figure
) -> None:
    few = files[:: len(files) // hazard_count(4, len(files))]

    def door(file: Path) -> None:
        convert_state_dict(file, SMALL, tmp_path / file.stem)

    with ThreadPoolExecutor(2) as pool:
        told = Counter(pool.map(lambda file: outcome(door, file.path), few))
    ran = canaries(files)
    holds = not ran and told == {"refused": len(few)}
    hazard_figure("H18", f"{len(few)} hostile files converted: {len(ran)} executed, {told['refused']} refused", holds)
    assert ran == []
    assert told == {"refused": len(few)}
    assert list(tmp_path.iterdir()) == []
