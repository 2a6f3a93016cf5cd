"""What a model is made of and what it wants to be fed; read by panels, so without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_NEIGHBOURS = 5


class DualEncoderConfig(BaseModel):
    """Shape of a :class:`~napari_lesionseg.models.dual_encoder.DualEncoderUNet`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    neighbours: int = Field(1, ge=1, le=MAX_NEIGHBOURS)
    """Slices on each side of the centre that encoder B sees: 1 gives the stack of 3."""
    widths: tuple[int, ...] = Field((16, 32, 64, 80, 112), min_length=2, max_length=7)
    """Channels of each level, finest first; its length is the depth."""

    @property
    def stack(self) -> int:
        """Number of slices in encoder B's input."""
        return 2 * self.neighbours + 1


class Preprocessing(BaseModel):
    """From a scan to the network's grid. It belongs to the model and travels on its card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: tuple[float, float] = (-1000.0, 400.0)
    """HU shown as 0 and as 1; grey scans are taken as they are, 0…255."""
    grey_levels: Literal["window", "clahe"] = "window"
    """``clahe``: after the window, each slice is stretched to its own minimum and maximum and equalised locally."""
    clahe_clip: float = Field(7.0, gt=0)
    """OpenCV's clip limit on its default 8×8 tiles."""
    crop: Literal["none", "lungs"] = "none"
    """``lungs``: only the box around the lungs is looked at, where the scan is in HU."""
    margin_mm: float = Field(15.0, ge=0)
    """Room left around the lungs, in mm."""
    pixel_mm: float | None = Field(None, gt=0)
    """In-plane pixel size in mm of the network's grid; ``None`` resizes every slice to ``size`` instead."""
    size: int = Field(256, ge=32, le=1024)
    """Side of the network's square grid in pixels, where the pixel size is not known or not asked for."""
