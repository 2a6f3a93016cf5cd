"""Turn a state dict that somebody else pickled (``.pth``) into a model folder, without ever opening it in here.

Pickles can run code. PyTorch's reader of weights does not, but has been talked into it before (CVE-2025-32434,
CVE-2026-24747), so it reads in a locked child process (:mod:`~napari_lesionseg.models.convert_cage`), and what comes
back is checked here as if a stranger had sent it. See ``docs/decisions/0009-foreign-models.md``.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import ModelCard, save_model
from napari_lesionseg.models.convert_cage import can_lock
from napari_lesionseg.models.convert_sentences import GO_ON, sentence

if TYPE_CHECKING:
    from torch import Tensor

    from napari_lesionseg.models.network import LesionNetwork

MEGABYTE = 1 << 20
SECONDS = 120
"""How long the child may take, importing PyTorch included."""

_NO_CAGE = 3  # As in convert_child, which is not imported here: it imports PyTorch.
_CHILD = [sys.executable, "-I", "-m", "napari_lesionseg.models.convert_child"]
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}


def convert_state_dict(
    path: Path, card: ModelCard, folder: Path, *, renames: Mapping[str, str] | None = None
) -> ModelCard:
    """Write a model folder with the weights of a foreign state dict, and return its card.

    Parameters
    ----------
    path
        What ``torch.save`` wrote: tensors by name, plain or inside a checkpoint (``state_dict``, ``model``, …), with
        or without DataParallel's ``module.``.
    card
        What the new model is; its architecture decides which tensors are wanted.
    folder
        Where the model goes: a folder that does not exist or is empty.
    renames
        Beginnings of foreign names and what they are called here, the longest that fits first.

    Raises
    ------
    LesionsegError
        If the file is not that, if this system has no way to lock a process up (the file is then not opened), or if
        the folder cannot be written.
    """
    from napari_lesionseg.models.build import build_network

    path, folder = Path(path), Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LesionsegError(f"{folder} exists already; choose another folder for the model.")
    network = build_network(card.architecture)
    with _opened(path) as file:
        size = _size(path, file, network)
        with tempfile.TemporaryDirectory(prefix="lesionseg-") as place:
            tensors = _ask_child(path, file, size, network, dict(renames or {}), Path(place))
        file.seek(0)
        source = hashlib.file_digest(file, "sha256").hexdigest()
    network.load_state_dict(tensors)
    note = {"converted_from_sha256": source, "renames": dict(renames or {})}
    return save_model(folder, network, card.model_copy(update={"training": card.training | note}))


def _opened(path: Path) -> BufferedReader:
    # Without O_NONBLOCK a pipe of that name would let us wait for ever.
    wait_for_nobody = getattr(os, "O_NONBLOCK", 0)
    try:
        return open(path, "rb", opener=lambda name, flags: os.open(name, flags | wait_for_nobody))
    except (OSError, ValueError) as error:
        raise LesionsegError(f"{path} cannot be read; give the file that torch.save wrote.") from error


def _size(path: Path, file: BufferedReader, network: LesionNetwork) -> int:
    """The file's size in bytes, which may hold the optimiser's state and a second copy of the weights, too."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise LesionsegError(f"{path} is not a file; give the file that torch.save wrote.")
    most = 8 * _weights_bytes(network) + 16 * MEGABYTE
    if found.st_size > most:
        raise LesionsegError(
            f"{path} has {found.st_size / MEGABYTE:.0f} MB, more than a checkpoint of this network can have "
            f"({most / MEGABYTE:.0f} MB); save its state dict alone, or choose the card it was made for."
        )
    return found.st_size


def _ask_child(
    path: Path, file: BufferedReader, size: int, network: LesionNetwork, renames: dict[str, str], place: Path
) -> dict[str, Tensor]:
    if not can_lock():
        raise _no_cage(path)
    weights = _weights_bytes(network)
    longest = weights + MEGABYTE
    request = {
        "shapes": {name: list(tensor.shape) for name, tensor in network.state_dict().items()},
        "renames": renames,
        "memory": 3 * size + 4 * weights + 256 * MEGABYTE,
        "answer": longest,
    }
    with open(place / "answer", "w+b") as answer:
        try:
            done = subprocess.run(
                [*_CHILD, json.dumps(request)],
                stdin=file,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd=place,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LesionsegError(f"{path} took too long to be read, which plain weights do not; {GO_ON}.") from error
        if done.returncode == _NO_CAGE:
            raise _no_cage(path)
        answer.seek(0)
        content = answer.read(longest + 1) if done.returncode == 0 else b""
    return _checked(path, content, network)


def _checked(path: Path, content: bytes, network: LesionNetwork) -> dict[str, Tensor]:
    """The tensors in the child's answer; the child read a hostile file and is believed nothing."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    broken = LesionsegError(f"{path} broke the process that read it, which plain weights do not; {GO_ON}.")
    length = 8 + int.from_bytes(content[:8], "little")
    try:
        verdict = json.loads(content[8:length])
        if verdict["what"] != "fits":
            raise LesionsegError(f"{path} {sentence(verdict['what'], verdict['told'])}.")
        tensors = load(content[length:])
    except (ValueError, LookupError, TypeError, RecursionError, OverflowError, SafetensorError) as error:
        raise broken from error
    wanted = network.state_dict()
    if tensors.keys() != wanted.keys():
        raise broken
    for name, tensor in tensors.items():
        like = wanted[name]
        if (tensor.shape, tensor.dtype) != (like.shape, like.dtype) or not tensor.isfinite().all():
            raise broken
    return tensors


def _no_cage(path: Path) -> LesionsegError:
    return LesionsegError(
        f"{path} was not opened, because this system cannot lock up the process that would read it; "
        "convert it on Linux (x86-64 or ARM64, with seccomp) and bring the model folder here."
    )


def _weights_bytes(network: LesionNetwork) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
