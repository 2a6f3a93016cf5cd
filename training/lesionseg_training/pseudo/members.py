"""What each member of a model says of a scan, as it is and mirrored: where they differ, none is believed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.volumes.volume import Mask, Volume

Bytes = npt.NDArray[np.uint8]


def predict_members(scan: Volume, model: LoadedModel, device: str = "auto") -> tuple[list[Bytes], Mask | None]:
    """Predict with each network of ``model``, once as the scan is and once with left and right exchanged.

    Returns
    -------
    tuple
        p·255 (z, y, x) of each, twice as many as there are networks, without what a guard holds back; and the lungs,
        where they can be told.
    """
    card = model.card.model_copy(update={"guard": None, "members": 1})
    mirrored = Volume(np.ascontiguousarray(scan.array[..., ::-1]), scan.geometry, scan.intensity)
    found: list[Bytes] = []
    lungs: Mask | None = None
    for network in model.networks:
        alone = LoadedModel(network, card)
        plain = predict(scan, alone, device=device)
        lungs = plain.lungs
        turned = predict(mirrored, alone, device=device).probability[..., ::-1]
        found += [plain.probability, np.ascontiguousarray(turned)]
    return found, lungs
