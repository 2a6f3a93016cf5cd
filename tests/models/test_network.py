"""The presence head: it damps the marks of a slice, and is the same on a cut-out as on the whole slice."""

from __future__ import annotations

import torch

from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.models.network import damp


def test_damping_multiplies_the_probabilities() -> None:
    logits, presence = torch.randn(5, 1, 3, 3) * 8, torch.randn(5) * 8
    wanted = torch.sigmoid(logits.double()) * torch.sigmoid(presence.double()).view(-1, 1, 1, 1)
    assert torch.allclose(torch.sigmoid(damp(logits, presence).double()), wanted, atol=1e-6)


def test_damping_stays_finite_where_both_are_certain() -> None:
    far = torch.tensor([-200.0, 200.0])
    for slice_logit in far:
        assert damp(far.view(1, 1, 1, 2), slice_logit[None]).isfinite().all()


def test_without_a_presence_head_nothing_is_damped_and_no_weight_is_added() -> None:
    plain = DualEncoderUNet(DualEncoderConfig(widths=(4, 8)))
    headed = DualEncoderUNet(DualEncoderConfig(widths=(4, 8), presence=True))
    assert plain.marks(torch.rand(1, 3, 16, 16))[1] is None
    assert headed.state_dict().keys() - plain.state_dict().keys() == {"presence.weight", "presence.bias"}


def test_what_is_predicted_is_what_is_learned_times_presence() -> None:
    torch.manual_seed(0)
    network = DualEncoderUNet(DualEncoderConfig(widths=(4, 8), presence=True)).eval()
    stack = torch.rand(3, 3, 20, 24)
    with torch.no_grad():
        logits, presence = network.marks(stack)
        assert presence is not None
        assert torch.allclose(network(stack), damp(logits, presence))
        height, width = stack.shape[-2:]
        assert torch.allclose(network.decode(*network.encode(network.pad(stack)))[..., :height, :width], network(stack))
