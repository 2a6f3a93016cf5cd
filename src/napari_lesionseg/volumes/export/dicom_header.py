"""What DICOM masks have in common: the slices they refer to, and headers that hold nothing of the patient."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.planes import Placement, Plane, source_slices
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from pydicom import Dataset

    from napari_lesionseg.volumes.dicom.source import DicomSource

MAKER: Final = "napari-lesionseg"
ANONYMOUS: Final = "ANONYMOUS"
_KEPT = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality")
IDENTITY_REMOVED: Final = {
    "PatientIdentityRemoved": "YES",
    "DeidentificationMethod": "Header made anew, without any identity or date of the source",
    "LongitudinalTemporalInformationModified": "REMOVED",
}
_GROUPS: Final = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
}
_KEPT_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


@dataclass(frozen=True, eq=False)
class ReferredScan:
    """A scan with the slices that a DICOM mask refers to, in the order of its headers and frames."""

    scan: Volume
    source: DicomSource
    slices: list[tuple[Plane, Placement]]

    def frames(self, mask: Mask) -> npt.NDArray[Any]:
        """The mask as (slices, rows, columns) of the source."""
        stored = mask.geometry.to_stored(mask.array)
        return np.stack([placement.view(stored, plane.shape) for plane, placement in self.slices])

    @property
    def study(self) -> str:
        """Study instance UID."""
        return str(self.source.headers[0].StudyInstanceUID)


def refer_to(scan: Volume, mask: Mask, kind: str) -> ReferredScan:
    """Find the slices that a mask drawn on ``scan`` refers to.

    Raises
    ------
    LesionsegError
        If the scan was not read from DICOM, was resampled, has no frame of reference, or has another grid than the
        mask.
    """
    if scan.dicom is None:
        raise LesionsegError(
            f"{kind} refers to DICOM slices, and {scan.source or 'the scan'} is no DICOM; "
            "import the DICOM series and draw on that, or export NIfTI or NRRD."
        )
    if not mask.geometry.same_grid(scan.geometry):
        raise LesionsegError(
            f"The mask lies on another grid than {scan.source or 'the scan'}; open it on its own scan."
        )
    if not scan.dicom.frame_of_reference:
        raise LesionsegError(
            f"{scan.source or 'The series'} has no frame of reference, so {kind} cannot refer to it; export NIfTI."
        )
    return ReferredScan(scan, scan.dicom, source_slices(scan.dicom, scan.geometry))


def fresh_headers(referred: ReferredScan, pseudonym: str) -> list[Dataset]:
    """Headers of the source's images with their UIDs and geometry, and nothing else of them."""
    headers = []
    for header in referred.source.headers:
        fresh = _copied(header, _KEPT)
        fresh.FrameOfReferenceUID = referred.source.frame_of_reference
        fresh.update(
            _functional_groups(header, referred) if referred.source.multi_frame else _image_plane(header, referred)
        )
        fresh.update(patient(pseudonym))
        if referred.scan.lossy:
            fresh.update(_copied(header, _KEPT_LOSSY))
            fresh.LossyImageCompression = "01"
        headers.append(fresh)
    return headers


def patient(pseudonym: str) -> Dataset:
    """The patient and study modules (PS3.3 C.7.1.1, C.7.2.1) of a person nobody can name.

    The study date is a dummy and says so: an empty one cannot be listed in a DICOMDIR, the true one may name a person,
    and today's would be taken for true.
    """
    from pydicom import Dataset

    module = Dataset()
    # The caret says that one component is meant, and not that the given name was forgotten (PS3.5 6.2.1.1).
    module.PatientName = pseudonym if "^" in pseudonym else f"{pseudonym}^"
    module.PatientID = pseudonym
    module.PatientBirthDate = module.PatientSex = module.AccessionNumber = module.ReferringPhysicianName = ""
    module.StudyID, module.StudyDate, module.StudyTime = "1", "19000101", "000000"
    for name, value in IDENTITY_REMOVED.items():
        setattr(module, name, value)
    return module


def software_version() -> str:
    """The version that files name as their maker's."""
    return version(MAKER)


def _image_plane(header: Dataset, referred: ReferredScan) -> Dataset:
    """Position, orientation and spacing of one slice (PS3.3 C.7.6.2), with one orientation for all of them."""
    first = referred.source.headers[0]
    fresh = _copied(header, ("Rows", "Columns", "ImagePositionPatient", "SliceThickness"))
    fresh.update(_copied(first, ("ImageOrientationPatient", "PixelSpacing")))
    fresh.update(_thickness(fresh, referred))
    return fresh


def _functional_groups(header: Dataset, referred: ReferredScan) -> Dataset:
    """Position, orientation and spacing of the frames of a multi-frame image (PS3.3 C.7.6.16)."""
    from pydicom import Dataset

    def group(frame: Dataset, name: str) -> Dataset:
        holder = frame if name in frame else header.SharedFunctionalGroupsSequence[0]
        return _copied(holder[name].value[0], _GROUPS[name])

    frames = header.PerFrameFunctionalGroupsSequence
    fresh, shared = _copied(header, ("Rows", "Columns", "NumberOfFrames")), Dataset()
    shared.PlaneOrientationSequence = [group(frames[0], "PlaneOrientationSequence")]
    measures = group(frames[0], "PixelMeasuresSequence")
    measures.update(_thickness(measures, referred))
    shared.PixelMeasuresSequence = [measures]
    fresh.SharedFunctionalGroupsSequence = [shared]
    fresh.PerFrameFunctionalGroupsSequence = []
    for frame in frames:
        item = Dataset()
        item.PlanePositionSequence = [group(frame, "PlanePositionSequence")]
        fresh.PerFrameFunctionalGroupsSequence.append(item)
    return fresh


def _thickness(header: Dataset, referred: ReferredScan) -> Dataset:
    """Thickness of the slices, where the source has none their distance, and their distance."""
    from pydicom import Dataset
    from pydicom.valuerep import format_number_as_ds

    across = referred.slices[0][1].across
    distance = format_number_as_ds(float(np.linalg.norm(referred.scan.geometry.affine[:3, across])))
    measures = Dataset()
    measures.SliceThickness = header.get("SliceThickness") or distance
    measures.SpacingBetweenSlices = distance
    return measures


def _copied(header: Dataset, names: tuple[str, ...]) -> Dataset:
    from pydicom import Dataset

    fresh = Dataset()
    for name in names:
        if name in header:
            fresh[name] = header[name]
    return fresh
