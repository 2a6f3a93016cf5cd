"""What the project remembers: patients, cases, mask revisions and splits."""

from napari_lesionseg.study.records import ROLES, Case, Revision, Role
from napari_lesionseg.study.split import SPLITS, Split
from napari_lesionseg.study.store import Study

__all__ = ["ROLES", "SPLITS", "Case", "Revision", "Role", "Split", "Study"]
