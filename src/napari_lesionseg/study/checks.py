"""What must hold before a mask is kept, or a scan is trusted: each failure is one sentence."""

from __future__ import annotations

from collections.abc import Iterable

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.records import Case
from napari_lesionseg.volumes import Mask


def check_scan(case: Case) -> None:
    """Prove that the case's scan is still the file that was added; reads the whole file.

    Raises
    ------
    LesionsegError
        If it is missing or has changed.
    """
    if not case.scan.is_file():
        raise LesionsegError(f"The scan of case {case.id} is missing; put {case.scan} back where it was.")
    if sha256_of(case.scan) != case.sha256:
        raise LesionsegError(
            f"The scan of case {case.id} is no longer the file that was added; restore {case.scan}, "
            "or add the new file as another case."
        )


def check_grid(case: Case, mask: Mask) -> None:
    """Prove that ``mask`` lies on the grid of the case's scan.

    Raises
    ------
    LesionsegError
        If it does not.
    """
    if not mask.geometry.same_grid(case.geometry):
        raise LesionsegError(
            f"The mask lies on another grid (shape {mask.geometry.shape}) than the scan of case {case.id} "
            f"(shape {case.shape}); use the mask that was drawn on this scan."
        )


def check_slices(case: Case, slices: Iterable[int] | None) -> list[int] | None:
    """Sort display z of corrected slices, each once; None, which means every slice, stays None.

    Raises
    ------
    LesionsegError
        If one is not in the scan.
    """
    if slices is None:
        return None
    wanted, depth = sorted({int(z) for z in slices}), case.geometry.display_shape[0]
    if wanted and (wanted[0] < 0 or wanted[-1] >= depth):
        raise LesionsegError(f"Case {case.id} has slices 0 to {depth - 1}; name only such as corrected.")
    return wanted
