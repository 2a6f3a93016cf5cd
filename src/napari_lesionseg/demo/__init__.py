"""The workbench shown on generated scans: ``python -m napari_lesionseg.demo``."""

from napari_lesionseg.demo.command import main

__all__ = ["main"]
