"""Open each file as a program does that runs what it reads; called by test_hostile_files.py as a process of its own."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml

OPENERS: list[Callable[[Path], object]] = [
    lambda path: pickle.loads(path.read_bytes()),
    lambda path: torch.load(path, weights_only=False),
    lambda path: yaml.unsafe_load(path.read_bytes()),
    lambda path: np.load(path, allow_pickle=True)["arr_0"],
    lambda path: np.load(path, allow_pickle=True),
]


def main(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        child = os.fork()
        if not child:
            for opener in OPENERS:
                try:
                    opener(path)
                except BaseException:
                    continue
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
