"""Generated chest CT with lesions and their truth, to train on, test with and show.

Slice by slice, formulas give the anatomy, trees the vessels and airways, noise fields the lesions, and a scanner the
blur, the noise and the grid. All of it follows from a seed; nothing is taken from a patient.
"""

from napari_lesionseg.volumes.phantom.case import PhantomCase, make_case
from napari_lesionseg.volumes.phantom.scanner import Scanner

__all__ = ["PhantomCase", "Scanner", "make_case"]
