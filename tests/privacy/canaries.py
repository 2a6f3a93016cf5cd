"""Scans, masks and folders in which every place that may name somebody names a canary."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.phantom import PhantomCase
from tests.volumes.dicom.make_series import make_series

# UIDs are not among them: a DICOM SEG or RTSTRUCT has to name the series and slices it lies on (PS3.3 C.12.1, C.8.8.5).
TEXTS = (
    "PatientID", "OtherPatientNames", "PatientAddress", "PatientBirthName", "PatientMotherBirthName", "PatientComments",
    "PatientTelephoneNumbers", "EthnicGroup", "Occupation", "MilitaryRank", "IssuerOfPatientID",
    "AdditionalPatientHistory",
    "MedicalRecordLocator", "CountryOfResidence", "CurrentPatientLocation", "AdmissionID",
    "StudyDescription", "SeriesDescription", "ProtocolName", "AccessionNumber", "StudyID", "ImageComments",
    "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "NameOfPhysiciansReadingStudy",
    "RequestingPhysician", "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName",
    "Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "ConvolutionKernel",
    "RequestedProcedureDescription", "PerformedProcedureStepID", "PerformedProcedureStepDescription",
    "ClinicalTrialSubjectID", "ClinicalTrialSponsorName", "ContrastBolusAgent", "PatientState",
    "ScheduledStudyLocation",
)  # fmt: skip
DATES = ("PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate")
NAMES = {"OtherPatientNames", "PatientBirthName", "PatientMotherBirthName"}


@dataclass
class Canaries:
    """All tokens: what stands in headers, and what stands in names of files and folders; ``{token: place}``."""

    headers: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def text(self, place: str) -> str:
        """A new token of 10 capital letters and digits, for a header."""
        token = f"QZ{len(self.headers):03d}CNRYX"
        self.headers[token] = place
        return token

    def day(self, place: str) -> str:
        """A new date as DICOM writes it."""
        token = f"1871{len(self.headers) % 12 + 1:02d}{len(self.headers) % 28 + 1:02d}"
        assert token not in self.headers
        self.headers[token] = place
        return token

    def name(self, place: str) -> str:
        """A new token for the name of a file or folder."""
        token = f"QZ{len(self.paths):03d}PATHX"
        self.paths[token] = place
        return token

    @property
    def all(self) -> dict[str, str]:
        """Every token and its place."""
        return self.headers | self.paths


def spellings(token: str) -> list[bytes]:
    """A token in all the ways a file may hold it, in small letters."""
    texts = [token]
    if token.isdecimal():
        day = date(int(token[:4]), int(token[4:6]), int(token[6:]))
        texts += [f"{day:{form}}" for form in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%Y:%m:%d")]
    forms = [text.lower().encode(code) for text in texts for code in ("utf-8", "utf-16-le", "utf-16-be")]
    spelt = [text.encode(code) for text in (token, token.lower()) for code in ("utf-8", "utf-16-le")]
    return forms + [one.hex().encode() for one in spelt]


def plant_dicom(folder: Path, case: PhantomCase, canaries: Canaries) -> Path:
    """Write the case as a DICOM series in which every tag that may name somebody does."""
    texts = {keyword: canaries.text(f"DICOM {keyword}") for keyword in TEXTS}
    days = {keyword: canaries.day(f"DICOM {keyword}") for keyword in DATES}
    family, given = canaries.text("DICOM PatientName, family"), canaries.text("DICOM PatientName, given")
    private = [canaries.text(f"DICOM private {what}") for what in ("creator", "text", "bytes", "sequence")]
    nested = [
        canaries.text(f"DICOM nested {what}") for what in ("OtherPatientIDsSequence", "RequestAttributesSequence")
    ]
    meta = [
        canaries.text(f"DICOM {what}") for what in ("SourceApplicationEntityTitle", "PrivateInformation", "preamble")
    ]

    def edit(header: Dataset, _: int) -> None:
        for keyword, token in (texts | days).items():
            setattr(header, keyword, f"{token}^X" if keyword in NAMES else token)
        header.PatientName = f"{family}^{given}"
        other, request = Dataset(), Dataset()
        other.PatientID, request.RequestedProcedureID = nested
        header.OtherPatientIDsSequence, header.RequestAttributesSequence = Sequence([other]), Sequence([request])
        block = header.private_block(0x0029, private[0], create=True)
        inner = Dataset()
        inner.PatientComments = private[3]
        block.add_new(0x10, "LO", private[1])
        block.add_new(0x11, "OB", private[2].encode())
        header.add(DataElement((0x0029, 0x1012), "SQ", Sequence([inner])))
        header.file_meta.SourceApplicationEntityTitle = meta[0]
        header.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
        header.file_meta.PrivateInformation = meta[1].encode()
        header.preamble = meta[2].encode().ljust(128, b"\0")

    z, y, x = case.scan.geometry.spacing
    made = make_series(folder, np.maximum(case.scan.array, -1024), spacing=(z, y, x), origin=(0.0, 0.0, 0.0), edit=edit)
    for number, file in enumerate(made.files):
        file.rename(file.with_name(f"{canaries.name('file name of a slice') if number == 0 else 'slice'}-{number}.dcm"))
    return folder


def plant_nifti(path: Path, volume: Volume | Mask, canaries: Canaries) -> Path:
    """Write a NIfTI file whose header and extensions name somebody."""
    image = nib.Nifti1Image(volume.geometry.to_stored(volume.array), volume.geometry.affine)
    image.header.set_sform(volume.geometry.affine, 1)
    image.header.set_qform(volume.geometry.affine, 1)
    image.header.set_xyzt_units("mm")
    for name in ("descrip", "aux_file", "db_name", "intent_name"):
        image.header[name] = canaries.text(f"NIfTI {name}").encode()
    comment = Dataset()
    comment.PatientName = canaries.text("NIfTI extension, DICOM")
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", canaries.text("NIfTI extension").encode()))
    image.header.extensions.append(nib.nifti1.Nifti1DicomExtension(2, comment))
    data = bytearray(image.to_bytes())
    data[4:14] = canaries.text("NIfTI data_type").encode()[:10]
    path.parent.mkdir(parents=True, exist_ok=True)
    name = canaries.text("file name in the gzip header")
    with open(path, "wb") as file, gzip.GzipFile(name, "wb", fileobj=file) as packed:
        packed.write(data)
    return path


def plant_nrrd(path: Path, volume: Volume | Mask, canaries: Canaries) -> Path:
    """Write an NRRD file whose comments, fields and keys name somebody."""
    stored, affine = volume.geometry.to_stored(volume.array), volume.geometry.affine
    columns = " ".join(f"({','.join(map(str, column))})" for column in affine[:3, :3].T)
    kind = "short" if stored.dtype == np.int16 else "uint8"
    comment, content, key, value, segment = (
        canaries.text(f"NRRD {place}") for place in ("comment", "content", "key", "value", "segment name")
    )
    lines = (
        "NRRD0005", f"# {comment}", f"type: {kind}", "dimension: 3", "space: right-anterior-superior",
        f"sizes: {' '.join(map(str, stored.shape))}", f"space directions: {columns}", "kinds: domain domain domain",
        "endian: little", "encoding: raw", f"space origin: ({','.join(map(str, affine[:3, 3]))})",
        f"content: {content}", f"{key}:={value}", f"Segment0_Name:={segment}", "Segment0_LabelValue:=1", "", "",
    )  # fmt: skip
    path.write_bytes("\n".join(lines).encode() + stored.tobytes(order="F"))
    return path


def plant_metaimage(path: Path, scan: Volume, canaries: Canaries) -> Path:
    """Write a MetaImage file with a comment and a name."""
    stored, affine = scan.geometry.to_stored(scan.array), np.diag([-1.0, -1.0, 1.0, 1.0]) @ scan.geometry.affine
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    lines = {
        "ObjectType": "Image", "NDims": "3", "Comment": canaries.text("MetaImage comment"),
        "BinaryData": "True", "BinaryDataByteOrderMSB": "False", "CompressedData": "False",
        "TransformMatrix": " ".join(map(str, (affine[:3, :3] / sides).T.ravel())),
        "Offset": " ".join(map(str, affine[:3, 3])), "ElementSpacing": " ".join(map(str, sides)),
        "DimSize": " ".join(map(str, stored.shape)), "PatientName": canaries.text("MetaImage key"),
        "ElementType": "MET_SHORT", "ElementDataFile": "LOCAL",
    }  # fmt: skip
    text = "".join(f"{key} = {value}\n" for key, value in lines.items())
    path.write_bytes(text.encode() + stored.tobytes(order="F"))
    return path


def plant_seg(path: Path, source: Path, canaries: Canaries) -> Path:
    """Copy a DICOM SEG, naming somebody as its creator, its contents and its segment."""
    from pydicom import dcmread

    seg = dcmread(source)
    seg.ContentCreatorName = canaries.text("DICOM SEG ContentCreatorName")
    seg.ContentDescription = canaries.text("DICOM SEG ContentDescription")
    seg.PatientName = canaries.text("DICOM SEG PatientName")
    for segment in seg.SegmentSequence:
        segment.SegmentLabel = canaries.text("DICOM SEG SegmentLabel")
        segment.SegmentDescription = canaries.text("DICOM SEG SegmentDescription")
    seg.save_as(path)
    return path
