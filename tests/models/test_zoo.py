"""Models are found by name, bundled or one's own, and a name never leads out of their folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models import zoo
from napari_lesionseg.models.card import CARD, WEIGHTS, ModelCard, load_model, save_model
from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.models.zoo import find_model, install_model, list_models, local_models


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an empty folder of bundled models."""
    monkeypatch.setenv("LESIONSEG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(zoo, "BUNDLED", tmp_path / "bundled")
    return tmp_path / "home"


def make(folder: Path, name: str | None = None, description: str = "") -> Path:
    """A model folder with weights of its own."""
    network = DualEncoderUNet(DualEncoderConfig(widths=(2, 2)))
    save_model(folder, network, ModelCard(name=name or folder.name, description=description))
    return folder


def test_models_lie_where_the_environment_says(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert local_models() == home / "models"
    monkeypatch.setenv("LESIONSEG_HOME", str(tmp_path / "other"))
    assert local_models() == tmp_path / "other" / "models"
    monkeypatch.setenv("LESIONSEG_HOME", "")
    assert local_models().parent.name == "napari-lesionseg"


def test_without_a_model_the_list_is_empty_and_the_sentence_says_so() -> None:
    assert list_models() == []
    with pytest.raises(LesionsegError, match="no model missing; .* one of: none"):
        find_model("missing")


def test_the_default_comes_first_then_the_others_by_name(home: Path, tmp_path: Path) -> None:
    for folder in ("bundled/zebra", f"bundled/{zoo.DEFAULT_MODEL}", "home/models/ant"):
        make(tmp_path / folder)
    assert [info.name for info in list_models()] == [zoo.DEFAULT_MODEL, "ant", "zebra"]
    with pytest.raises(LesionsegError, match=f"one of: {zoo.DEFAULT_MODEL}, ant, zebra"):
        find_model("bee")


def test_ones_own_model_hides_a_bundled_one_of_its_name(tmp_path: Path) -> None:
    bundled, own = tmp_path / "bundled" / "base", tmp_path / "home" / "models" / "base"
    make(bundled, description="bundled")
    assert find_model("base") == bundled
    make(own, description="own")
    assert find_model("base") == own
    assert [(info.name, info.card.description, info.folder) for info in list_models()] == [("base", "own", own)]


def test_a_damaged_card_is_left_out_of_the_list_and_told_when_asked_for(tmp_path: Path) -> None:
    make(tmp_path / "home" / "models" / "good")
    bad = make(tmp_path / "home" / "models" / "bad")
    (bad / CARD).write_text("{")
    assert [info.name for info in list_models()] == ["good"]
    with pytest.raises(LesionsegError, match="is not a valid model card"):
        load_model(find_model("bad"))


def test_a_model_folder_anywhere_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path / "elsewhere" / "mine")
    assert find_model(folder) == folder
    assert find_model(str(folder)) == folder
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_model("mine") == Path("mine")
    (tmp_path / "elsewhere" / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere" / "deeper")
    assert find_model("../mine") == Path("../mine")


@pytest.mark.hazard("H19")
@pytest.mark.parametrize(
    "name", ["../evil", "../../bundled/../evil", "good/../../evil", "..", ".", "", "evil\0", "x" * 5000]
)
def test_a_name_with_dots_does_not_lead_out_of_the_models(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make(home / "models" / "good")
    for place in (home / "evil", tmp_path / "evil"):  # Beside both folders of models.
        make(place)
    (tmp_path / "here" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "deep")
    with pytest.raises(LesionsegError, match="There is no model"):
        find_model(name)


def test_an_installed_model_is_a_copy_under_the_name_on_its_card(home: Path, tmp_path: Path) -> None:
    folder = make(tmp_path / "download", name="lungs-2")
    info = install_model(folder)
    assert (info.name, info.folder) == ("lungs-2", home / "models" / "lungs-2")
    assert sorted(path.name for path in info.folder.iterdir()) == [CARD, WEIGHTS]
    assert find_model("lungs-2") == info.folder
    for name in (CARD, WEIGHTS):
        assert (info.folder / name).read_bytes() == (folder / name).read_bytes()
        os.remove(folder / name)
    assert load_model(info.folder).card.name == "lungs-2"


def test_installing_the_same_model_again_is_no_error(home: Path, tmp_path: Path) -> None:
    folder = make(tmp_path / "small")
    assert install_model(folder) == install_model(folder) == install_model(home / "models" / "small")


def test_another_model_of_an_installed_name_is_refused_and_the_old_one_stays(home: Path, tmp_path: Path) -> None:
    install_model(make(tmp_path / "one" / "small"))
    before = (home / "models" / "small" / WEIGHTS).read_bytes()
    with pytest.raises(LesionsegError, match="A model small is installed already; give the new one another name"):
        install_model(make(tmp_path / "two" / "small"))
    assert (home / "models" / "small" / WEIGHTS).read_bytes() == before


@pytest.mark.parametrize("damage", [CARD, WEIGHTS])
def test_installing_again_mends_a_damaged_copy(home: Path, tmp_path: Path, damage: str) -> None:
    folder = make(tmp_path / "small")
    (install_model(folder).folder / damage).write_bytes(b"damaged")
    install_model(folder)
    assert load_model(home / "models" / "small").card.name == "small"


@pytest.mark.hazard("H18")
@pytest.mark.hazard("H19")
def test_a_damaged_or_hostile_model_is_not_installed(home: Path, tmp_path: Path) -> None:
    folder = make(tmp_path / "small")
    card = (folder / CARD).read_text()
    (folder / CARD).write_text(card.replace('"name": "small"', '"name": "../../evil"'))
    with pytest.raises(LesionsegError, match=r"not a valid model card \(name\)"):
        install_model(folder)
    (folder / CARD).write_text(card)
    (folder / WEIGHTS).write_bytes(b"other weights")
    with pytest.raises(LesionsegError, match="does not match"):
        install_model(folder)
    assert not home.exists()
    assert not (tmp_path / "evil").exists()


@pytest.mark.hazard("H3")
def test_a_full_disk_while_installing_is_one_sentence_and_leaves_no_model(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "small")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(LesionsegError, match="No space left"):
        patch.setattr(os, "fsync", full)
        install_model(folder)
    assert list_models() == []
    assert list((home / "models" / "small").iterdir()) == []
