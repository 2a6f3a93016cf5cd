"""Where a run computes: the device, the kind of numbers, and the processes that share every batch.

One process needs nothing for that. Several are started and joined by Lightning Fabric, on one node or on the nodes of a
SLURM job. Each draws the same batches from the same seed, cuts its own part, and adds sums and gradients with the
others; so all have the same weights after every step, and only the first one writes and speaks.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lesionseg_training.config import TrainConfig
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.backends.torch_fast import has_bfloat16
from napari_lesionseg.inference.device import choose_device

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PATIENCE = timedelta(hours=2)  # The first process may evaluate or write while the others wait.


@dataclass(frozen=True)
class Machine:
    """One process that computes on ``device``, with layers in bfloat16 if ``half``."""

    device: str = "cpu"
    half: bool = False
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and says events."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Which of ``count`` things are this process's."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def add(self, tensor: Tensor) -> Tensor:
        """The sum of the processes' tensors."""
        return tensor

    def add_figures(self, figures: Sequence[float]) -> list[float]:
        """The sums of the processes' figures."""
        return list(figures)

    def wait(self) -> None:
        """Wait until all processes are here."""


@dataclass(frozen=True)
class OneOfSeveral(Machine):
    """One of several processes, joined by Fabric."""

    fabric: Fabric | None = None

    def add(self, tensor: Tensor) -> Tensor:
        """The sum of the processes' tensors.

        Raises
        ------
        LesionsegError
            If another process is gone.
        """
        assert self.fabric is not None
        try:
            return self.fabric.all_reduce(tensor, reduce_op="sum")  # type: ignore[return-value]
        except RuntimeError as error:
            raise LesionsegError(
                f"Process {self.rank} lost the others of this run; see what they said, then go on with --resume."
            ) from error

    def add_figures(self, figures: Sequence[float]) -> list[float]:
        """The sums of the processes' figures."""
        return [float(figure) for figure in self.add(torch.tensor(figures, dtype=torch.float64, device=self.device))]

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.add_figures([0.0])


@contextmanager
def machine_for(config: TrainConfig) -> Iterator[Machine]:
    """Choose device and precision, and start the other processes if there are to be any.

    Raises
    ------
    LesionsegError
        If a device is not there, or several are asked for and Fabric is not installed.
    """
    device = choose_device(config.device)
    half = config.precision == "bf16" or (config.precision == "auto" and has_bfloat16(device))
    if config.devices * config.nodes == 1:
        yield Machine(device, half)
        return
    fabric = _fabric(device, config)
    fabric.launch()
    machine = OneOfSeveral(device, half, fabric.global_rank, fabric.world_size, fabric)
    try:
        yield machine
    except (LesionsegError, KeyboardInterrupt) as error:
        if not machine.first:  # The first one tells what all of them met.
            print(f"error: process {machine.rank}: {error}", file=sys.stderr)
            sys.exit(2)
        raise
    finally:
        if sys.exc_info()[0] is not None:
            _end_children(fabric)


def _fabric(device: str, config: TrainConfig) -> Fabric:
    if device == "cuda" and (there := torch.cuda.device_count()) < config.devices:
        raise LesionsegError(f"This machine has {there} CUDA devices, not {config.devices}; set devices to that.")
    if device == "mps":
        raise LesionsegError("Several processes cannot share an mps device; set devices=1, or device=cpu.")
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
    except ImportError as error:
        raise LesionsegError(
            "Several devices need Lightning Fabric: pip install 'napari-lesionseg[cluster]', or set devices=1, nodes=1."
        ) from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    return Fabric(
        accelerator=device, devices=config.devices, num_nodes=config.nodes, strategy=DDPStrategy(timeout=PATIENCE)
    )


def _end_children(fabric: Fabric) -> None:
    """End the processes that this one started: they may wait for it in a sum."""
    children = getattr(fabric.strategy.launcher, "procs", [])
    for child in children:
        child.kill()
    children.clear()  # Fabric's watchman would kill this process, too, before it has told its error.
