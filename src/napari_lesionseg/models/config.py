"""What a model is made of and what it wants to be fed; read by panels, so without torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

# A card may come from a stranger: these bounds keep it from asking for a network or a grid that fills the memory.
MAX_NEIGHBOURS = 5
MAX_WIDTH = 512

Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]


class DualEncoderConfig(BaseModel):
    """Shape of a :class:`~napari_lesionseg.models.dual_encoder.DualEncoderUNet`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["dual_encoder"] = "dual_encoder"
    neighbours: int = Field(1, ge=1, le=MAX_NEIGHBOURS)
    """Slices on each side of the centre that encoder B sees: 1 gives the stack of 3."""
    widths: tuple[Width, ...] = Field((16, 32, 64, 80, 112), min_length=2, max_length=7)
    """Channels of each level, finest first; its length is the depth."""
    presence: bool = False
    """Whether a head tells if there is any lesion in the slice; it damps the marks on slices without."""

    @property
    def stack(self) -> int:
        """Number of slices in encoder B's input."""
        return 2 * self.neighbours + 1

    @property
    def marked(self) -> int:
        """Number of slices that are marked at a time."""
        return 1


class FlatConfig(BaseModel):
    """Shape of a 2D network to compare with (:mod:`~napari_lesionseg.models.baselines`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unet2d", "unet_plus_plus", "attention_unet", "dynunet2d"]
    neighbours: int = Field(0, ge=0, le=MAX_NEIGHBOURS)
    """Slices on each side of the centre that it sees as channels."""
    widths: tuple[Width, ...] = Field((16, 32, 64, 80, 112), min_length=5, max_length=5)
    """Channels of each level, finest first."""

    @property
    def stack(self) -> int:
        """Number of slices it sees at a time."""
        return 2 * self.neighbours + 1

    @property
    def marked(self) -> int:
        """Number of slices that are marked at a time."""
        return 1


class BlockConfig(BaseModel):
    """Shape of a 3D network to compare with (:mod:`~napari_lesionseg.models.baselines`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unet3d", "dynunet3d"]
    slices: int = Field(16, ge=16, le=64, multiple_of=16)
    """Slices it sees, and marks, at a time."""
    widths: tuple[Width, ...] = Field((16, 32, 64, 80, 112), min_length=5, max_length=5)
    """Channels of each level, finest first."""

    @property
    def stack(self) -> int:
        """Number of slices it sees at a time."""
        return self.slices

    @property
    def marked(self) -> int:
        """Number of slices that are marked at a time."""
        return self.slices


# Told apart by ``kind``; without one it is the dual encoder, as on the first cards.
Architecture = Annotated[
    Annotated[DualEncoderConfig, Tag("dual_encoder")]
    | Annotated[FlatConfig, Tag("flat")]
    | Annotated[BlockConfig, Tag("block")],
    Discriminator(lambda given: _family(given)),
]


def _family(given: object) -> str:
    kind = given.get("kind", "dual_encoder") if isinstance(given, dict) else getattr(given, "kind", None)
    if kind in ("unet3d", "dynunet3d"):
        return "block"
    return "flat" if kind in ("unet2d", "unet_plus_plus", "attention_unet", "dynunet2d") else "dual_encoder"


class Preprocessing(BaseModel):
    """From a scan to the network's grid. It belongs to the model and travels on its card."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    window: tuple[float, float] = (-1000.0, 400.0)
    """HU shown as 0 and as 1; grey scans are taken as they are, 0…255."""
    grey_levels: Literal["window", "clahe"] = "window"
    """``clahe``: after the window, each slice is stretched to its own minimum and maximum and equalised locally."""
    clahe_clip: float = Field(7.0, gt=0, le=1000)
    """OpenCV's clip limit on its default 8×8 tiles."""
    crop: Literal["none", "lungs"] = "none"
    """``lungs``: only the box around the lungs is looked at, where the scan is in HU."""
    margin_mm: float = Field(15.0, ge=0, le=1000)
    """Room left around the lungs, in mm."""
    pixel_mm: float | None = Field(None, ge=0.25, le=20)
    """In-plane pixel size in mm of the network's grid; ``None`` resizes every slice to ``size`` instead."""
    size: int = Field(256, ge=32, le=1024)
    """Side of the network's square grid in pixels, where the pixel size is not known or not asked for."""

    @model_validator(mode="after")
    def _window_has_a_width(self) -> Self:
        if self.window[0] >= self.window[1]:
            raise ValueError("the window must end above its beginning")
        return self


def faulty_key(error: ValidationError) -> str:
    """The key that is not valid, with dots; empty where it is the whole."""
    families = {"dual_encoder", "flat", "block"}
    return ".".join(str(part) for part in error.errors()[0]["loc"] if part not in families)
