"""A model on disk: ``model.safetensors`` and ``card.json``. Data only, no code is ever loaded from it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.config import Architecture, DualEncoderConfig, Preprocessing, faulty_key
from napari_lesionseg.volumes.atomic import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

    from napari_lesionseg.models.network import LesionNetwork

WEIGHTS = "model.safetensors"
CARD = "card.json"
MOST_MEMBERS = 16
MAX_CARD_BYTES = 4 << 20
# Twice the largest network within the bounds of a card's architecture: a stranger's file may not take minutes to hash.
MAX_WEIGHTS_BYTES = 1200 << 20


class ModelCard(BaseModel):
    """What a user should know about a model before trusting it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str = ""
    architecture: Architecture = DualEncoderConfig()
    members: int = Field(1, ge=1, le=MOST_MEMBERS)
    """Networks of that architecture; a voxel's probability is the mean of theirs."""
    preprocessing: Preprocessing = Preprocessing()
    threshold: float = Field(0.5, gt=0, lt=1)
    """Probability from which a voxel is lesion."""
    training_data: str = ""
    licence: str = ""
    limits: str = ""
    """What the model is known to do badly."""
    parent: str = ""
    """Model that the training started from."""
    ledger: str = ""
    """Hash of the study's ledger of patients when the training began; a ledger that goes on from it moved nobody."""
    split_hash: str = ""
    """SHA-256 of the patient split, on cards of version 0.1; written no more."""
    training: dict[str, Any] = Field(default_factory=dict)
    """The trainer's whole configuration, seed, steps and hardware."""
    metrics: dict[str, Any] = Field(default_factory=dict)
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    sha256: str = ""
    """Hash of ``model.safetensors``."""


@dataclass(frozen=True)
class LoadedModel:
    """A network ready for inference, and its card.

    Parameters
    ----------
    network
        The only one, or the first of an ensemble.
    others
        The other members of an ensemble.
    """

    network: LesionNetwork
    card: ModelCard
    folder: Path | None = None
    others: tuple[LesionNetwork, ...] = ()

    @property
    def networks(self) -> tuple[LesionNetwork, ...]:
        """All members."""
        return (self.network, *self.others)


def load_card(folder: Path) -> ModelCard:
    """Read ``card.json`` of a model folder.

    Raises
    ------
    LesionsegError
        If the folder is not a model folder or its card is not valid.
    """
    try:
        return read_card(Path(folder) / CARD)
    except OSError as error:
        raise LesionsegError(f"{folder} is not a model folder: it has no readable {CARD}; choose another.") from error


def read_card(path: Path) -> ModelCard:
    """Read one card.

    Raises
    ------
    LesionsegError
        If it is not a valid card.
    OSError
        If it cannot be read, or is no file with an end of its own (a pipe, a device).
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise IsADirectoryError(f"{path} is not a file")
    with open(path, "rb") as file:
        content = file.read(MAX_CARD_BYTES + 1)
    if len(content) > MAX_CARD_BYTES:
        raise LesionsegError(f"{path} is too large to be a model card; install the model again.")
    try:
        return ModelCard.model_validate_json(content)
    except ValidationError as error:
        where = faulty_key(error) or "its JSON"
        raise LesionsegError(f"{path} is not a valid model card ({where}); install the model again.") from error


def verify(folder: Path) -> ModelCard:
    """Check the weights of a model folder against the hash on its card, and return the card.

    Raises
    ------
    LesionsegError
        If the weights are missing or are not those the card was written for.
    """
    card = load_card(folder)
    with _open_weights(folder) as file:
        _check_hash(folder, card, hashlib.file_digest(file, "sha256").hexdigest())
    return card


def load_model(folder: Path, device: str = "cpu") -> LoadedModel:
    """Load a verified model onto ``device``, in evaluation mode.

    The weights are read once, so that those that were verified are those that are used.

    Raises
    ------
    LesionsegError
        As :func:`verify`, or if the weights do not fit the architecture on the card.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load
    from torch.nn import ModuleList

    from napari_lesionseg.models.build import build_network

    card = load_card(folder)
    with _open_weights(folder) as file:
        weights = file.read(MAX_WEIGHTS_BYTES + 1)
    _check_hash(folder, card, hashlib.sha256(weights).hexdigest())
    networks = [build_network(card.architecture)]
    try:
        tensors = load(weights)
        if _numbers(tensors) == card.members * _numbers(networks[0].state_dict()):  # A card may ask for any number.
            networks.extend(build_network(card.architecture) for _ in range(1, card.members))
        whole = ModuleList(networks) if card.members > 1 else networks[0]
        whole.load_state_dict(tensors)
    except (RuntimeError, SafetensorError) as error:
        raise LesionsegError(
            f"{folder} holds weights for another network than its card says; install it again."
        ) from error
    if not all(tensor.isfinite().all() for tensor in whole.state_dict().values()):
        raise LesionsegError(f"{folder} holds weights that are not numbers (NaN or infinity); install another model.")
    first, *others = (network.to(device).eval() for network in networks)
    return LoadedModel(first, card, Path(folder), tuple(others))


def _numbers(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


@contextmanager
def _open_weights(folder: Path) -> Iterator[BufferedReader]:
    path = Path(folder) / WEIGHTS
    try:
        if not os.path.isfile(path):
            raise FileNotFoundError(path)
        if os.path.getsize(path) > MAX_WEIGHTS_BYTES:
            raise LesionsegError(f"{path} is larger than any network a card can ask for; do not use it.")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise LesionsegError(f"{folder} has no readable {WEIGHTS}; install the model again.") from error


def _check_hash(folder: Path, card: ModelCard, found: str) -> None:
    if found != card.sha256:
        raise LesionsegError(
            f"{Path(folder) / WEIGHTS} does not match the SHA-256 on its card: the weights were changed or damaged; "
            "install the model again."
        )


def save_model(
    folder: Path, network: LesionNetwork, card: ModelCard, others: Sequence[LesionNetwork] = ()
) -> ModelCard:
    """Write weights, then the card with their hash; return that card.

    With ``others`` it is an ensemble, and each tensor's name begins with the number of its network.
    A folder whose writing was cut short has no card, or the card of other weights, and is refused on loading.
    """
    from safetensors.torch import save
    from torch.nn import ModuleList

    state = ModuleList((network, *others)).state_dict() if others else network.state_dict()
    weights = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    known = {"architecture": network.config, "members": 1 + len(others)}
    signed = card.model_copy(update={**known, "sha256": hashlib.sha256(weights).hexdigest()})
    write_atomically(Path(folder) / WEIGHTS, weights)
    write_atomically(Path(folder) / CARD, signed.model_dump_json(indent=2).encode() + b"\n")
    return signed
