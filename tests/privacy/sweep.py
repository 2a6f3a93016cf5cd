"""Look for tokens in files as a curious person would: unpacked, inflated, in every spelling, and in their names."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.privacy.canaries import spellings

_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
Found = list[tuple[str, str]]


def search_folder(
    folder: Path, tokens: Mapping[str, str], pdf_text: Callable[[bytes], list[str]], spared: Iterable[str] = ()
) -> tuple[int, Found]:
    """How many files there are, and (file, place the token was planted in) of each find; ``spared`` are left out."""
    found: Found = []
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in set(spared)]
    for path in sorted(folder.rglob("*")):
        found += [(str(path), place) for place in search(str(path.relative_to(folder)).encode(), tokens)]
    for path in files:
        data = path.read_bytes()
        texts = [*unpacked(data), *(["".join(pdf_text(data)).encode()] if path.suffix == ".pdf" else [])]
        found += [(str(path), place) for text in texts for place in search(text, tokens)]
    return len(files), found


def search(data: bytes, tokens: Mapping[str, str]) -> list[str]:
    """Where the tokens in ``data`` had been planted."""
    small = data.lower()
    by_start = _spelt(tuple(tokens))
    near = [spelt for start, spelt in by_start.items() if start in small]  # All tokens begin alike: most data has none.
    return sorted({tokens[token] for spelt in near for spelling, token in spelt if spelling in small})


@cache
def _spelt(tokens: tuple[str, ...]) -> dict[bytes, list[tuple[bytes, str]]]:
    """All spellings with their tokens, by their first bytes."""
    by_start: dict[bytes, list[tuple[bytes, str]]] = {}
    for token in tokens:
        for spelling in spellings(token):
            by_start.setdefault(spelling[:6], []).append((spelling, token))
    return by_start


def unpacked(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """The bytes, and whatever is packed in them: gzip, zlib (PDF, PNG), zip."""
    yield data
    if depth == 0:
        return
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            for name in members.namelist():
                yield name.encode()
                yield from unpacked(members.read(name), depth - 1)
    for place in _PACKED.finditer(data):
        if inner := _inflate(data[place.start() :]):
            yield from unpacked(inner, depth - 1)


def _inflate(data: bytes) -> bytes:
    engine = zlib.decompressobj(47)  # gzip or zlib, by its first bytes.
    try:
        return engine.decompress(data)
    except zlib.error:
        return b""
