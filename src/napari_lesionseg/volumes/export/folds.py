"""Cross-validation folds by patient: no patient is ever on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

FOLDS: Final = 5


def patient_folds(patients: Mapping[str, str]) -> list[dict[str, list[str]]]:
    """Make nnU-Net's five folds.

    Parameters
    ----------
    patients
        The patient of each case, by case.

    Returns
    -------
    list
        For each fold the cases to train on and the cases to validate on (``"train"``, ``"val"``). Patients with many
        cases are dealt out first, each to the group with the fewest cases. With fewer than five patients a group
        serves several folds, for nnU-Net would fill in missing folds by a split of its own that may part a
        patient. Empty for a single patient, who cannot be on two sides.
    """
    counts = Counter(patients.values())
    groups = min(FOLDS, len(counts))
    if groups < 2:
        return []
    sizes, group_of = [0] * groups, {}
    for patient, count in counts.most_common():  # Of equals the first in the order of the cases.
        group_of[patient] = group = sizes.index(min(sizes))
        sizes[group] += count
    return [
        {
            "train": [case for case, patient in patients.items() if group_of[patient] != fold % groups],
            "val": [case for case, patient in patients.items() if group_of[patient] == fold % groups],
        }
        for fold in range(FOLDS)
    ]
