"""DICOM headers on their way between the window and its children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lesionseg.volumes.read import read_scan
from napari_lesionseg.widgets.dicom_parcel import pack, unpack
from tests.volumes.dicom.make_series import make_series

if TYPE_CHECKING:
    from pathlib import Path


def test_every_header_arrives_as_it_was(tmp_path: Path) -> None:
    source = read_scan(make_series(tmp_path / "series").folder).dicom
    arrived = unpack(pack(source))
    assert (arrived.series, arrived.frame_of_reference) == (source.series, source.frame_of_reference)
    assert list(arrived.headers) == list(source.headers)
    assert len(arrived.headers) == 6
    assert [header.ImagePositionPatient for header in arrived.headers[1:3]] == [
        header.ImagePositionPatient for header in source.headers[1:3]
    ]
    assert not arrived.multi_frame


def test_a_closed_parcel_is_handed_on_as_it_is(tmp_path: Path) -> None:
    parcel = pack(read_scan(make_series(tmp_path / "series").folder).dicom)
    assert pack(unpack(parcel)) is parcel
