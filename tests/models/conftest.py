"""Files made by somebody who means harm, each with the canary that it would leave if its code ran."""

from __future__ import annotations

import io
import logging
import os
import pickle
import shutil
import struct
import subprocess
import tarfile
import time
import timeit
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing._private.utils import runstring

Files = Iterator[tuple[str, bytes]]


@dataclass(frozen=True)
class Hostile:
    """One file; ``canary`` is what it leaves where a program runs what it reads (none: it harms in other ways)."""

    path: Path
    canary: Path | None


@pytest.fixture(scope="session")
def hostile_files() -> Callable[..., list[Hostile]]:
    """Write 200 such files to a folder, or with ``live=True`` those alone that leave a canary."""
    return write_all


def write_all(folder: Path, *, live: bool = False) -> list[Hostile]:
    made: list[Hostile] = []

    def add(name: str, content: bytes, canary: Path | None) -> None:
        path = folder / f"{len(made):03}-{name}"
        path.write_bytes(content)
        made.append(Hostile(path, canary))

    folder.mkdir(parents=True)
    for name, make in LIVE.items():
        canary = folder / f"canary-{len(made):03}"
        add(name, make(canary), canary)
    if live:
        return made
    for name, content in (*pickle_bombs(), *torch_bombs(), *lying_safetensors(), *odd_cards()):
        add(name, content, None)
    for name, size in (("sparse.pth", 2**36), ("sparse.json", 2**33)):
        add(name, b"", None)
        os.truncate(made[-1].path, size)
    return made


class Call:
    """Makes its call when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def calls(canary: Path) -> dict[str, Call]:
    """Twenty ways to leave a canary; none is wanted in a file of weights."""
    name, shell, words = str(canary), f"touch '{canary}'", ["touch", str(canary)]
    source = f"open({name!r}, 'w').close()"
    return {
        "system": Call(os.system, shell),
        "popen": Call(os.popen, shell),
        "spawn": Call(os.spawnvp, os.P_WAIT, "touch", words),
        "Popen": Call(subprocess.Popen, words),
        "check_output": Call(subprocess.check_output, words),
        "getoutput": Call(subprocess.getoutput, shell),
        "exec": Call(exec, source),
        "eval": Call(eval, source),
        "open": Call(open, name, "w"),
        "FileIO": Call(io.FileIO, name, "w"),
        "mkdir": Call(os.mkdir, name),
        "touch": Call(Path.touch, canary),
        "copy": Call(shutil.copyfile, os.devnull, name),
        "symlink": Call(os.symlink, os.sep, name),
        "log": Call(logging.FileHandler, name),
        "memmap": Call(np.memmap, name, np.uint8, "w+", 0, (1,)),
        "runstring": Call(runstring, source, {}),
        "timeit": Call(timeit.timeit, source, "pass", time.perf_counter, 1),
        "loads": Call(pickle.loads, pickle.dumps(Call(os.system, shell))),
        "from_bytes": Call(torch.storage._load_from_bytes, torch_file(Call(os.system, shell), zipped=False)),
    }


def torch_file(content: object, zipped: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def with_metadata(call: Call) -> OrderedDict[str, Any]:
    state = OrderedDict(weight=torch.zeros(2))
    state._metadata = call  # type: ignore[attr-defined]
    return state


def tar_file(call: Call) -> bytes:
    """PyTorch's oldest format."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("storages", "tensors", "pickle"):
            content = pickle.dumps(call)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


CONTAINERS: dict[str, Callable[[Call], bytes]] = {
    "pickle0.pth": lambda call: pickle.dumps(call, 0),
    "pickle5.pt": lambda call: pickle.dumps({"state_dict": {"weight": call}}, 5),
    "zip.pth": lambda call: torch_file({"weight": torch.zeros(2), "epoch": call}),
    "legacy.pth": lambda call: torch_file({"weight": torch.zeros(2), "epoch": call}, zipped=False),
    "metadata.pth": lambda call: torch_file(with_metadata(call)),
}


