"""From a file to a mask as one would write it in an hour: ``python benchmarks/naive_pipeline.py SCAN OUT SECONDS``.

nibabel in float64, every slice shrunk by scikit-image, the network as it is trained in batches of eight, probabilities
enlarged, nibabel to write. The peer of ``lesionseg predict``; its seconds from file to mask are written to SECONDS.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from skimage.transform import resize

from napari_lesionseg.models.card import load_model
from napari_lesionseg.models.zoo import find_model

SIDE, BATCH = 256, 8


def main(scan: Path, out: Path, seconds: Path) -> None:
    network = load_model(find_model("covid-base")).network
    began = time.perf_counter()
    image = nib.load(scan)
    volume = np.clip((image.get_fdata() + 1000) / 1400, 0, 1)
    small = np.stack([resize(volume[..., z], (SIDE, SIDE), anti_aliasing=True) for z in range(volume.shape[2])])
    padded = np.pad(small, ((1, 1), (0, 0), (0, 0)), mode="edge")
    stacks = np.stack([padded[z : z + 3] for z in range(len(small))]).astype(np.float32)
    found = []
    with torch.no_grad():
        for first in range(0, len(stacks), BATCH):
            found.append(torch.sigmoid(network(torch.from_numpy(stacks[first : first + BATCH])))[:, 0].numpy())
    shares = [resize(one, volume.shape[:2]) for one in np.concatenate(found)]
    mask = (np.stack(shares, axis=-1) >= 0.5).astype(np.uint8)
    nib.save(nib.Nifti1Image(mask, image.affine), out)
    seconds.write_text(str(time.perf_counter() - began))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
