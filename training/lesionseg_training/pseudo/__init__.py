"""What a model's own predictions on unlabelled scans are believed of, and what is left to people."""
