"""Edit tools: each gives new slices of the mask, or says in one sentence why it cannot act; none writes anything."""
