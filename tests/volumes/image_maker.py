"""Small sound files of every format, the same files damaged, and bombs."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from isal import isal_zlib

SHAPE = (3, 4, 5)
AFFINE = np.diag([-0.75, -0.75, 2.5, 1.0])
VALUES = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)
ENDINGS = (".nii", ".nii.gz", ".2.nii", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd")
_ODD_NUMBERS = (0, 1, -1, 127, 255, 348, 540, 32767, -32768, 2**31 - 1, -(2**31), 1e30, -1e30, 1e-30, np.nan, np.inf)
_ODD_WORDS = (
    "",
    "0",
    "-1",
    "99999999999",
    "1e400",
    "nan",
    "none",
    "(1,0,0)",
    "LOCAL",
    "LIST",
    "../x",
    "/etc/passwd",
    "x" * 5000,
)


def files(ending: str) -> dict[str, bytes]:
    """The files of one sound scan by their endings; the first is the one to open."""
    if ending in (".nii", ".2.nii"):
        return {ending: _nifti(nib.Nifti2Image if ending == ".2.nii" else nib.Nifti1Image)}
    if ending == ".nii.gz":
        return {ending: gzip.compress(_nifti(nib.Nifti1Image))}
    image = sitk.GetImageFromArray(VALUES.T)
    image.SetSpacing((0.75, 0.75, 2.5))
    with tempfile.TemporaryDirectory() as folder:
        if ending == ".hdr":
            nib.Nifti1Pair(VALUES, AFFINE).to_filename(f"{folder}/scan.img")
        else:
            sitk.WriteImage(image, f"{folder}/scan{ending}", useCompression=ending in (".nrrd", ".mha"))
        found = {path.name.removeprefix("scan"): path.read_bytes() for path in Path(folder).iterdir()}
    return {ending: found.pop(ending), **found}


def _nifti(kind: type) -> bytes:
    return kind(VALUES, AFFINE, dtype=VALUES.dtype).to_bytes()


def put(folder: Path, parts: dict[str, bytes]) -> Path:
    """Write the files of a scan, and return the one to open."""
    for ending, content in parts.items():
        (folder / f"scan{ending}").write_bytes(content)
    return folder / f"scan{next(iter(parts))}"


def mutate(raw: bytes, ending: str, rng: np.random.Generator) -> bytes:
    """Damage the header: bytes, numbers, words or its length."""
    zipped = ending == ".nii.gz"
    data = bytearray(gzip.decompress(raw) if zipped else raw)
    text = ending not in (".nii", ".nii.gz", ".2.nii", ".hdr")
    for _ in range(int(rng.choice([1, 1, 1, 2, 2, 3, 6]))):
        data = _mutate_text(data, rng) if text and rng.random() < 0.6 else _mutate_bytes(data, rng)
    return gzip.compress(bytes(data), 1) if zipped else bytes(data)


def _mutate_bytes(data: bytearray, rng: np.random.Generator) -> bytearray:
    end = max(1, min(len(data), 540))
    place = int(rng.integers(0, end))
    how = int(rng.choice(6, p=[0.25, 0.2, 0.4, 0.05, 0.05, 0.05]))
    if how == 0:
        data[place : place + 1] = rng.bytes(1)
    elif how == 1:
        data[place : place + 8] = rng.bytes(8)
    elif how == 2:
        number = _ODD_NUMBERS[int(rng.integers(len(_ODD_NUMBERS)))]
        dtype = str(rng.choice(["<i2", "<f4", ">f4", "<i4", "<i8", "<f8"]))
        with np.errstate(all="ignore"):
            value = np.array([number], "f8").astype(dtype).tobytes()
        place = place // len(value) * len(value)
        data[place : place + len(value)] = value
    elif how == 3:
        del data[place : place + int(rng.integers(1, 30))]
    elif how == 4:
        data[place:place] = rng.bytes(int(rng.integers(1, 30)))
    else:
        del data[int(rng.integers(0, len(data) + 1)) :]
    return data


def _mutate_text(data: bytearray, rng: np.random.Generator) -> bytearray:
    lines = bytes(data[:2000]).split(b"\n")
    at = int(rng.integers(0, max(1, min(len(lines), 16))))
    word = _ODD_WORDS[int(rng.integers(len(_ODD_WORDS)))].encode()
    separator = b":" if b":" in lines[at] else b"="
    name, _, value = lines[at].partition(separator)
    how = rng.integers(5)
    if how == 0:
        lines[at] = name + separator + b" " + word
    elif how == 1:
        words = value.split() or [b""]
        words[int(rng.integers(len(words)))] = word
        lines[at] = name + separator + b" " + b" ".join(words)
    elif how == 2:
        del lines[at]
    elif how == 3:
        lines.insert(at, lines[int(rng.integers(len(lines)))])
    else:
        lines[at] = word + separator + value
    return bytearray(b"\n".join(lines) + bytes(data[2000:]))


def bomb(ending: str, rng: np.random.Generator) -> dict[str, bytes]:
    """A small file that declares, or inflates to, far more than it is."""
    side = int(10 ** rng.uniform(2, 3.3))
    shape = (side, side, int(10 ** rng.uniform(2, 3.5)))
    honest = bool(rng.random() < 0.5)  # The stream really inflates to hundreds of megabytes of zeros, or is short.
    dtype = np.dtype(rng.choice(["u1", "i2", "i4", "f8"]) if ending in (".nii", ".nii.gz", ".hdr") else "u1")
    declared = int(np.prod(shape)) * dtype.itemsize if honest else 1000
    zeros = _zipped_zeros(min(declared, int(rng.integers(64, 700)) << 20), zlib_only=ending == ".mha")
    if ending in (".nii", ".nii.gz", ".hdr"):
        header = nib.Nifti1Header()
        header.set_data_dtype(dtype)
        header.set_data_shape(shape)
        header.set_sform(AFFINE, 1)
        header.set_qform(AFFINE, 1)
        header["magic"], header["vox_offset"] = (b"ni1", 0) if ending == ".hdr" else (b"n+1", 352)
        if rng.random() < 0.2:
            header["scl_slope"] = 0.5
        if rng.random() < 0.3:
            header["vox_offset"] = float(rng.choice([1 << 20, 1 << 26, 1 << 29]))
        raw = header.binaryblock + bytes(0 if ending == ".hdr" else 4)
        if ending == ".hdr":
            return {".hdr": raw, ".img.gz": zeros}
        return {ending: raw + bytes(500) if ending == ".nii" else gzip.compress(raw) + zeros}
    sizes = " ".join(str(side) for side in shape)
    if ending == ".nrrd":
        text = f"NRRD0004\ntype: uchar\ndimension: 3\nspace: LPS\nsizes: {sizes}\n"
        text += "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: gzip\n"
        text += f"byte skip: {rng.choice([0, 0, 1 << 26, 1 << 30])}\n\n"
        return {ending: text.encode() + zeros}
    text = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = True\nDimSize = {sizes}\n"
    text += "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 1\n"
    return {ending: (text + "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n").encode() + zeros}


def _zipped_zeros(count: int, *, zlib_only: bool) -> bytes:
    """``count`` zeros as gzip or zlib; the deflated megabyte is repeated, since making it takes long."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(1 << 20)
    megabyte = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = megabyte * (count >> 20) + packer.compress(bytes(count % len(block))) + packer.flush()
    check = 1 if zlib_only else 0
    sizes = [len(block)] * (count >> 20) + [count % len(block)]
    for size in sizes:
        check = (isal_zlib.adler32 if zlib_only else isal_zlib.crc32)(block[:size], check)
    if zlib_only:
        return b"\x78\x9c" + stream + check.to_bytes(4, "big")
    return b"\x1f\x8b\x08" + bytes(7) + stream + check.to_bytes(4, "little") + (count % 2**32).to_bytes(4, "little")
