"""Everything that can be saved of a mask: the one door for the panel and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.report_details import Details
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from napari_lesionseg.volumes.export.segments import Segment

ANONYMOUS: Final = "ANONYMOUS"


@dataclass(frozen=True)
class ExportFormat:
    """One format.

    Parameters
    ----------
    title
        For people.
    endings
        Of its file names; the first is proposed.
    needs_dicom
        Whether it refers to DICOM slices, so that only a scan read from DICOM can be saved so.
    heavy
        Whether it loads libraries that the window's process must not load.
    """

    title: str
    endings: tuple[str, ...]
    needs_dicom: bool = False
    heavy: bool = False


FORMATS: Final[dict[str, ExportFormat]] = {
    "nifti": ExportFormat("NIfTI mask", (".nii.gz", ".nii")),
    "nrrd": ExportFormat("NRRD segmentation for 3D Slicer", (".seg.nrrd", ".nrrd"), heavy=True),
    "metaimage": ExportFormat("MetaImage mask", (".mha",), heavy=True),
    "dicom-seg": ExportFormat("DICOM SEG", (".dcm",), needs_dicom=True, heavy=True),
    "rtstruct": ExportFormat("DICOM RTSTRUCT", (".dcm",), needs_dicom=True, heavy=True),
    "csv": ExportFormat("Table of lesions (CSV)", (".csv",)),
    "pdf": ExportFormat("Report of one page (PDF)", (".pdf",), heavy=True),
}


def format_of(path: str | Path) -> str:
    """Tell the format by the ending of a file name; ``.dcm`` is a DICOM SEG.

    Raises
    ------
    LesionsegError
        If no format ends so.
    """
    name = Path(path).name.lower()
    for key, one in FORMATS.items():
        if name.endswith(one.endings):
            return key
    known = ", ".join(ending for one in FORMATS.values() for ending in one.endings)
    raise LesionsegError(f"{path} has an ending of no export format; choose one of {known}.")


def export(
    path: str | Path,
    mask: Mask,
    scan: Volume | None,
    *,
    format: str | None = None,
    lungs: Mask | None = None,
    segments: Sequence[Segment] | None = None,
    pseudonym: str = ANONYMOUS,
    details: Details | None = None,
) -> None:
    """Save a mask, or what can be said of it, in one of :data:`FORMATS`; the file is proved before it has its name.

    Parameters
    ----------
    scan
        The scan the mask was drawn on; a DICOM format and the report need it.
    format
        A key of :data:`FORMATS`; without it, the file's ending tells.
    lungs
        That a person takes for right: for the sides of the lesions, and their share of the lungs in the report. If
        they are not given they are looked for in the scan, for the sides alone.
    segments
        What each label means.
    pseudonym
        What the patient and the case are called in the file; names of the source are never written.

    Raises
    ------
    LesionsegError
        If the format is unknown, does not fit the name or needs what is not there, or the file cannot be written.
    """
    path, key = Path(path), format if format is not None else format_of(path)
    if key not in FORMATS:
        raise LesionsegError(f"There is no export format {key}; choose one of {', '.join(FORMATS)}.")
    if not path.name.lower().endswith(FORMATS[key].endings):
        raise LesionsegError(f"{path} does not end in {' or '.join(FORMATS[key].endings)}; choose such a name.")
    from napari_lesionseg.volumes.export.mask import export_mask, refuse_input

    refuse_input(path, mask, scan, lungs)
    if key not in ("csv", "pdf"):
        export_mask(path, mask, scan, format=key, segments=segments, pseudonym=pseudonym)
        return
    checked, lungs = lungs is not None, lungs if lungs is not None else lungs_of(scan)
    if key == "csv":
        _export_csv(path, mask, scan, lungs, segments, pseudonym)
        return
    from napari_lesionseg.review.report import write_report

    if scan is None:
        raise LesionsegError(f"{path} needs the scan for its pictures; give the scan the mask was drawn on.")
    write_report(
        *(path, mask, scan),
        pseudonym=pseudonym,
        lungs=lungs,
        lungs_checked=checked,
        segments=segments,
        details=details,
    )


def _export_csv(
    path: Path,
    mask: Mask,
    scan: Volume | None,
    lungs: Mask | None,
    segments: Sequence[Segment] | None,
    pseudonym: str,
) -> None:
    from napari_lesionseg.review.lesion_csv import write_lesion_csv
    from napari_lesionseg.review.lesion_table import lesion_table

    rows = lesion_table(mask, scan, lungs)
    names = {segment.label: segment.name for segment in segments or ()}
    write_lesion_csv(path, rows, pseudonym=pseudonym, names=names, lossy=scan is not None and scan.lossy)


def lungs_of(scan: Volume | None) -> Mask | None:
    """Look for the lungs; None where they cannot be told."""
    from napari_lesionseg.inference.whole_lungs import whole_lungs

    if scan is None or scan.intensity != "HU":
        return None
    try:
        return whole_lungs(scan)
    except LesionsegError:
        return None