def swapped(pickled: bytes) -> bytes:
    """A sound archive of PyTorch with its pickle swapped."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(torch_file({"weight": torch.zeros(2)}))) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            new.writestr(info, pickled if info.filename.endswith("/data.pkl") else old.read(info))
    return file.getvalue()


def opcodes(canary: Path) -> dict[str, bytes]:
    """Pickles that no pickler writes."""
    shell = f"touch {canary}".encode()
    argument = b"S'" + shell + b"'\n"
    system = b"cposix\nsystem\n(" + argument + b"tR"
    return {
        "global": system + b".",
        "inst": b"(" + argument + b"iposix\nsystem\n.",
        "obj": b"(cposix\nsystem\n" + argument + b"o.",
        "stack-global": b"\x80\x04\x8c\x05posix\x8c\x06system\x93(" + argument + b"tR.",
        "torn": system,  # Runs before its end is missed.
        "then-sound": system + b"0}.",
        "memo": b"cposix\nsystem\np0\n0(" + argument + b"tp1\n0g0\ng1\nR.",
        "dotted": b"\x80\x04\x8c\x02os\x8c\x0dpath.os.popen\x93(" + argument + b"tR.",
        "build": b"ccollections\nOrderedDict\n)R}(S'a'\n" + system + b"ub.",
        "after-a-list": b"](" + system + b"e.",
    }


def yaml_files(canary: Path) -> dict[str, bytes]:
    shell, source = f"touch {canary}", f"open({str(canary)!r}, 'w').close()"
    return {
        "system": f"!!python/object/apply:os.system ['{shell}']".encode(),
        "exec": f'!!python/object/apply:exec ["{source}"]'.encode(),
        "field": f"name: !!python/object/apply:os.system ['{shell}']".encode(),
        "new": f"!!python/object/new:os.system ['{shell}']".encode(),
        "Popen": f"!!python/object/apply:subprocess.Popen [[touch, '{canary}']]".encode(),
    }


def object_array(call: Call, *, zipped: bool) -> bytes:
    file = io.BytesIO()
    array = np.empty(1, object)
    array[0] = call
    np.savez(file, array) if zipped else np.save(file, array)
    return file.getvalue()


def _live() -> Iterator[tuple[str, Callable[[Path], bytes]]]:
    nowhere = Path("x")
    for call in calls(nowhere):
        for container, pack in CONTAINERS.items():
            yield f"{call}-{container}", lambda canary, call=call, pack=pack: pack(calls(canary)[call])
    for name in opcodes(nowhere):
        yield f"{name}.pth", lambda canary, name=name: opcodes(canary)[name]
        yield f"{name}-zip.pth", lambda canary, name=name: swapped(opcodes(canary)[name])
    for name in ("system", "exec", "open"):
        yield f"{name}-tar.pth", lambda canary, name=name: tar_file(calls(canary)[name])
        yield f"{name}.npy", lambda canary, name=name: object_array(calls(canary)[name], zipped=False)
        yield f"{name}.npz", lambda canary, name=name: object_array(calls(canary)[name], zipped=True)
    for name in yaml_files(nowhere):
        yield f"{name}.yaml", lambda canary, name=name: yaml_files(canary)[name]
        yield f"{name}.json", lambda canary, name=name: yaml_files(canary)[name]


LIVE = dict(_live())


def pickle_bombs() -> Files:
    yield "unicode-of-2-to-62.pth", b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x."
    yield "bytes-of-2-to-40.pth", b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x."
    yield "memo-of-2-to-31.pth", b"\x80\x02]r" + struct.pack("<I", 2**31 - 1) + b"."
    yield "deep.pth", b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    yield "laughs.pth", b"\x80\x02" + b"]q\0" + b"".join(b"](" + b"h\0" * 9 + b"eq\0" for _ in range(60)) + b"."
    yield "pop-from-nothing.pth", b"\x80\x0200000."
    yield "extension.pth", b"\x80\x02\x82\x01."
    yield "digits.pth", b"L" + b"9" * 100_000 + b"L\n."
    yield "frame.pth", b"\x80\x04\x95" + struct.pack("<Q", 2**63 - 1) + b"N."


def torch_bombs() -> Files:
    sound = torch_file({"weight": torch.zeros(64)})
    claim = torch_file({"head.bias": torch.zeros(1).expand(10**12)})
    yield "claims-10-to-12.pth", claim
    yield "claims-10-to-12-legacy.pth", torch_file({"head.bias": torch.zeros(1).expand(10**12)}, zipped=False)
    yield "half.pth", sound[: len(sound) // 2]
    yield "no-pickle.pth", zip_file({"archive/version": b"3\n"})
    yield "outside.pth", zip_file({"../../evil/data.pkl": b"N.", "../../evil/version": b"3\n"})
    zeros = bytes(300 << 20)
    yield "inflates.pth", zip_file({"archive/data.pkl": zeros, "archive/version": b"3\n"}, deflated=True)
    for member, name in (("/data/0", "storage-inflates.pth"), ("/byteorder", "byteorder-inflates.pth")):
        yield name, replaced(sound, member, zeros[: 40 << 20])
    yield "storage-missing.pth", replaced(sound, "/data/0", b"")
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), script)
    yield "script.pth", script.getvalue()
    yield "not-finite.pth", torch_file({"head.bias": torch.tensor([float("nan")])})
    yield "complex.pth", torch_file({"head.bias": torch.zeros(1, dtype=torch.complex64)})
    yield "sparse-layout.pth", torch_file({"head.bias": torch.zeros(1).to_sparse()})
    yield "no-storage.pth", torch_file({"head.bias": torch.zeros(1, device="meta")})
    yield "screen-codes.pth", torch_file({"\x1b[2J\x1b]0;owned\x07\n": torch.zeros(1)})


def zip_file(members: dict[str, bytes], *, deflated: bool = False) -> bytes:
    file = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def replaced(archive: bytes, ending: str, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    return zip_file({name: content if name.endswith(ending) else old for name, old in members.items()}, deflated=True)


def lying_safetensors() -> Files:
    def tensors(header: bytes, data: bytes = bytes(4)) -> bytes:
        return len(header).to_bytes(8, "little") + header + data

    one = '{"head.bias":{"dtype":"%s","shape":%s,"data_offsets":%s}}'
    yield "empty.safetensors", b""
    yield "header-of-2-to-60.safetensors", (2**60).to_bytes(8, "little") + b"{}"
    yield "header-past-the-end.safetensors", (2**16).to_bytes(8, "little") + b"{}"
    yield "no-json.safetensors", tensors(b"\xff\xfe")
    yield "deep.safetensors", tensors(b"[" * 100_000)
    for number, values in enumerate(
        [
            ("F32", "[1]", "[0,400000000000]"),
            ("F32", "[1]", "[4,0]"),
            ("F32", "[1]", "[-4,0]"),
            ("F32", "[4294967296,4294967296]", "[0,4]"),
            ("F32", "[18446744073709551615,2]", "[0,4]"),
            ("F32", "[-1]", "[0,4]"),
            ("F32", "[2]", "[0,4]"),
            ("F99", "[1]", "[0,4]"),
            ("F32", "[1e400]", "[0,4]"),
            ("C64", "[1]", "[0,8]"),
        ]
    ):
        yield f"lie-{number}.safetensors", tensors((one % values).encode())
    yield (
        "sound-but-named-outside.safetensors",
        tensors(b'{"../../evil":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
    )


def odd_cards() -> Files:
    fields = {
        "up": '"name": "../../evil"',
        "root": '"name": "/evil"',
        "device": '"name": "con.txt"',
        "shell": '"name": "$(touch evil)"',
        "newline": '"name": "evil\\n"',
        "null": '"name": "evil\\u0000"',
        "nan": '"name": "x", "threshold": NaN',
        "infinite": '"name": "x", "preprocessing": {"margin_mm": Infinity}',
        "overflow": '"name": "x", "threshold": 1e999',
        "wide": '"name": "x", "architecture": {"widths": [1000000000, 1000000000]}',
        "digits": '"name": "x", "architecture": {"neighbours": ' + "9" * 5000 + "}",
        "hook": '"name": "x", "hook": "import os"',
        "reduce": '"name": "x", "__reduce__": ["os.system", "touch evil"]',
        "jsonpickle": '"name": "x", "py/object": "os.system"',
        "deep": '"name": "x", "metrics": ' + '{"a": ' * 50_000,
        "unended": '"name": "x", "metrics": {',
        "wrong-kinds": '"name": ["x"], "training": "import os"',
    }
    for name, text in fields.items():
        yield f"card-{name}.json", f"{{{text}}}".encode()
    yield "card-huge.json", b'{"name": "x", "description": "' + b"x" * (8 << 20) + b'"}'
    yield "card-two-names.json", b'{"name": "x", "name": "../../evil"}'
    yield "card-utf16.json", '{"name": "x"}'.encode("utf-16")
