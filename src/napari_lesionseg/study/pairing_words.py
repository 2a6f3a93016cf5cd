"""What the words in a file's name say: that it is a scan or a mask, of lesions or of something else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SCAN_WORDS: Final = frozenset((
    "ct", "image", "images", "img", "imgs", "scan", "scans", "volume", "volumes", "vol", "vols",
))  # fmt: skip
MASK_WORDS: Final = frozenset((
    "seg", "segs", "segmentation", "segmentations", "mask", "masks", "label", "labels", "gt", "truth",
    "groundtruth", "ground", "annotation", "annotations", "annot", "manual", "roi", "rois",
))  # fmt: skip
LESION_WORDS: Final = frozenset((
    "lesion", "lesions", "infection", "infections", "infiltrate", "infiltrates", "ggo", "consolidation",
    "consolidations", "tumor", "tumors", "tumour", "tumours", "gtv", "nodule", "nodules",
))  # fmt: skip
OTHER_WORDS: Final = frozenset((
    "lung", "lungs", "lobe", "lobes", "airway", "airways", "vessel", "vessels", "heart", "body", "trachea", "liver",
    "bone", "bones", "spine", "organ", "organs", "thorax",
))  # fmt: skip
GUESS_WORDS: Final = frozenset((
    "pred", "preds", "predicted", "prediction", "predictions", "prob", "probs", "probability", "softmax",
))  # fmt: skip
NOT_CT_WORDS: Final = frozenset((
    "pet", "suv", "mr", "mri",
))  # fmt: skip
_ENDINGS: Final = (
    ".nii.gz", ".hdr.gz", ".img.gz", ".seg.nrrd", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img",
)  # fmt: skip
_WORD = re.compile(r"[A-Z]{2,}(?![a-z]{2})|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")  # CTMask, GTVp, imagesTr
_CHANNEL = re.compile(r"_(\d{4})$")  # nnU-Net: _0000 is the first channel.


@dataclass(frozen=True)
class Name:
    """The words of a file's path below the source.

    Parameters
    ----------
    folder, stem
        What tells it from others: the words of folders and file that do not say what kind of file it is.
    stem_words, folder_words
        All words of the file and of its folders, in small letters.
    says
        ``"scan"``, ``"mask"`` or nothing: the last word of the file that tells, else the nearest folder that names one.
    channel
        nnU-Net's channel, None if the name ends otherwise.
    """

    folder: tuple[str, ...]
    stem: tuple[str, ...]
    stem_words: frozenset[str]
    folder_words: frozenset[str]
    says: str
    channel: int | None

    @classmethod
    def of(cls, path: Path) -> Name:
        """Take the name of a path relative to its source apart."""
        name = stem_of(path.name)
        channel = _CHANNEL.search(name)
        stem = words_in(name)
        folders = [words_in(part) for part in path.parts[:-1]]
        return cls(
            tuple(word for words in folders for word in _telling(words)),
            _telling(stem),
            frozenset(stem),
            frozenset().union(*folders),
            _says(stem, folders),
            int(channel[1]) if channel else None,
        )

    @property
    def stem_without_channel(self) -> tuple[str, ...]:
        """The stem as nnU-Net's labels have it."""
        return self.stem[:-1] if self.channel is not None else self.stem


def stem_of(name: str) -> str:
    """A file's name without the ending of its format."""
    ending = next((end for end in _ENDINGS if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)] if ending else name


def words_in(text: str) -> tuple[str, ...]:
    """``"imagesTr"`` → images, tr; ``"P01_ct-2"`` → p, 01, ct, 2."""
    return tuple(word.lower() for word in _WORD.findall(text))


def _says(stem: tuple[str, ...], folders: list[tuple[str, ...]]) -> str:
    if own := _kinds(stem):
        return own[-1]
    for words in reversed(folders):
        if len(kinds := set(_kinds(words))) == 1:  # "CT-Seg_20cases" names both, so neither.
            return kinds.pop()
    return ""


def _kinds(words: tuple[str, ...]) -> list[str]:
    return ["scan" if word in SCAN_WORDS else "mask" for word in words if word in SCAN_WORDS | MASK_WORDS]


def _telling(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in SCAN_WORDS | MASK_WORDS | LESION_WORDS | OTHER_WORDS)
