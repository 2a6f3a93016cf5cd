"""Look at a foreign state dict, locked in; a process of its own: ``python -I -m … REQUEST < FILE > ANSWER``.

Nothing is read from the file before the process is locked. The answer is the length of a JSON object (8 bytes, little
endian), the object, and, if all is well, the tensors as safetensors. Whoever reads it must take it for hostile, too.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from napari_lesionseg.models.convert_cage import NoCage, lock

NO_CAGE = 3
"""Exit code: the process could not be locked, and has not looked at the file."""

FILE, ANSWER = 0, 1
WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net")
NAMES_TOLD = 3


class Refused(Exception):
    """The file is not what was asked for: ``what`` for the program, ``told`` for the sentence."""

    def __init__(self, what: str, **told: Any) -> None:
        self.what, self.told = what, told
        super().__init__(what)


def main(request: dict[str, Any]) -> int:
    """Lock up, read, answer; gives the exit code."""
    _load_what_loading_needs()
    try:
        lock(request["memory"], request["answer"])
    except NoCage:
        return NO_CAGE
    try:
        tensors = fitting(unwrap(read(_all_bytes())), request["shapes"], request["renames"])
        _answer({"what": "fits", "told": {"tensors": len(tensors)}}, save(tensors))
    except Refused as refusal:
        _answer({"what": refusal.what, "told": refusal.told})
    except MemoryError:
        _answer({"what": "memory", "told": {}})
    return 0


def read(data: bytes) -> Any:
    """Read what ``torch.save`` wrote, if it is made of tensors and plain values only.

    Raises
    ------
    Refused
        ``code`` if it asks for anything else, ``memory`` if there is too much of it, else ``unreadable``.
    """
    try:
        # The one place where a pickle is opened: by PyTorch's own reader of weights, which knows no other class.
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # Whatever a file can break in the reader: the process ends after this one.
        asked = re.search(r"GLOBAL (\S+)", str(error))
        if asked:
            raise Refused("code", asks_for=asked[1][:100]) from error
        memory = "alloc" in str(error) or "memory" in str(error)
        raise Refused("memory" if memory else "unreadable") from error


def unwrap(content: Any) -> dict[str, Tensor]:
    """The tensors by name, out of a checkpoint's wrapper and without DataParallel's ``module.``.

    Raises
    ------
    Refused
        ``no state dict`` if there are no tensors by name.
    """
    for _ in range(2):  # A state dict inside a checkpoint inside a list of checkpoints is nobody's habit.
        inner = next((content[key] for key in WRAPPERS if isinstance(content, dict) and key in content), None)
        content = inner if isinstance(inner, dict) else content
    named = isinstance(content, dict) and bool(content) and all(isinstance(name, str) for name in content)
    if not named or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise Refused("no state dict")
    parallel = all(name.startswith("module.") for name in content)
    return {name.removeprefix("module.") if parallel else name: tensor for name, tensor in content.items()}


def fitting(tensors: dict[str, Tensor], shapes: dict[str, list[int]], renames: dict[str, str]) -> dict[str, Tensor]:
    """The tensors as float32 under the network's own names.

    Raises
    ------
    Refused
        ``names``, ``shape`` or ``values``, with what is wrong.
    """
    tensors = {renamed(name, renames): tensor for name, tensor in tensors.items()}
    missing, unexpected = [n for n in shapes if n not in tensors], [n for n in tensors if n not in shapes]
    if missing or unexpected:
        raise Refused("names", missing=_told(missing), unexpected=_told(unexpected))
    for name, shape in shapes.items():  # Before a value is looked at: a tensor can claim 10^12 values and hold one.
        if list(tensors[name].shape) != shape:
            raise Refused("shape", name=name, found=list(tensors[name].shape)[:8], wanted=shape)
    return {name: _numbers(name, tensors[name]) for name in shapes}


def renamed(name: str, renames: dict[str, str]) -> str:
    """The name with its longest listed beginning replaced."""
    start = max((start for start in renames if name.startswith(start)), key=len, default=None)
    return name if start is None else renames[start] + name[len(start) :]


def _numbers(name: str, tensor: Tensor) -> Tensor:
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or not tensor.is_floating_point():
        raise Refused("values", name=name)
    plain = torch.empty(tensor.shape, dtype=torch.float32).copy_(tensor.detach())
    if not plain.isfinite().all():
        raise Refused("values", name=name)
    return plain


def _told(names: list[str]) -> dict[str, Any]:
    return {"first": [name[:100] for name in names[:NAMES_TOLD]], "count": len(names)}


def _load_what_loading_needs() -> None:
    """Let PyTorch and safetensors import now what they import when first used: a locked process opens no file."""
    torch.set_num_threads(1)
    network = torch.nn.Linear(1, 1)
    for zipped in (True, False):
        file = io.BytesIO()
        content = {"model": network.state_dict(), "ema": network.weight.half()}
        torch.save(content, file, _use_new_zipfile_serialization=zipped)
        save(fitting(unwrap(read(file.getvalue())), {"weight": [1, 1], "bias": [1]}, {}))


def _all_bytes() -> bytes:
    data = bytearray()
    while part := os.read(FILE, 1 << 24):
        data += part
    return bytes(data)


def _answer(verdict: dict[str, Any], tensors: bytes = b"") -> None:
    text = json.dumps(verdict).encode()
    rest = memoryview(len(text).to_bytes(8, "little") + text + tensors)
    while rest:
        rest = rest[os.write(ANSWER, rest) :]


if __name__ == "__main__":
    code = 1
    try:
        code = main(json.loads(sys.argv[1]))
    finally:  # No clean-up behind a hostile file: nothing of its making gets another turn.
        os._exit(code)
