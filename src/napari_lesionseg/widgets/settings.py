"""What the workbench remembers from one start to the next, in one small JSON file."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.zoo import user_folder
from napari_lesionseg.volumes.atomic import write_atomically

FILE_NAME = "workbench.json"


class Settings(BaseModel):
    """Remembered choices; an unreadable file counts as an empty one, since nothing in it is worth an error."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    last_folder: str = ""
    """Folder of the file that was opened or saved last."""
    thresholds: dict[str, float] = {}
    """Threshold last chosen, by model name."""
    brush_size: int = 8
    """Brush diameter in voxels."""
    hu_gate: bool = True
    """Whether the brush keeps to ``hu_range``."""
    hu_range: tuple[int, int] = (-800, -100)
    """HU that the brush paints: ground glass and the edge of consolidation."""
    certainty: float = 0.25
    """What the model has to say at least where the model brush paints and a missed lesion is accepted, 0 to 1."""
    export_format: str = "nifti"
    """Format last saved in, a key of ``review.exports.FORMATS``."""
    lesion_type: str = "Lesion"
    """Name of the lesion type last saved."""
    study: str = ""
    """Study folder that corrections are kept in; empty for the user's default one."""
    reviewer: str = Field(default_factory=lambda: _user())
    """Who is named as the reviewer; at first the user of the computer."""
    linked_views: bool = False
    """Whether coronal and sagittal views are shown beside the canvas."""
    drag_inverted: bool = False
    """Whether a drag on the canvas changes the window the other way round."""
    wheel_slices: bool = True
    """Whether the wheel goes through the slices; else it zooms, as in napari."""
    side_marks: bool = True
    """Whether letters on the canvas tell the patient's sides."""
    scale_bar: bool = True
    """Whether a bar on the canvas tells millimetres."""
    closed_sections: tuple[str, ...] = ("Retrain",)
    """Sections of the workbench that are folded."""

    @classmethod
    def load(cls) -> Settings:
        """Read the settings of this user."""
        try:
            return cls.model_validate_json(settings_file().read_bytes())
        except (OSError, ValidationError):
            return cls()

    def remember(self, **changes: Any) -> None:
        """Change some settings and write all of them; a full or read-only disk is not worth an error here."""
        for name, value in changes.items():
            setattr(self, name, value)
        text = json.dumps(self.model_dump(mode="json"), indent=2)
        with contextlib.suppress(LesionsegError):
            write_atomically(settings_file(), text.encode())

    @property
    def study_folder(self) -> Path:
        """The study corrections are kept in."""
        return Path(self.study) if self.study else user_folder() / "study"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # A user without a name, as in some containers.
        return "reviewer"


def settings_file() -> Path:
    """The file settings live in: in ``LESIONSEG_HOME``, or in the system's place for user settings."""
    home = os.environ.get("LESIONSEG_HOME")
    folder = Path(home) if home else Path(platformdirs.user_config_dir("napari-lesionseg", appauthor=False))
    return folder / FILE_NAME
