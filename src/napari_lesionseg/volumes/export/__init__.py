"""Masks out, in the formats other tools read; each file is read back and proved equal before it is called saved."""
