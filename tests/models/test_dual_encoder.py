"""The network of the dissertation: its size, its two views of a slice, and that all of it learns."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.dual_encoder import DualEncoderUNet, FusionBlock, ResidualConvBlock

SMALL = DualEncoderConfig(widths=(4, 8))


@pytest.fixture
def small() -> DualEncoderUNet:
    torch.manual_seed(0)
    return DualEncoderUNet(SMALL).eval()


def features(network: DualEncoderUNet, name: str, stack: Tensor) -> list[Tensor]:
    """What one encoder makes of a stack, level by level."""
    seen: list[Tensor] = []
    hook = getattr(network, name).register_forward_hook(lambda _module, _inputs, levels: seen.extend(levels))
    with torch.no_grad():
        network(stack)
    hook.remove()
    return seen


def test_the_default_network_has_1_6_million_parameters() -> None:
    count = sum(parameter.numel() for parameter in DualEncoderUNet().parameters() if parameter.requires_grad)
    assert abs(count - 1_600_000) <= 0.05 * 1_600_000


@pytest.mark.parametrize("size", [(64, 64), (50, 33), (17, 16), (1, 1), (16, 129)])
def test_a_picture_of_any_size_gets_one_logit_a_pixel(size: tuple[int, int]) -> None:
    network = DualEncoderUNet(DualEncoderConfig(widths=(2, 2, 2, 2, 2))).eval()  # Halves four times: steps of 16.
    with torch.no_grad():
        logits = network(torch.rand(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    assert logits.isfinite().all()


def test_a_picture_is_padded_at_its_far_end_so_that_it_stays_in_place(small: DualEncoderUNet) -> None:
    stack = torch.rand(1, 3, 13, 15)
    padded = torch.nn.functional.pad(stack, (0, 1, 0, 1))
    with torch.no_grad():
        assert torch.equal(small(stack), small(padded)[..., :13, :15])


def test_gradients_reach_alpha_and_res_scale_of_every_level() -> None:
    torch.manual_seed(0)
    network = DualEncoderUNet(DualEncoderConfig(widths=(4, 6, 8)))
    network(torch.rand(2, 3, 32, 32)).square().mean().backward()
    assert len(network.fusions) == 3
    for fusion in network.fusions:
        for gradient in (fusion.alpha.grad, fusion.res_scale.grad):
            assert gradient is not None
            assert gradient.abs().item() > 0


def test_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    network = DualEncoderUNet(DualEncoderConfig(widths=(4, 6, 8)))
    network(torch.rand(2, 3, 32, 32)).square().mean().backward()
    idle = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert idle == []


@pytest.mark.parametrize("neighbour", [0, 2])
def test_a_neighbour_slice_changes_the_output_through_encoder_b_alone(small: DualEncoderUNet, neighbour: int) -> None:
    stack = torch.rand(1, 3, 32, 32)
    other = stack.clone()
    other[:, neighbour] = torch.rand(1, 32, 32)
    for before, after in zip(features(small, "encoder_a", stack), features(small, "encoder_a", other), strict=True):
        assert torch.equal(before, after)
    for before, after in zip(features(small, "encoder_b", stack), features(small, "encoder_b", other), strict=True):
        assert (before - after).abs().max() > 0.01
    with torch.no_grad():
        assert (small(stack) - small(other)).abs().max() > 0.01


def test_the_centre_slice_changes_what_both_encoders_see(small: DualEncoderUNet) -> None:
    stack = torch.rand(1, 3, 32, 32)
    other = stack.clone()
    other[:, 1] = torch.rand(1, 32, 32)
    for encoder in ("encoder_a", "encoder_b"):
        before, after = features(small, encoder, stack), features(small, encoder, other)
        assert all((one - two).abs().max() > 0.01 for one, two in zip(before, after, strict=True))


@pytest.mark.parametrize("neighbours", [1, 2, 4])
@pytest.mark.parametrize("widths", [(4, 8), (3, 5, 7, 9)])
def test_neighbours_widths_and_depth_are_free(neighbours: int, widths: tuple[int, ...]) -> None:
    network = DualEncoderUNet(DualEncoderConfig(neighbours=neighbours, widths=widths)).eval()
    stack = torch.rand(1, 2 * neighbours + 1, 16, 16)
    levels = features(network, "encoder_b", stack)
    assert [level.shape[1:] for level in levels] == [(w, 16 >> n, 16 >> n) for n, w in enumerate(widths)]
    other = stack.clone()
    other[:, neighbours] = 0  # The middle one is the centre slice.
    assert not torch.equal(features(network, "encoder_a", stack)[0], features(network, "encoder_a", other)[0])
    other = stack.clone()
    other[:, neighbours + 1] = 0
    assert torch.equal(features(network, "encoder_a", stack)[0], features(network, "encoder_a", other)[0])


@pytest.mark.parametrize("prior", [0.5, 0.1, 0.02])
def test_the_untrained_network_predicts_the_prior(prior: float) -> None:
    means = []
    for seed in range(8):
        torch.manual_seed(seed)
        network = DualEncoderUNet(SMALL, prior).eval()
        with torch.no_grad():
            means.append(network(torch.rand(1, 3, 32, 32)).mean().sigmoid().item())
        assert network.head.bias is not None
        assert network.head.bias.sigmoid().item() == pytest.approx(prior)
    assert sorted(means)[4] == pytest.approx(prior, rel=0.4)


def test_slices_of_a_batch_do_not_see_each_other(small: DualEncoderUNet) -> None:
    stack = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        together = small(stack)
        alone = torch.cat([small(one[None]) for one in stack])
    assert torch.allclose(together, alone, atol=1e-5)


def test_training_and_evaluation_mode_agree(small: DualEncoderUNet) -> None:
    stack = torch.rand(2, 3, 32, 32)  # Instance norm keeps no running figures that could drift from the scan in hand.
    with torch.no_grad():
        assert torch.equal(small.train()(stack), small.eval()(stack))


def test_alpha_is_the_share_of_the_single_slice() -> None:
    block = FusionBlock(2)
    a, b = torch.rand(1, 2, 4, 4), torch.rand(1, 2, 4, 4)
    with torch.no_grad():
        block.res_scale.fill_(0.0)
        assert torch.allclose(block(a, b), (a + b) / 2)
        block.alpha.fill_(50.0)
        assert torch.allclose(block(a, b), a)
        block.alpha.fill_(-50.0)
        assert torch.allclose(block(a, b), b)


def test_res_scale_weighs_a_residual_of_both() -> None:
    block = FusionBlock(2)
    a, b = torch.rand(1, 2, 4, 4), torch.rand(1, 2, 4, 4)
    with torch.no_grad():
        outputs = []
        for scale in (0.0, 1.0, 2.0):
            block.res_scale.fill_(scale)
            outputs.append(block(a, b))
    assert torch.allclose(outputs[2] - outputs[1], outputs[1] - outputs[0], atol=1e-6)
    assert (outputs[1] - outputs[0]).abs().max() > 0.1


def test_a_residual_block_adds_its_input() -> None:
    block = ResidualConvBlock(3, 3)
    with torch.no_grad():
        block.norm2.weight.zero_()
        x = torch.rand(1, 3, 8, 8)
        assert torch.equal(block(x), x)


@pytest.mark.hazard("H18")
@pytest.mark.parametrize(
    "wrong",
    [
        {"neighbours": 0},
        {"neighbours": 6},
        {"widths": (4,)},
        {"widths": (4,) * 8},
        {"widths": (4, 0)},
        {"widths": (4, -8)},
        {"widths": (4, 10**9)},
        {"depth": 3},
    ],
)
def test_a_shape_that_cannot_be_or_would_fill_the_memory_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DualEncoderConfig(**wrong)
