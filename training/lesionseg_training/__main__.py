"""``python -m lesionseg_training``: what ``lesionseg-train`` runs."""

from lesionseg_training.cli import run

run()
