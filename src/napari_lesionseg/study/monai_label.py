"""MONAI Label's datastore as a source: ``datastore_v2.json``, and the images and labels it names.

Layout as in MONAI Label 0.8 (``monailabel/datastore/local.py``, ``LocalDatastoreModel``)::

    datastore_v2.json              {"name", "description", "images_dir": ".", "labels_dir": "labels", "objects":
      scan.nii.gz                   {"scan": {"image": {"ext": ".nii.gz", "info": {…}},
      labels/final/scan.nii.gz       "labels": {"final": {"ext", "info": {"ts", "checksum", "name", "client_id" …}},
      labels/original/scan.nii.gz               "original": {…}}}}}

The server writes ``client_id`` with a label that somebody submitted, and none for a file that it found in the folder.
The reviewer's plug-in for 3D Slicer adds the tags ``version_1``, ``version_2`` … and who approved each.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.found import Found, FoundMask, FoundScan, LeftOut
from napari_lesionseg.study.records import Role
from napari_lesionseg.study.source_json import mapping, read_object, text

FILE: Final = "datastore_v2.json"
_VERSION = re.compile(r"version_\d+")
_SHA256: Final = "SHA256:"


def find_in_datastore(path: Path) -> Found:
    """Offer each image of a datastore with its labels: original as a prediction, final and reviewed ones as drawn.

    A final label that somebody submitted, and every reviewed version, is a correction, in the order of time; a final
    label that lay in the folder when the server began is the truth.

    Parameters
    ----------
    path
        The ``datastore_v2.json``.

    Raises
    ------
    LesionsegError
        If the file is no datastore.
    """
    store = read_object(path, "a datastore of MONAI Label")
    objects = store.get("objects")
    if not isinstance(objects, dict):
        raise LesionsegError(f"{path} is not a datastore of MONAI Label, version 2 (no objects); choose another.")
    folders = [_inside(path.parent, text(store.get(key, usual))) for key, usual in _FOLDERS]
    if None in folders:
        raise LesionsegError(f"{path} names folders that lie outside of {path.parent}; put the data back into it.")
    images, labels = (folder or path.parent for folder in folders)
    scans: list[FoundScan] = []
    left_out: list[LeftOut] = []
    for name, one in objects.items():
        image = mapping(mapping(one).get("image"))
        scan = _file(images, name, image)
        if scan is None or (problem := _problem(scan, image)):
            left_out.append(LeftOut(scan or path, problem if scan else f"names an image outside of it: {name!r}"))
            continue
        masks = _masks(labels, name, mapping(mapping(one).get("labels")), left_out)
        scans.append(FoundScan(scan, tuple(masks)))
    return Found(tuple(scans), tuple(left_out))


_FOLDERS: Final = (("images_dir", "."), ("labels_dir", "labels"))


def _masks(labels: Path, name: str, tags: dict[str, Any], left_out: list[LeftOut]) -> list[FoundMask]:
    """The labels of an image, oldest first; ``left_out`` takes those that are not offered."""
    found = []
    for tag, label in tags.items():
        folder = _inside(labels, tag)
        path = _file(folder, name, mapping(label)) if folder is not None else None
        known = tag in ("final", "original") or _VERSION.fullmatch(tag) is not None
        if path is None or not known:
            left_out.append(LeftOut(path or labels, f"its tag {tag!r} says neither final nor original"))
        elif problem := _problem(path, mapping(label)):
            left_out.append(LeftOut(path, problem))
        else:
            found.append((_when(label), _to_mask(path, tag, mapping(mapping(label).get("info")))))
    return [mask for _, mask in sorted(found, key=lambda one: one[0])]


def _to_mask(path: Path, tag: str, info: dict[str, Any]) -> FoundMask:
    if tag == "original":
        return FoundMask(path, "prediction", "MONAI Label's original: predicted, nobody's word", model="MONAI Label")
    reviewer = text(mapping(info.get("segmentationMeta")).get("approvedBy")) or text(info.get("client_id"))
    role: Role = "correction" if reviewer or tag != "final" else "truth"
    by = f" by {reviewer}" if reviewer else ""
    reason = "labels/final, as it lay there" if role == "truth" else f"MONAI Label's {tag}, submitted{by}"
    return FoundMask(path, role, reason, reviewer=reviewer)


def _when(label: object) -> float:
    stamp = mapping(mapping(label).get("info")).get("ts")
    return float(stamp) if isinstance(stamp, int | float) else 0.0


def _file(folder: Path, name: str, one: dict[str, Any]) -> Path | None:
    """Where MONAI Label keeps an image or a label: its id and its ending; None if that leads out of ``folder``."""
    path = _inside(folder, name + text(one.get("ext")))
    return path if path is not None and path.parent == folder else None


def _inside(folder: Path, name: str) -> Path | None:
    """``folder / name`` if that is no way out of the folder."""
    if "\0" in name or "\\" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    return folder / name


def _problem(path: Path, one: dict[str, Any]) -> str:
    """Why a file is not what the datastore says, in words."""
    try:
        if not path.is_file():
            return "in the datastore, but not on the disk"
        noted = text(mapping(one.get("info")).get("checksum"))
        if noted.startswith(_SHA256) and sha256_of(path) != noted.removeprefix(_SHA256).lower():
            return "no longer the file that MONAI Label took note of (its checksum differs)"
    except (OSError, ValueError, LesionsegError) as error:
        return f"cannot be read: {error}"
    return ""
