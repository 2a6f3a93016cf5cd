"""What the user sees: thin panels, the presenters that answer them, and the one file that touches napari's layers."""
