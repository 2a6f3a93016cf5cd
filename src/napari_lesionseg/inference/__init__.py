"""Scan in, probability out."""
