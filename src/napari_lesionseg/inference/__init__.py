"""A scan in, a probability out."""
