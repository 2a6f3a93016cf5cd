"""Which processor the network runs on, and its name for a human."""

from __future__ import annotations

import platform

import torch

from napari_lesionseg.errors import LesionsegError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str = "auto") -> str:
    """Turn ``auto`` into the fastest device there is; check any other choice.

    Raises
    ------
    LesionsegError
        If the device is unknown or not on this machine.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, there in available.items() if there)
    if name not in available:
        raise LesionsegError(f"There is no device {name}; choose one of: {', '.join(DEVICES)}.")
    if not available[name]:
        raise LesionsegError(f"This machine has no {name} device that torch can use; choose auto or cpu.")
    return name


def describe_device(name: str) -> str:
    """Name a chosen device for a human, for example ``"CPU, 2 threads"``."""
    if name == "cuda":
        return torch.cuda.get_device_name()
    if name == "mps":
        return f"Apple GPU ({platform.machine()})"
    return f"CPU, {torch.get_num_threads()} threads"
