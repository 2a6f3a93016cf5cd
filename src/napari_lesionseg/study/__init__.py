"""What the project remembers: patients, cases, mask revisions and splits.

The names are found when they are first used, so that a window may import ``study.writer`` without SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_lesionseg.study.records import ROLES, Case, Revision, Role
    from napari_lesionseg.study.split import SPLITS, Split
    from napari_lesionseg.study.store import Study

__all__ = ["ROLES", "SPLITS", "Case", "Revision", "Role", "Split", "Study"]
_HOME = {"Study": "store", "SPLITS": "split", "Split": "split"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'records')}"), name)
