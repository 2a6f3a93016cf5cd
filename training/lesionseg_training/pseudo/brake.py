"""When a round of pseudo-labels is not learned from: prevalence and precision, before any step is taken."""

from __future__ import annotations

from dataclasses import dataclass

PREVALENCE = (0.5, 2.0)
PRECISION = 0.80


@dataclass(frozen=True)
class Prevalence:
    """How common lesion is.

    Parameters
    ----------
    lesion_slices, slices
        Slices with lesion, and all that are learned from.
    lesion_ml, scans
        Volume of lesion in all scans, and their number.
    """

    lesion_slices: int
    slices: int
    lesion_ml: float
    scans: int

    @property
    def of_slices(self) -> float:
        """Share of the slices that hold lesion."""
        return self.lesion_slices / self.slices if self.slices else 0.0

    @property
    def ml_a_scan(self) -> float:
        """Mean volume of lesion."""
        return self.lesion_ml / self.scans if self.scans else 0.0


def reasons_to_stop(pseudo: Prevalence, labelled: Prevalence, precision: float) -> list[str]:
    """Say why a round is not to be learned from, each reason a sentence; none if it may be.

    Parameters
    ----------
    precision
        Of the believed lesion voxels of calibration patients, the share that is lesion.
    """
    reasons = []
    pairs = (
        ("of the slices hold lesion", "{:.0%}", pseudo.of_slices, labelled.of_slices),
        ("ml of lesion are in a scan", "{:.1f}", pseudo.ml_a_scan, labelled.ml_a_scan),
    )
    for what, form, found, known in pairs:
        low, high = (factor * known for factor in PREVALENCE)
        if not low <= found <= high:
            reasons.append(f"By the pseudo-labels {form.format(found)} {what}, by the truth {form.format(known)}.")
    if precision < PRECISION:
        reasons.append(
            f"Of what is believed on calibration patients {precision:.0%} is lesion, less than {PRECISION:.0%}."
        )
    return reasons
