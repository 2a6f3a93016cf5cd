"""Which backend runs a model."""

from __future__ import annotations

import logging

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.backends.backend import Backend
from napari_lesionseg.inference.backends.openvino_cpu import OpenVinoCpu
from napari_lesionseg.inference.backends.openvino_import import has_openvino
from napari_lesionseg.inference.backends.torch_eager import TorchEager
from napari_lesionseg.inference.backends.torch_fast import TorchFast
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.models.network import LesionNetwork

BACKENDS = ("auto", "torch", "openvino")
_log = logging.getLogger(__name__)


def choose_backends(model: LoadedModel, device: str, wanted: str = "auto") -> list[Backend]:
    """Make each member of ``model`` ready on ``device``.

    ``auto`` is OpenVINO on the CPU where it is installed and the weights have a hash to keep them under, else torch.
    Networks to compare with are run by torch as they are.

    Raises
    ------
    LesionsegError
        If the backend is unknown, not installed, or not for this device.
    """
    check_backend(wanted)
    if wanted == "openvino" and device != "cpu":
        raise LesionsegError(f"OpenVINO runs on the CPU alone; choose cpu, or torch for {device}.")
    ours = isinstance(model.network, DualEncoderUNet)
    if wanted == "openvino" and not ours:
        raise LesionsegError(f"OpenVINO runs dual encoders alone and {model.card.name} is none; choose torch.")
    if wanted == "openvino" or (wanted == "auto" and device == "cpu" and ours and has_openvino() and model.card.sha256):
        try:
            return _openvino(model)
        except (RuntimeError, ImportError) as error:
            if wanted == "openvino":
                raise LesionsegError(f"OpenVINO cannot run {model.card.name}; choose torch.") from error
            _log.warning("OpenVINO cannot run %s, torch does: %s", model.card.name, type(error).__name__)
    return [_torch(network, device) for network in model.networks]


def check_backend(wanted: str) -> None:
    """Raise LesionsegError if the backend is unknown or not installed."""
    if wanted not in BACKENDS:
        raise LesionsegError(f"There is no backend {wanted}; choose one of: {', '.join(BACKENDS)}.")
    if wanted == "openvino" and not has_openvino():
        raise LesionsegError("OpenVINO is not installed; install it (pip install openvino) or choose torch.")


def _torch(network: LesionNetwork, device: str) -> Backend:
    return TorchFast(network, device) if isinstance(network, DualEncoderUNet) else TorchEager(network, device)


def _openvino(model: LoadedModel) -> list[Backend]:
    key = model.card.sha256
    networks = [network for network in model.networks if isinstance(network, DualEncoderUNet)]
    return [OpenVinoCpu(network, f"{key}-{at}" if key else "") for at, network in enumerate(networks)]
