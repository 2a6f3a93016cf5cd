"""dciodvfy and dcmtk on our DICOM, nifti_tool on our NIfTI: no error, no warning."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydicom import dcmread

from napari_lesionseg.volumes.nifti import write_scan
from tests.peers.cases import PeerCase
from tests.peers.conftest import Judge
from tests.peers.tools import debian_version, program, run

pytestmark = pytest.mark.peers
FORMATS = pytest.mark.parametrize(("format", "title"), [("dicom-seg", "DICOM SEG"), ("rtstruct", "RTSTRUCT")])


@FORMATS
def test_dciodvfy_has_no_complaint(
    judge: Judge,
    version: Callable[[str], None],
    cases: list[PeerCase],
    multi_frame: PeerCase,
    format: str,
    title: str,
) -> None:
    verdict = judge("dciodvfy", title)
    checker = program("dciodvfy", "dicom3tools")
    version(debian_version("dicom3tools"))
    complaints: list[str] = []
    for case in [*cases, multi_frame]:
        said = run(checker, "-new", case.export(format))
        complaints += [line for line in said.lines if line.startswith(("Error", "Warning"))]
        assert any(line.startswith(("Segmentation", "RTStructureSet")) for line in said.lines), (
            said
        )  # It knew the class.
    verdict(_count(complaints, len(cases) + 1), not complaints)


@FORMATS
def test_dcmtk_reads_every_element(
    judge: Judge,
    version: Callable[[str], None],
    cases: list[PeerCase],
    multi_frame: PeerCase,
    format: str,
    title: str,
) -> None:
    verdict = judge("dcmtk (dcmftest, dcmdump, dcm2xml, dcm2json)", title)
    readers = {name: program(name, "dcmtk") for name in ("dcmftest", "dcmdump", "dcm2xml", "dcm2json")}
    version(debian_version("dcmtk"))
    complaints: list[str] = []
    for case in [*cases, multi_frame]:
        said = {name: run(reader, case.export(format)) for name, reader in readers.items()}
        complaints += [line for answer in said.values() for line in _dcmtk_complaints(answer.lines)]
        complaints += [f"{name} ended with {answer.code}" for name, answer in said.items() if answer.code != 0]
        assert said["dcmftest"].out.startswith("yes:")
        modality = {"dicom-seg": "SEG", "rtstruct": "RTSTRUCT"}[format]
        [in_xml] = ElementTree.fromstring(said["dcm2xml"].out).findall("./data-set/element[@tag='0008,0060']")
        in_json = json.loads(said["dcm2json"].out)["00080060"]["Value"]
        assert (in_xml.text, in_json) == (modality, [modality])
    verdict(_count(complaints, len(cases) + 1), not complaints)


def test_dcmtk_puts_scan_and_masks_into_one_dicomdir(
    judge: Judge, version: Callable[[str], None], straight: PeerCase, tmp_path: Path
) -> None:
    verdict = judge("dcmtk (dcmconv, dcmgpdir)", "DICOMDIR of scan, SEG and RTSTRUCT")
    builder, converter = program("dcmgpdir", "dcmtk"), program("dcmconv", "dcmtk")
    version(debian_version("dcmtk"))
    files = [*straight.series.files, straight.export("dicom-seg")]
    names = [f"F{number:07d}" for number in range(len(files) + 1)]  # As a CD may have them.
    for file, name in zip(files, names, strict=False):
        shutil.copy(file, tmp_path / name)
    # A CD wants Explicit VR, where a contour may take 64 kB at most; so our RTSTRUCT is Implicit VR.
    converted = run(converter, "+te", straight.export("rtstruct"), tmp_path / names[-1])
    directory = tmp_path / "DICOMDIR"
    built = run(builder, "+I", "+id", tmp_path, "+D", directory, *names)
    complaints = _dcmtk_complaints(converted.lines + built.lines)
    records = dcmread(directory).DirectoryRecordSequence if directory.exists() else []
    entered = sum("ReferencedFileID" in record for record in records)
    verdict(
        f"{_count(complaints, len(names))}; {entered} of {len(names)} entered",
        not complaints and entered == len(names),
    )


def test_nifti_tool_finds_headers_and_images_good(
    judge: Judge, version: Callable[[str], None], cases: list[PeerCase], tmp_path: Path
) -> None:
    verdict = judge("nifti_tool (-check_hdr, -check_nim)", "NIfTI")
    checker = program("nifti_tool", "nifti-bin")
    version(debian_version("nifti-bin"))
    files = [case.export("nifti") for case in cases]
    for case in cases:
        files.append(tmp_path / f"{case.name}.nii.gz")
        write_scan(files[-1], case.scan)
    good, other = 0, []
    for check in ("-check_hdr", "-check_nim"):
        lines = run(checker, check, "-infiles", *files).lines
        good += sum("IS GOOD" in line for line in lines)
        other += [line for line in lines if "IS GOOD" not in line]
    verdict(
        f"{good} of {2 * len(files)} checks of {len(files)} files good" + (f"; says {other[0]}" if other else ""),
        good == 2 * len(files) and not other,
    )


def _dcmtk_complaints(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith(("E:", "W:", "F:"))]


def _count(complaints: list[str], files: int) -> str:
    if not complaints:
        return f"{files} {'file' if files == 1 else 'files'}: no error, no warning"
    return f"{len(complaints)} complaints, first: {complaints[0].strip()}"
