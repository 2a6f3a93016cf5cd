"""Networks, and the folders that hold their weights and cards."""
