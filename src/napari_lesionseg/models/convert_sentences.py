"""What is wrong with a foreign state dict, in words for the user."""

from __future__ import annotations

import re
from typing import Any

GO_ON = "ask its author for a plain state dict or safetensors"


def sentence(what: str, told: dict[str, Any]) -> str:
    """What is wrong with the file, without its name.

    Parameters
    ----------
    what, told
        The child's words for it. The child has read a hostile file: nothing here is printed as it came.

    Raises
    ------
    LookupError, TypeError, ValueError, OverflowError
        If they are not words that a child would find.
    """
    if what == "code":
        return f"asks for {_plain(told['asks_for'])} when it is opened, so it is more than weights; {GO_ON}"
    if what == "names":
        parts = [f"{kind} {_listed(told[kind])}" for kind in ("missing", "unexpected") if told[kind]["count"]]
        return f"does not fit the network on the card: {'; '.join(parts)}; choose another card or give --rename"
    if what == "shape":
        found, wanted = ("×".join(str(int(side)) for side in told[key]) or "one number" for key in ("found", "wanted"))
        return f"does not fit the network on the card: {_plain(told['name'])} is {found}, not {wanted}; choose another"
    reasons = {
        "values": "holds weights that are not finite numbers; choose another file",
        "memory": f"asks for more memory than weights of this network need; {GO_ON}",
        "no state dict": f"holds no tensors by name; {GO_ON}",
        "unreadable": f"is not a state dict that PyTorch can read; {GO_ON}",
    }
    return reasons[what]


def _listed(names: dict[str, Any]) -> str:
    first = ", ".join(_plain(name) for name in names["first"][:3])
    more = int(names["count"]) - len(names["first"][:3])
    return f"{first} and {more} more" if more > 0 else first


def _plain(name: object) -> str:
    """A name out of a hostile file, fit for a terminal."""
    return re.sub(r"[^A-Za-z0-9_.-]", "?", str(name)[:100])
