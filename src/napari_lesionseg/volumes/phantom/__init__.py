"""Generated chest CT with lesions and their truth, to train on, test with and show.

Slice by slice, formulas give the anatomy, trees the vessels and airways, noise fields the lesions, and a scanner the
blur, the noise and the grid. All of it follows from a seed; nothing is taken from a patient. Lesions can also be
painted into lesion-free scans, generated or not: ``paint_lesions``.
"""

from napari_lesionseg.volumes.phantom.case import PhantomCase, make_case
from napari_lesionseg.volumes.phantom.lesion_shapes import LesionShape, cut_shapes
from napari_lesionseg.volumes.phantom.painted import paint_lesions
from napari_lesionseg.volumes.phantom.scanner import Scanner

__all__ = ["LesionShape", "PhantomCase", "Scanner", "cut_shapes", "make_case", "paint_lesions"]
