"""What runs a network: each backend gives the same logits, as nearly as its numbers allow."""
