"""A workbench for lesions in chest CT: segment, compare, correct, export, retrain."""

__version__ = "0.1.0"
