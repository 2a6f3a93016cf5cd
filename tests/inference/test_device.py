"""The processor is chosen where nobody asks, and checked where somebody does."""

from __future__ import annotations

import pytest
import torch

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.device import choose_device, describe_device


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")],
)
def test_auto_takes_the_fastest_there_is(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, chosen: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device() == choose_device("auto") == chosen
    assert choose_device("cpu") == "cpu"


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(LesionsegError, match="no cuda device that torch can use; choose auto or cpu"):
        choose_device("cuda")
    with pytest.raises(LesionsegError, match="no device abacus; choose one of: auto, cpu, cuda, mps"):
        choose_device("abacus")


def test_the_processor_is_named_for_a_human() -> None:
    assert describe_device("cpu") == f"CPU, {torch.get_num_threads()} threads"
