"""A training run frozen between two epochs: one safetensors file, whole or not there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.network import LesionNetwork
from napari_lesionseg.volumes.atomic import write_atomically

FILE = "checkpoint.safetensors"


@dataclass
class TrainState:
    """What the next step depends on; random numbers are drawn afresh from (seed, epoch), so none are kept.

    Parameters
    ----------
    average
        The network with moving-average weights; the network itself where there is no average.
    epoch
        Epochs done.
    history
        One record an epoch, as written to ``metrics.jsonl``.
    mined
        (case id, row) of the cut-outs of the last epoch on which lesion was invented; the next draws them more often.
    micro_batch
        Slices that go through the network at a time; ``None``: all. A matter of this machine's memory, so
        it is not saved.
    """

    network: LesionNetwork
    average: LesionNetwork
    optimiser: Optimizer
    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    mined: list[tuple[str, int]] = field(default_factory=list)
    micro_batch: int | None = None


def save_checkpoint(run: Path, state: TrainState) -> None:
    """Write the state to the run folder, atomically."""
    tensors = {f"network/{name}": tensor for name, tensor in state.network.state_dict().items()}
    if state.average is not state.network:
        tensors |= {f"average/{name}": tensor for name, tensor in state.average.state_dict().items()}
    for index, slots in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{name}": tensor for name, tensor in slots.items()}
    data = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    about = {"epoch": str(state.epoch), "history": json.dumps(state.history), "mined": json.dumps(state.mined)}
    write_atomically(run / FILE, save(data, metadata=about))


def load_checkpoint(run: Path, state: TrainState) -> bool:
    """Put the state of the run folder into ``state``; False if there is none yet.

    Raises
    ------
    LesionsegError
        If the checkpoint is damaged or belongs to another network.
    """
    path = run / FILE
    if not path.is_file():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            # Cloned: what is mapped from the file would keep the next checkpoint from replacing it on Windows.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        state.network.load_state_dict(_part(tensors, "network/"))
        if state.average is not state.network:
            state.average.load_state_dict(_part(tensors, "average/"))
        slots: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _part(tensors, "optimiser/").items():
            index, name = key.split("/")
            slots.setdefault(int(index), {})[name] = tensor
        state.optimiser.load_state_dict({**state.optimiser.state_dict(), "state": slots})
        state.epoch, state.history = int(about["epoch"]), json.loads(about["history"])
        state.mined = [(case, row) for case, row in json.loads(about.get("mined", "[]"))]
    except (SafetensorError, RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
        raise LesionsegError(f"{path} is damaged or of another network; start the run in a new folder.") from error
    return True


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
