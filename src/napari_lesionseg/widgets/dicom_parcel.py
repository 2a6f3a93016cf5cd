"""The DICOM slices behind a scan, packed to travel between the window and its children.

The window carries the parcel closed: opening it takes pydicom, which its process does not load.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.dicom.source import DicomSource

if TYPE_CHECKING:
    from pydicom import Dataset

Parcel = npt.NDArray[np.uint8]


class ClosedHeaders(Sequence["Dataset"]):
    """Headers that are read from their parcel when somebody asks for one."""

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel

    @cached_property
    def _headers(self) -> tuple[Dataset, ...]:
        return tuple(_header_of(base64.b64decode(packed)) for packed in _contents(self.parcel)["headers"])

    def __len__(self) -> int:
        return len(self._headers)

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self._headers)

    @overload
    def __getitem__(self, index: int) -> Dataset: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Dataset, ...]: ...

    def __getitem__(self, index: int | slice) -> Dataset | tuple[Dataset, ...]:
        return self._headers[index]


def pack(source: DicomSource) -> Parcel:
    """Pack the slices a scan was stacked from into bytes."""
    headers: object = source.headers
    if isinstance(headers, ClosedHeaders):
        return headers.parcel
    packed = [base64.b64encode(_bytes_of(header)).decode() for header in source.headers]
    contents = {"series": source.series, "frame": source.frame_of_reference, "headers": packed}
    return np.frombuffer(json.dumps(contents).encode(), np.uint8)


def unpack(parcel: Parcel) -> DicomSource:
    """Give the source in a parcel; its headers stay closed until they are looked at."""
    contents = _contents(parcel)
    headers = cast("tuple[Dataset, ...]", ClosedHeaders(parcel))
    return DicomSource(headers, contents["series"], contents["frame"])


def _contents(parcel: Parcel) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads(parcel.tobytes())
    return contents


def _bytes_of(header: Dataset) -> bytes:
    from pydicom import Dataset, dcmwrite

    buffer = BytesIO()
    # A copy has no transfer syntax: the header is written in ours, whatever its file was written in.
    dcmwrite(buffer, Dataset(header), implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def _header_of(data: bytes) -> Dataset:
    from pydicom.filereader import read_dataset

    return read_dataset(BytesIO(data), is_implicit_VR=False, is_little_endian=True)
