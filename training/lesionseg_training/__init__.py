"""The headless trainer: data, sampling, losses, fit, evaluate."""
