from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lesionseg_training.config import TrainConfig, load_config, preset_names

from napari_lesionseg.errors import LesionsegError


def test_the_presets_are_the_five_that_the_documentation_names() -> None:
    assert preset_names() == ["adapt", "covid-base", "phantom-base", "robust", "seed"]


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_survives_its_own_json(name: str) -> None:
    config = load_config(name)
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


def test_the_seed_preset_is_the_dissertations_recipe() -> None:
    config = load_config("seed")
    assert (config.dice_weight, config.bce_weight, config.pool_dice) == (0.7, 0.3, False)
    assert (config.learning_rate, config.weight_decay, config.batch_size) == (1e-4, 1e-4, 1)
    assert (config.schedule, config.step_epochs, config.step_gamma, config.epochs) == ("step", 20, 0.1, 50)
    assert (config.preprocessing.window, config.preprocessing.size, config.network.stack) == ((-1000, 400), 256, 3)
    assert (config.sampler, config.augment, config.ema, config.accumulate > 1) == ("boundary", False, 0.0, True)


def test_the_robust_preset_pools_dice_over_batches_of_eight() -> None:
    config = load_config("robust")
    assert (config.pool_dice, config.batch_size, config.sampler, config.ema) == (True, 8, "three_pool", 0.999)
    assert (config.preprocessing.crop, config.preprocessing.pixel_mm) == ("lungs", 1.25)
    assert config.prior == 0.03  # Logit −3.5.


def test_overrides_are_json_and_reach_nested_keys_by_dots() -> None:
    config = load_config(
        "robust", ["epochs=3", "network.widths=[4,8]", "preprocessing.crop=none", "name=mine", "threads=null"]
    )
    assert (config.epochs, config.network.widths, config.preprocessing.crop) == (3, (4, 8), "none")
    assert (config.name, config.threads) == ("mine", None)
    assert config.preprocessing.pixel_mm == 1.25  # The rest of the nested part stays.


def test_the_last_of_two_overrides_counts() -> None:
    assert load_config("robust", ["epochs=3", "epochs=4"]).epochs == 4


def test_given_values_count_before_the_file_and_after_the_overrides() -> None:
    given = {"preprocessing": {"size": 96}, "threshold": 0.3, "epochs": 7}
    config = load_config("adapt", ["threshold=0.4", "preprocessing.clahe_clip=2"], given)
    assert (config.preprocessing.size, config.preprocessing.clahe_clip) == (96, 2.0)
    assert (config.threshold, config.epochs) == (0.4, 7)
    assert given["preprocessing"] == {"size": 96}


def test_a_file_is_a_configuration_too(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({"epochs": 5}))
    assert load_config(tmp_path / "mine.json").epochs == 5


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("epoch=3", r"epoch in robust is not valid: Extra inputs are not permitted; correct it\."),
        ("network.width=[4,8]", r"network\.width in robust is not valid"),
        ("epochs=0", r"epochs in robust is not valid: Input should be greater than or equal to 1; correct it\."),
        ("epochs=2.5", r"epochs in robust is not valid"),
        ("device=banana", r"device in robust is not valid: Input should be 'auto', 'cpu', 'cuda' or 'mps'"),
        ("learning_rate=Infinity", r"learning_rate in robust is not valid: Input should be a finite number"),
        ("learning_rate=NaN", r"learning_rate in robust is not valid"),
        ("zoom=[0, 1]", r"robust is not valid: zoom is a range of positive magnifications"),
        ("zoom=[1.2, 0.8]", r"zoom is a range of positive magnifications, the smaller first; correct it\."),
        ("patch=null", r"slices of free size cannot share a batch: give patch, or batch_size=1; correct it\."),
        ("epochs", r"--set epochs has no value; write key=value\."),
        ("epochs.more=3", r"--set epochs.more=3: epochs has no parts; correct the key\."),
        ("name=../../etc", r"name in robust is not valid"),
    ],
)
def test_a_bad_override_is_told_in_one_sentence(override: str, sentence: str) -> None:
    with pytest.raises(LesionsegError, match=sentence) as told:
        load_config("robust", [override])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [None, "", "{", "\xff", "[" * 100_000])
def test_a_file_that_cannot_be_read_is_told_with_the_presets_there_are(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(LesionsegError, match="no readable configuration .*mine.json; .* adapt, covid-base, phantom-b"):
        load_config(path)


def test_a_file_that_holds_a_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(LesionsegError, match=r"list.json is not a configuration: it holds no JSON object"):
        load_config(tmp_path / "list.json", ["epochs=3"])


def test_configuration_and_events_are_read_without_torch() -> None:
    code = (
        "import sys, lesionseg_training.config as c, lesionseg_training.events; c.load_config('robust');"
        "print([name for name in ('torch', 'cv2', 'matplotlib', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
