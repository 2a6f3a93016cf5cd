"""Networks to compare with: each marks what it is fed, begins at the prior, and comes back from its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from napari_lesionseg.models.build import build_network
from napari_lesionseg.models.card import ModelCard, load_model, save_model
from napari_lesionseg.models.config import Architecture

FLAT = ("unet2d", "unet_plus_plus", "attention_unet", "dynunet2d")
BLOCK = ("unet3d", "dynunet3d")


def shape_of(kind: str, **more: object) -> Architecture:
    small = {} if kind == "dual_encoder" else {"widths": (4, 6, 8, 8, 8)}
    return TypeAdapter(Architecture).validate_python({"kind": kind, **small, **more})


@pytest.mark.parametrize("kind", ["dual_encoder", *FLAT, *BLOCK])
def test_every_network_marks_the_slices_it_says_and_begins_at_the_prior(kind: str) -> None:
    torch.manual_seed(0)
    network = build_network(shape_of(kind), prior=0.02).eval()
    with torch.no_grad():
        logits = network(torch.rand(2, network.config.stack, 40, 33))
    assert logits.shape == (2, network.config.marked, 40, 33)
    assert 0.005 < float(logits.sigmoid().median()) < 0.08


@pytest.mark.parametrize("kind", [*FLAT, *BLOCK])
def test_no_slice_is_judged_by_the_others_of_its_batch(kind: str) -> None:
    torch.manual_seed(0)
    network = build_network(shape_of(kind))  # In training mode, where a batch norm would mix them.
    assert not [one for one in network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    pictures = torch.rand(2, network.config.stack, 32, 32)
    with torch.no_grad():
        assert torch.allclose(network(pictures)[:1], network(pictures[:1]), atol=1e-5)


@pytest.mark.parametrize("kind", ["unet_plus_plus", "dynunet3d"])
def test_a_model_folder_gives_back_the_network_that_its_card_names(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network(shape_of(kind)).eval()
    save_model(tmp_path / "model", network, ModelCard(name="peer"))
    again = load_model(tmp_path / "model")
    assert again.card.architecture == network.config
    stack = torch.rand(1, network.config.stack, 32, 32)
    with torch.no_grad():
        assert torch.equal(again.network(stack), network(stack))


def test_the_first_cards_name_no_kind_and_are_of_dual_encoders() -> None:
    assert TypeAdapter(Architecture).validate_python({"widths": [4, 8]}).kind == "dual_encoder"


def test_a_network_that_fits_no_shape_is_refused_by_its_key() -> None:
    for wrong in ({"kind": "unet9d"}, {"kind": "unet3d", "neighbours": 1}, {"kind": "unet3d", "slices": 10}):
        with pytest.raises(ValueError, match="validation error"):
            TypeAdapter(Architecture).validate_python(wrong)
