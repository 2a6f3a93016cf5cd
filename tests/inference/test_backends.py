"""Every backend marks what the network in float32 marks; which one is chosen; and what is kept of a converted one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.backends import choose, converted, openvino_cpu
from napari_lesionseg.inference.backends.backend import Backend
from napari_lesionseg.inference.backends.openvino_cpu import OpenVinoCpu
from napari_lesionseg.inference.backends.torch_eager import TorchEager
from napari_lesionseg.inference.backends.torch_fast import TorchFast, has_bfloat16
from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import LoadedModel, ModelCard, load_model
from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.models.zoo import find_model
from napari_lesionseg.review.metrics import dice
from napari_lesionseg.volumes import Volume, read_scan
from napari_lesionseg.volumes.phantom import make_case

pytest.importorskip("openvino")
MAKE: dict[str, Callable[[DualEncoderUNet], Backend]] = {
    "torch, float32": lambda network: TorchFast(network, "cpu", half=False),
    "torch, bfloat16": lambda network: TorchFast(network, "cpu", half=True),
    "openvino, float32": lambda network: OpenVinoCpu(network, half=False),
    "openvino, bfloat16": lambda network: OpenVinoCpu(network, half=True),
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converted.platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))


def network(neighbours: int = 1) -> DualEncoderUNet:
    """A small one whose norms have weights of their own."""
    torch.manual_seed(0)
    made = DualEncoderUNet(DualEncoderConfig(widths=(4, 8, 12), neighbours=neighbours)).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.InstanceNorm2d):
            torch.nn.init.normal_(module.weight, 1, 0.2)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return made


def stack(count: int, planes: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, planes, height, width)).astype(np.uint8)


@pytest.mark.parametrize("how", ["torch, float32", "openvino, float32"])
@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (2, 3, 37, 51), (1, 5, 3, 9)])
def test_in_float32_the_logits_are_those_of_the_network(how: str, shape: tuple[int, int, int, int]) -> None:
    made, given = network(neighbours=shape[1] // 2), stack(*shape)
    wanted = TorchEager(made, "cpu").logits(given)
    found = MAKE[how](made).logits(given)
    assert found.shape == wanted.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_one_after_the_other_pictures_of_several_sizes_are_marked() -> None:
    made = network()
    backend, eager = OpenVinoCpu(made, half=False), TorchEager(made, "cpu")
    for shape in [(1, 3, 32, 40), (2, 3, 32, 40), (1, 3, 64, 20), (1, 3, 32, 40)]:
        given = stack(*shape)
        np.testing.assert_allclose(backend.logits(given), eager.logits(given), atol=2e-4)


def test_the_network_that_was_given_stays_as_it_was() -> None:
    made = network().train()
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    for make in MAKE.values():
        make(made).logits(stack(1, 3, 16, 16))
    assert made.training and any(isinstance(module, torch.nn.InstanceNorm2d) for module in made.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.state_dict().items())
    assert all(parameter.requires_grad for parameter in made.parameters())


def agreement(scan: Volume, model: LoadedModel, slices: range, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Dice of each backend's mask with that of the network in float32."""

    def masks(make: Callable[[DualEncoderUNet], Backend]) -> np.ndarray:
        monkeypatch.setattr(
            "napari_lesionseg.inference.predict.choose_backends", lambda model, *_: [make(model.network)]
        )
        return predict(scan, model, device="cpu", slices=slices).mask().array

    wanted = masks(lambda one: TorchEager(one, "cpu"))
    assert wanted.any()
    return {how: dice(masks(make), wanted) or 0.0 for how, make in MAKE.items()}


