"""A model folder is data only, and is loaded only if it is what its card says."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import (
    CARD,
    WEIGHTS,
    LoadedModel,
    ModelCard,
    load_card,
    load_model,
    save_model,
    verify,
)
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet

SMALL = DualEncoderConfig(widths=(4, 8), neighbours=2)


@pytest.fixture
def network() -> DualEncoderUNet:
    torch.manual_seed(3)
    return DualEncoderUNet(SMALL)


@pytest.fixture
def folder(tmp_path: Path, network: DualEncoderUNet) -> Path:
    card = ModelCard(
        name="small",
        preprocessing=Preprocessing(grey_levels="clahe", window=(-900, 300)),
        threshold=0.4,
        licence="none",
        metrics={"dice": {"mean": 0.5, "interval": [0.4, 0.6]}},
    )
    save_model(tmp_path / "small", network, card)
    return tmp_path / "small"


def rewrite(folder: Path, **fields: Any) -> None:
    """Put ``fields`` on the card, unchecked."""
    card = json.loads((folder / CARD).read_bytes())
    (folder / CARD).write_text(json.dumps(card | fields))


def sign(folder: Path) -> None:
    """Put the hash of whatever weights there are on the card, as one who means harm would."""
    rewrite(folder, sha256=hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest())


def refusal(folder: Path) -> str:
    """The sentence with which the model in ``folder`` is refused."""
    with pytest.raises(LesionsegError) as caught:
        load_model(folder)
    sentence = str(caught.value)
    assert str(folder) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def same_weights(one: DualEncoderUNet, two: DualEncoderUNet) -> bool:
    pairs = zip(one.state_dict().items(), two.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_a_model_comes_back_as_it_was_saved(folder: Path, network: DualEncoderUNet) -> None:
    model = load_model(folder)
    assert isinstance(model, LoadedModel)
    assert same_weights(model.network, network)
    assert not model.network.training
    assert model.folder == folder
    assert model.card.architecture == SMALL  # The network's own, not the default the card was made with.
    assert model.card.preprocessing == Preprocessing(grey_levels="clahe", window=(-900, 300))
    assert (model.card.name, model.card.threshold, model.card.licence) == ("small", 0.4, "none")
    assert model.card.metrics["dice"]["interval"] == [0.4, 0.6]


def test_a_model_folder_holds_weights_and_a_card_and_no_more(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [CARD, WEIGHTS]
    assert (
        json.loads((folder / CARD).read_bytes())["sha256"]
        == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    )


def test_saving_returns_the_card_that_was_written(folder: Path, network: DualEncoderUNet) -> None:
    assert save_model(folder, network, ModelCard(name="again")) == load_card(folder) == verify(folder)


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("place", [0, 9, 500, -1])
def test_one_flipped_bit_in_the_weights_is_refused(folder: Path, place: int) -> None:
    weights = bytearray((folder / WEIGHTS).read_bytes())
    weights[place] ^= 1
    (folder / WEIGHTS).write_bytes(weights)
    assert "does not match the SHA-256 on its card" in refusal(folder)
    assert load_card(folder).name == "small"  # The card alone may still be shown.


@pytest.mark.parametrize("hashed", ["", "0" * 64])
def test_a_card_with_no_or_another_hash_is_refused(folder: Path, hashed: str) -> None:
    rewrite(folder, sha256=hashed)
    assert "does not match" in refusal(folder)


def test_missing_weights_are_refused(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    assert f"no readable {WEIGHTS}" in refusal(folder)


def test_a_folder_without_a_card_is_no_model(folder: Path, tmp_path: Path) -> None:
    (folder / CARD).unlink()
    for place in (folder, tmp_path / "missing", tmp_path):
        assert "is not a model folder" in refusal(place)
    (folder / CARD).mkdir()
    assert "is not a model folder" in refusal(folder)


@pytest.mark.hazard("H18")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"name": "x"',
        b"\xff\xfe\x00",
        b"\x80\x04]\x94.",
        b"[" * 100_000,
        b'{"name": ' + b'{"a": ' * 20_000,
        b'{"name": "x", "threshold": 1e999}',
        b'{"name": "x", "threshold": NaN}',
        b"!!python/object/apply:os.system ['touch executed']",
        pickle.dumps({"name": "x"}),
    ],
)
def test_a_damaged_card_is_one_sentence(folder: Path, content: bytes) -> None:
    (folder / CARD).write_bytes(content)
    assert "is not a valid model card" in refusal(folder)


@pytest.mark.hazard("H18")
@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"unheard_of": 1}, "unheard_of"),
        ({"architecture": {"widths": [4, 8], "code": "import os"}}, "architecture.code"),
        ({"preprocessing": {"hook": "x"}}, "preprocessing.hook"),
        ({"name": "../../evil"}, "name"),
        ({"name": "evil\n"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"architecture": {"widths": [10**9, 10**9]}}, "architecture.widths.0"),
        ({"architecture": {"widths": [4, -8]}}, "architecture.widths.1"),
        ({"architecture": {"neighbours": 10**6}}, "architecture.neighbours"),
        ({"preprocessing": {"size": 10**6}}, "preprocessing.size"),
        ({"preprocessing": {"pixel_mm": 1e-9}}, "preprocessing.pixel_mm"),
        ({"preprocessing": {"margin_mm": float("inf")}}, "preprocessing.margin_mm"),
        ({"preprocessing": {"clahe_clip": float("nan")}}, "preprocessing.clahe_clip"),
        ({"preprocessing": {"window": [100, 100]}}, "preprocessing"),
        ({"preprocessing": {"window": [float("-inf"), 0]}}, "preprocessing.window.0"),
    ],
)
def test_a_hostile_field_is_refused_and_named(folder: Path, fields: dict[str, Any], where: str) -> None:
    rewrite(folder, **fields)
    assert f"is not a valid model card ({where})" in refusal(folder)


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    rewrite(folder, architecture={"neighbours": 1, "widths": [4, 8]})
    assert "weights for another network" in refusal(folder)
    rewrite(folder, architecture={"neighbours": 2, "widths": [4, 8, 16]})
    assert "weights for another network" in refusal(folder)


@pytest.mark.parametrize("change", ["one missing", "one too many"])
def test_weights_that_lack_a_part_or_bring_one_are_refused(folder: Path, change: str) -> None:
    weights = load_file(folder / WEIGHTS)
    if change == "one missing":
        del weights["head.bias"]
    else:
        weights["surprise"] = torch.zeros(3)
    save_file(weights, folder / WEIGHTS)
    sign(folder)
    assert "weights for another network" in refusal(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(folder: Path, value: float) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["head.bias"][0] = value
    save_file(weights, folder / WEIGHTS)
    sign(folder)
    assert "not numbers" in refusal(folder)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.hazard("H18")
@pytest.mark.parametrize("content", ["pickle", "torch.save", "nothing", "a header of 2^60 bytes", "no JSON"])
def test_signed_weights_that_are_no_safetensors_are_refused_and_never_run(
    folder: Path, tmp_path: Path, content: str
) -> None:
    path = folder / WEIGHTS
    if content == "pickle":
        path.write_bytes(pickle.dumps(Trap(tmp_path / "executed")))
    elif content == "torch.save":
        torch.save({"head.bias": Trap(tmp_path / "executed")}, path)
    else:
        odd = {"nothing": b"", "a header of 2^60 bytes": (2**60).to_bytes(8, "little"), "no JSON": b"\4" + bytes(11)}
        path.write_bytes(odd[content])
    sign(folder)
    assert "weights for another network" in refusal(folder)
    assert not (tmp_path / "executed").exists()


@pytest.mark.hazard("H3")
def test_a_save_cut_short_between_weights_and_card_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import napari_lesionseg.models.card as module

    write = module.write_atomically

    def only_weights(path: Path, data: bytes) -> None:
        if path.name == CARD:
            raise KeyboardInterrupt
        write(path, data)

    torch.manual_seed(99)
    monkeypatch.setattr(module, "write_atomically", only_weights)
    with pytest.raises(KeyboardInterrupt):
        save_model(folder, DualEncoderUNet(SMALL), ModelCard(name="small"))
    assert "does not match" in refusal(folder)
