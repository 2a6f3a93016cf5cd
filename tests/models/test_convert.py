"""A foreign state dict becomes a model folder with the same numbers, or one sentence says why it does not."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor
from typer.testing import CliRunner

from napari_lesionseg.cli.models import models_app
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models import convert
from napari_lesionseg.models.card import CARD, WEIGHTS, ModelCard, load_card, load_model, save_model
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.models.convert import convert_state_dict
from napari_lesionseg.models.convert_cage import can_lock
from napari_lesionseg.models.convert_child import Refused, fitting, read, unwrap
from napari_lesionseg.models.dual_encoder import DualEncoderUNet

CONFIG = DualEncoderConfig(widths=(2, 3))
MODEL_CARD = ModelCard(name="foreign", architecture=CONFIG)
LOCKS = pytest.mark.skipif(not can_lock(), reason="this system cannot lock a process, so nothing is converted on it")

State = dict[str, Tensor]


@pytest.fixture
def state() -> State:
    torch.manual_seed(5)
    return DualEncoderUNet(CONFIG).state_dict()


def pth(path: Path, content: object, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


def equal(found: State, expected: State) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


def shapes_of(state: State) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in state.items()}


@LOCKS
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_foreign_checkpoint_keeps_every_number(tmp_path: Path, state: State, zipped: bool) -> None:
    parallel = OrderedDict((f"module.{name}", tensor.double()) for name, tensor in state.items())
    path = pth(tmp_path / "a.pth", {"epoch": 3, "model": parallel}, _use_new_zipfile_serialization=zipped)
    card = convert_state_dict(path, MODEL_CARD, tmp_path / "foreign")
    model = load_model(tmp_path / "foreign")
    assert model.card == card
    assert equal(model.network.state_dict(), state)
    assert sorted(file.name for file in (tmp_path / "foreign").iterdir()) == [CARD, WEIGHTS]
    assert len(card.training["converted_from_sha256"]) == 64


@LOCKS
def test_a_file_of_another_network_names_what_differs_and_leaves_nothing(tmp_path: Path, state: State) -> None:
    foreign = {name.replace("encoder_a", "enc1\x1b[2J"): tensor for name, tensor in state.items()}
    with pytest.raises(LesionsegError) as caught:
        convert_state_dict(pth(tmp_path / "a.pth", foreign), MODEL_CARD, tmp_path / "foreign")
    sentence = str(caught.value)
    names = [name for name in state if name.startswith("encoder_a")]
    assert f"missing {names[0]}, {names[1]}, {names[2]} and {len(names) - 3} more; unexpected enc1??2J." in sentence
    assert "\x1b" not in sentence
    assert [file.name for file in tmp_path.iterdir()] == ["a.pth"]


@LOCKS
def test_foreign_names_can_be_told(tmp_path: Path, state: State) -> None:
    foreign = {name.replace("encoder_a.", "enc1."): tensor for name, tensor in state.items()}
    path = pth(tmp_path / "a.pth", foreign)
    convert_state_dict(path, MODEL_CARD, tmp_path / "foreign", renames={"enc1": "wrong", "enc1.": "encoder_a."})
    assert equal(load_model(tmp_path / "foreign").network.state_dict(), state)


@LOCKS
def test_a_file_that_grows_in_memory_is_refused(tmp_path: Path, state: State) -> None:
    pth(tmp_path / "a.pth", state)
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as old,
        zipfile.ZipFile(tmp_path / "b.pth", "w", 8, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, bytes(600 << 20) if name.endswith("data.pkl") else old.read(name))
    with pytest.raises(LesionsegError, match="b.pth (asks for more memory|is not a state dict|broke the process)"):
        convert_state_dict(tmp_path / "b.pth", MODEL_CARD, tmp_path / "foreign")


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state_dict", "model", "network", "net"])
@pytest.mark.parametrize("parallel", [False, True])
def test_wrappers_and_parallel_names_are_taken_off(state: State, wrapper: str | None, parallel: bool) -> None:
    named = {f"module.{name}": tensor for name, tensor in state.items()} if parallel else state
    assert equal(unwrap({wrapper: named, "epoch": 3} if wrapper else named), state)


def test_a_name_that_only_begins_like_a_parallel_one_is_kept() -> None:
    tensors = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert equal(unwrap(tensors), tensors)


@pytest.mark.parametrize("content", [{}, [], 3, None, {"epoch": 3}, {1: torch.zeros(1)}, torch.zeros(3)])
def test_what_holds_no_tensors_by_name_is_no_state_dict(content: object) -> None:
    with pytest.raises(Refused, match="no state dict"):
        unwrap(content)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor([float("nan")]),
        torch.tensor([float("inf")]),
        torch.tensor([1e300], dtype=torch.float64),
        torch.tensor([1]),
        torch.zeros(1, dtype=torch.complex64),
        torch.zeros(1).to_sparse(),
        torch.zeros(1, device="meta"),
    ],
)
def test_weights_that_are_no_finite_numbers_are_refused(state: State, tensor: Tensor) -> None:
    with pytest.raises(Refused, match="values"):
        fitting(state | {"head.bias": tensor}, shapes_of(state), {})


def test_half_precision_becomes_single(state: State) -> None:
    halves = {name: tensor.bfloat16() for name, tensor in state.items()}
    got = fitting(halves, shapes_of(state), {})
    assert {tensor.dtype for tensor in got.values()} == {torch.float32}
    assert equal(got, {name: tensor.float() for name, tensor in halves.items()})


def test_another_shape_is_told_before_a_value_is_looked_at(state: State) -> None:
    with pytest.raises(Refused, match="shape") as caught:
        fitting(state | {"head.bias": torch.zeros(1).expand(10**12)}, shapes_of(state), {})
    assert caught.value.told == {"name": "head.bias", "found": [10**12], "wanted": [1]}


def test_a_file_that_asks_for_code_names_what_it_asks_for(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(Refused, match="code") as caught:
        read((tmp_path / "a.pth").read_bytes())
    assert caught.value.told == {"asks_for": "posix.system"}


def answer(what: object, told: object, tensors: bytes = b"") -> bytes:
    text = json.dumps({"what": what, "told": told}).encode()
    return len(text).to_bytes(8, "little") + text + tensors


NAMES = {"first": ["a"], "count": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        answer("fits", {}),
        answer("fits", {}, b"x" * 100),
        answer("fits", {}, save({})),
        answer("fits", {}, save({"head.bias": torch.zeros(1)})),
        answer("who knows", {}),
        answer([], {}),
        answer("names", {}),
        answer("names", {"missing": NAMES, "unexpected": 3}),
        answer("names", {"missing": {"first": 3, "count": "x"}, "unexpected": NAMES}),
        answer("names", {"missing": {"first": ["a"], "count": float("inf")}, "unexpected": NAMES}),
        answer("shape", {"name": "a", "found": ["x"], "wanted": [1]}),
        b"\x00\x00\x01\x00\x00\x00\x00\x00" + b"[" * 65536,
        b"\x02\x00\x00\x00\x00\x00\x00\x00[]",
    ],
)
def test_an_answer_that_no_sound_child_gives_is_refused(content: bytes) -> None:
    with pytest.raises(LesionsegError, match="broke the process that read it"):
        convert._checked(Path("a.pth"), content, DualEncoderUNet(CONFIG))


@pytest.mark.parametrize("change", ["a name more", "a name less", "a shape", "a kind", "not a number"])
def test_tensors_that_the_child_should_have_refused_are_refused_by_the_parent(state: State, change: str) -> None:
    name = "head.bias"
    changed = dict(state)
    if change == "a name less":
        del changed[name]
    else:
        changed |= {
            "a name more": {"evil": torch.zeros(1)},
            "a shape": {name: torch.zeros(2)},
            "a kind": {name: torch.zeros(1, dtype=torch.float64)},
            "not a number": {name: torch.tensor([float("nan")])},
        }[change]
    network = DualEncoderUNet(CONFIG)
    assert equal(convert._checked(Path("a.pth"), answer("fits", {}, save(state)), network), state)
    with pytest.raises(LesionsegError, match="broke the process"):
        convert._checked(Path("a.pth"), answer("fits", {}, save(changed)), network)


def test_names_from_the_child_are_fit_for_a_terminal() -> None:
    told = {
        "missing": {"first": ["\x1b]0;owned\x07" + "x" * 500] * 9, "count": 9},
        "unexpected": {"first": [], "count": 0},
    }
    with pytest.raises(LesionsegError) as caught:
        convert._checked(Path("a.pth"), answer("names", told), DualEncoderUNet(CONFIG))
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.hazard("H18")
def test_where_no_process_can_be_locked_the_file_is_not_opened(
    tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pth(tmp_path / "a.pth", state)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a child was started"))
    with monkeypatch.context() as patch, pytest.raises(LesionsegError, match="was not opened, because .* cannot lock"):
        patch.setattr(convert, "can_lock", lambda: False)
        convert_state_dict(path, MODEL_CARD, tmp_path / "foreign")
    monkeypatch.setattr(convert, "can_lock", lambda: True)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=3))
    with pytest.raises(LesionsegError, match="was not opened, because .* cannot lock"):
        convert_state_dict(path, MODEL_CARD, tmp_path / "foreign")


@pytest.mark.hazard("H18")
def test_the_child_reads_nothing_before_it_is_locked(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"x" * 1000)
    request = {"memory": 1 << 28, "answer": 1 << 20, "shapes": {}, "renames": {}}
    code = (
        "import os, runpy, sys; import napari_lesionseg.models.convert_cage as cage\n"
        "def no(*_): raise cage.NoCage('barred')\n"
        f"cage.lock = no; sys.argv = ['', {json.dumps(request)!r}]\n"
        "runpy.run_module('napari_lesionseg.models.convert_child', run_name='__main__')"
    )
    with open(tmp_path / "a.pth", "rb") as file:
        done = subprocess.run([sys.executable, "-c", code], stdin=file, capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stdout, os.lseek(file.fileno(), 0, os.SEEK_CUR)) == (
            3,
            b"",
            0,
        )


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "can_lock", lambda: True)
    monkeypatch.setattr(convert, "_CHILD", [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(convert, "SECONDS", 0.5)
    with pytest.raises(LesionsegError, match="took too long"):
        convert_state_dict(pth(tmp_path / "a.pth", state), MODEL_CARD, tmp_path / "foreign")


def test_the_child_gets_no_environment_and_no_file_but_the_two(tmp_path: Path, state: State, monkeypatch: Any) -> None:
    seen = {}

    def run(words: list[str], **options: Any) -> SimpleNamespace:
        seen.update(options, words=words)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(convert, "can_lock", lambda: True)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("SECRET", "token")
    with pytest.raises(LesionsegError):
        convert_state_dict(pth(tmp_path / "a.pth", state), MODEL_CARD, tmp_path / "foreign")
    assert seen["words"][1:3] == ["-I", "-m"]
    assert "SECRET" not in seen["env"]
    assert set(seen["env"]) <= {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LC_ALL"}
    assert seen["timeout"] == convert.SECONDS
    assert "pass_fds" not in seen
    assert not Path(seen["cwd"]).exists()  # A folder of its own, gone afterwards.


def test_what_is_no_file_or_too_large_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "large.pth").touch()
    os.truncate(tmp_path / "large.pth", 2**40)
    os.mkfifo(tmp_path / "pipe.pth")
    for name, reason in (
        ("large.pth", "more than a checkpoint of this network can have"),
        ("pipe.pth", "is not a file"),
        ("missing.pth", "cannot be read"),
        (".", "cannot be read|is not a file"),
    ):
        with pytest.raises(LesionsegError, match=reason):
            convert_state_dict(tmp_path / name, MODEL_CARD, tmp_path / "foreign")


def test_a_folder_with_files_is_kept(tmp_path: Path, state: State) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "mine").touch()
    for folder in ("foreign", "foreign/mine"):
        with pytest.raises(LesionsegError, match="exists already"):
            convert_state_dict(pth(tmp_path / "a.pth", state), MODEL_CARD, tmp_path / folder)


# The command.


@pytest.fixture
def like(tmp_path: Path) -> Path:
    card = ModelCard(
        name="known",
        preprocessing=Preprocessing(size=64),
        threshold=0.3,
        licence="CC0",
        training_data="secret patients",
        metrics={"dice": 0.9},
        parent="base",
    )
    save_model(tmp_path / "known", DualEncoderUNet(CONFIG), card)
    return tmp_path / "known"


def command(*words: object) -> Any:
    return CliRunner().invoke(models_app, ["convert", *map(str, words)])


@pytest.mark.hazard("H18")
def test_it_is_off_by_default_and_says_why(tmp_path: Path, state: State, like: Path) -> None:
    path = pth(tmp_path / "a.pth", state)
    result = command(path, "--like", like, "-o", tmp_path / "foreign")
    assert isinstance(result.exception, LesionsegError)
    assert "opening a pickle can run whatever its author put in" in str(result.exception)
    assert "--yes-this-file-may-be-hostile" in str(result.exception)
    assert not (tmp_path / "foreign").exists()


@LOCKS
def test_a_model_like_another_takes_its_network_and_preprocessing_and_no_claim(
    tmp_path: Path, state: State, like: Path
) -> None:
    path = pth(tmp_path / "patient-name.pth", state)
    result = command(path, "--like", like, "-o", tmp_path / "foreign", "--yes-this-file-may-be-hostile", "--json")
    assert result.exit_code == 0, result.output
    card = load_card(tmp_path / "foreign")
    assert json.loads(result.stdout)["sha256"] == card.sha256
    assert (card.name, card.architecture, card.preprocessing.size, card.threshold) == ("foreign", CONFIG, 64, 0.3)
    assert (card.licence, card.training_data, card.metrics, card.parent) == ("", "", {}, "")
    assert "patient-name" not in (tmp_path / "foreign" / CARD).read_text()
    assert equal(load_model(tmp_path / "foreign").network.state_dict(), state)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "either --like MODEL or --card CARD.json"),
        (["--like", "known", "--card", "known/card.json"], "either --like MODEL or --card CARD.json"),
        (["--like", "unknown"], "There is no model unknown"),
        (["--card", "missing.json"], "missing.json cannot be read"),
        (["--card", "known/model.safetensors"], "is not a valid model card"),
        (["--like", "known", "--rename", "known/card.json"], "is not a JSON object like"),
        (["--like", "known", "--rename", "missing.json"], "is not a JSON object like"),
        (["--like", "known", "-o", "a b"], "a b cannot be a model's name"),
    ],
)
def test_a_wrong_choice_is_one_sentence(
    tmp_path: Path, state: State, like: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], reason: str
) -> None:
    monkeypatch.chdir(like.parent)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a child was started"))
    result = command(pth(tmp_path / "a.pth", state), "-o", "foreign", "--yes-this-file-may-be-hostile", *words)
    assert isinstance(result.exception, LesionsegError)
    assert reason in str(result.exception)
    assert not (tmp_path / "foreign").exists()


def test_a_full_disk_leaves_no_model(tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(convert, "_ask_child", lambda *_: state)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(LesionsegError, match="No space left"):
        convert_state_dict(pth(tmp_path / "a.pth", state), MODEL_CARD, tmp_path / "foreign")
    assert not list(tmp_path.rglob("*.json"))