def test_on_a_phantom_all_mark_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = make_case(4, (24, 160, 160)).scan
    found = agreement(scan, load_model(find_model("phantom-base")), range(24), monkeypatch)
    assert len(found) == 4
    assert min(found.values()) >= 0.999, found


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "slices"),
    [("covid_ma20_8bit/coronacases_010/ct.nii.gz", range(80, 88)), ("nsclc_ct/LUNG1-002/ct.nii.gz", range(50, 56))],
)
def test_on_real_scans_all_mark_the_same(
    shared_data: Path, file: str, slices: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = read_scan(shared_data / file)
    found = agreement(scan, load_model(find_model("covid-base")), slices, monkeypatch)
    assert min(found.values()) >= 0.999, found


# ---- which one


def loaded(sha256: str = "") -> LoadedModel:
    return LoadedModel(network(), ModelCard(name="small", sha256=sha256))


def test_openvino_is_chosen_on_the_cpu_for_weights_that_have_a_name(
    conversions: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = replace(loaded("ab" * 32), others=(network(),))
    assert [one.name for one in choose.choose_backends(both, "cpu")] == ["openvino"] * 2
    assert [one.name for one in choose.choose_backends(both, "cpu", "torch")] == ["torch"] * 2
    assert [one.name for one in choose.choose_backends(loaded(), "cpu")] == ["torch"]
    assert [one.name for one in choose.choose_backends(loaded(), "cpu", "openvino")] == ["openvino"]
    monkeypatch.setattr(choose, "has_openvino", lambda: False)
    assert [one.name for one in choose.choose_backends(both, "cpu")] == ["torch"] * 2


def test_what_cannot_be_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LesionsegError, match="no backend abacus; choose one of: auto, torch, openvino"):
        choose.choose_backends(loaded(), "cpu", "abacus")
    with pytest.raises(LesionsegError, match="on the CPU alone; choose cpu, or torch for cuda"):
        choose.choose_backends(loaded(), "cuda", "openvino")
    monkeypatch.setattr(choose, "has_openvino", lambda: False)
    with pytest.raises(LesionsegError, match="not installed; install it"):
        choose.choose_backends(loaded(), "cpu", "openvino")


def test_where_openvino_fails_torch_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(openvino_cpu, "_convert", fail)
    assert [one.name for one in choose.choose_backends(loaded("ab" * 32), "cpu")] == ["torch"]
    with pytest.raises(LesionsegError, match="OpenVINO cannot run small; choose torch"):
        choose.choose_backends(loaded("ab" * 32), "cpu", "openvino")


def test_bfloat16_is_for_processors_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for abilities, wanted in (({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=abilities: found)
        assert has_bfloat16("cpu") == wanted
    assert not has_bfloat16("mps")


# ---- what is kept


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One item for each conversion; what is converted is next to nothing, for a network takes seconds."""
    done: list[object] = []

    def convert(one: object) -> tuple[Any, Any]:
        from openvino import Model, opset13

        done.append(one)
        given = [opset13.parameter([1, 3, 8, 8], np.float32) for _ in range(2)]
        return tuple(Model([opset13.relu(one)], [one]) for one in given)  # type: ignore[return-value]

    monkeypatch.setattr(openvino_cpu, "_convert", convert)
    return done


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "converted").glob("*"))


def test_a_kept_network_marks_as_it_did_when_it_was_converted(tmp_path: Path) -> None:
    given = stack(1, 3, 32, 32)
    first, second = (OpenVinoCpu(network(), "weights", half=False).logits(given) for _ in range(2))
    assert np.array_equal(first, second) and len(kept(tmp_path)) == 1


def test_a_network_is_converted_once(conversions: list[object], tmp_path: Path) -> None:
    for key in ("weights", "weights", "others", "weights", ""):
        OpenVinoCpu(network(), key)
    assert len(conversions) == 3 and len(kept(tmp_path)) == 2


@pytest.mark.parametrize("file", ["encoder.xml", "decoder.xml", "sha256"])
def test_a_damaged_one_is_made_anew(conversions: list[object], tmp_path: Path, file: str) -> None:
    OpenVinoCpu(network(), "weights")
    damaged = kept(tmp_path)[0] / file
    content = damaged.read_bytes()
    damaged.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    OpenVinoCpu(network(), "weights")
    OpenVinoCpu(network(), "weights")
    assert len(conversions) == 2


def test_the_ones_used_last_are_kept(
    conversions: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converted, "KEPT", 2)
    for number in range(4):
        OpenVinoCpu(network(), f"weights {number}")
        OpenVinoCpu(network(), "weights 0")
    assert len(kept(tmp_path)) == 2
    assert len(conversions) == 4


def test_a_disk_that_cannot_be_written_to_costs_nothing_but_time(conversions: list[object], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    for _ in range(2):
        OpenVinoCpu(network(), "weights")
    assert len(conversions) == 2


LISTEN = """
import socket, sys
told = []
socket.socket.connect = lambda self, address: told.append(address)
socket.getaddrinfo = lambda *given, **named: told.append(given) or []
from napari_lesionseg.inference.backends.openvino_import import import_openvino
openvino = import_openvino()
import torch
openvino.convert_model(torch.nn.Conv2d(1, 1, 3), example_input=torch.zeros(1, 1, 8, 8))
from openvino.tools import ovc
print(type(ovc.telemetry).__module__, told, sys.modules["openvino_telemetry"])
"""


@pytest.mark.hazard("H21")
def test_openvino_tells_nobody_that_it_is_used(tmp_path: Path) -> None:
    run: Any = subprocess.run([sys.executable, "-c", LISTEN], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout.split("\n")[-2] == "openvino.tools.ovc.telemetry_stub [] None"
