"""Generated slices compressed as scanners and archives do, by GDCM."""

from __future__ import annotations

from pathlib import Path

import gdcm
from pydicom import dcmread, dcmwrite

LOSSLESS = {
    "implicit": gdcm.TransferSyntax.ImplicitVRLittleEndian,
    "explicit": gdcm.TransferSyntax.ExplicitVRLittleEndian,
    "big endian": gdcm.TransferSyntax.ExplicitVRBigEndian,
    "deflated": gdcm.TransferSyntax.DeflatedExplicitVRLittleEndian,
    "RLE": gdcm.TransferSyntax.RLELossless,
    "JPEG lossless": gdcm.TransferSyntax.JPEGLosslessProcess14,
    "JPEG lossless SV1": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG-LS": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG 2000": gdcm.TransferSyntax.JPEG2000Lossless,
}
LOSSY = {
    "JPEG-LS near-lossless": gdcm.TransferSyntax.JPEGLSNearLossless,
    "JPEG 2000 lossy": gdcm.TransferSyntax.JPEG2000,
    "JPEG baseline": gdcm.TransferSyntax.JPEGBaselineProcess1,  # Eight bits a voxel only.
}


def compress(path: Path, syntax: int) -> None:
    """Store the slice in ``path`` in another transfer syntax; the rest of its header stays as it was."""
    header = dcmread(path)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    if syntax in LOSSY.values():
        codec = _codec(syntax)  # GDCM holds no reference of its own.
        change.SetUserCodec(codec)
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(path))
    assert writer.Write()
    packed = dcmread(path)
    header.file_meta.TransferSyntaxUID = packed.file_meta.TransferSyntaxUID
    header.PixelData = packed.PixelData
    header["PixelData"].VR = packed["PixelData"].VR
    header["PixelData"].is_undefined_length = packed.file_meta.TransferSyntaxUID.is_compressed
    little = packed.file_meta.TransferSyntaxUID.is_little_endian
    implicit = packed.file_meta.TransferSyntaxUID.is_implicit_VR
    dcmwrite(path, header, implicit_vr=implicit, little_endian=little, force_encoding=True)


def _codec(syntax: int) -> gdcm.ImageCodec:
    if syntax == gdcm.TransferSyntax.JPEGLSNearLossless:
        codec = gdcm.JPEGLSCodec()
        codec.SetLossless(False)
        codec.SetLossyError(3)
    elif syntax == gdcm.TransferSyntax.JPEG2000:
        codec = gdcm.JPEG2000Codec()
        codec.SetRate(0, 10)
        codec.SetReversible(False)
    else:
        codec = gdcm.JPEGCodec()
        codec.SetLossless(False)
        codec.SetQuality(80)
    return codec
