"""``lesionseg``: the same rooms as the panels, from a terminal."""
