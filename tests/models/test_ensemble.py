"""Several models as one: what is joined, what is refused, and that a card cannot ask for more than there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from napari_lesionseg.cli.main import app
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, ModelCard, load_card, load_model, save_model
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.models.ensemble import join_models


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Make a small model folder from a seed."""

    def made(seed: int, widths: tuple[int, ...] = (4, 8), **card: Any) -> Path:
        torch.manual_seed(seed)
        folder = tmp_path / f"seed-{seed}"
        save_model(folder, DualEncoderUNet(DualEncoderConfig(widths=widths)), ModelCard(name=folder.name, **card))
        return folder

    return made


def test_an_ensemble_has_the_networks_of_its_members(make: Any, tmp_path: Path) -> None:
    folders = [
        make(1, threshold=0.4, licence="CC BY", training_data="five patients"),
        make(2, threshold=0.5, licence="CC BY", training_data="five others"),
        make(3, threshold=0.3, licence="none", training_data="five others"),
    ]
    card = join_models(folders, tmp_path / "three", "three")
    joined = load_model(tmp_path / "three")
    assert joined.card == card == load_card(tmp_path / "three")
    assert (card.members, card.threshold, card.licence) == (3, 0.4, "CC BY; none")
    assert card.training_data == "five patients; five others"
    assert card.training["members"][1] == {"name": "seed-2", "sha256": load_card(folders[1]).sha256}
    for network, folder in zip(joined.networks, folders, strict=True):
        alone = load_model(folder).network.state_dict()
        assert not network.training
        assert all(torch.equal(tensor, alone[name]) for name, tensor in network.state_dict().items())


def test_an_ensemble_can_be_a_member(make: Any, tmp_path: Path) -> None:
    join_models([make(1), make(2)], tmp_path / "two", "two")
    assert join_models([tmp_path / "two", make(3)], tmp_path / "three", "three").members == 3


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ([(1, {})], "has 2 to 16 members"),
        ([(1, {}), (1, {})], "seed-1 holds the weights of another member"),
        ([(1, {}), (2, {"widths": (4, 6)})], "seed-2 has another network than seed-1"),
        ([(1, {}), (2, {"preprocessing": Preprocessing(size=64)})], "seed-2 has another preprocessing than seed-1"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    make: Any, tmp_path: Path, members: list[tuple[int, dict[str, Any]]], sentence: str
) -> None:
    with pytest.raises(LesionsegError, match=sentence):
        join_models([make(seed, **how) for seed, how in members], tmp_path / "joined", "joined")
    assert not (tmp_path / "joined").exists()


def test_no_model_is_overwritten_and_a_name_must_be_one(make: Any, tmp_path: Path) -> None:
    folders = [make(1), make(2)]
    with pytest.raises(LesionsegError, match="There is a model in .*seed-1 already"):
        join_models(folders, folders[0], "seed-1")
    with pytest.raises(LesionsegError, match="cannot be a model's name"):
        join_models(folders, tmp_path / "a b", "a b")


@pytest.mark.parametrize("asked", [1, 3, 16])
def test_a_card_that_asks_for_more_or_fewer_networks_than_there_are_is_refused(
    make: Any, tmp_path: Path, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    join_models([make(1), make(2)], tmp_path / "two", "two")
    card = json.loads((tmp_path / "two" / CARD).read_bytes())
    (tmp_path / "two" / CARD).write_text(json.dumps(card | {"members": asked}))
    made: list[object] = []
    init = DualEncoderUNet.__init__
    monkeypatch.setattr(DualEncoderUNet, "__init__", lambda self, *given: (made.append(self), init(self, *given))[1])
    with pytest.raises(LesionsegError, match="weights for another network than its card says"):
        load_model(tmp_path / "two")
    assert len(made) == 1  # No memory for what is not there.


def test_models_are_joined_on_the_command_line(make: Any, tmp_path: Path) -> None:
    words = ["models", "join", str(make(1)), str(make(2)), "-o", str(tmp_path / "both"), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["name"], told["members"]) == ("both", 2)
    assert len(load_model(tmp_path / "both").networks) == 2
