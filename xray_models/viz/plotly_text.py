"""Text from outside in Plotly's figures, where <b>, <a href="…">, &lt;, %{x} and $x$ are markup."""

from __future__ import annotations

__all__ = ["escaped"]

# Plotly knows few entities by name (&quot; is not among them) and all by number
_MARKUP = str.maketrans(
    {mark: f"&#{ord(mark)};" for mark in "{$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)


def escaped(text: object) -> str:
    """Text that Plotly shows letter by letter: as a name, a tick, an annotation or a hover."""
    return str(text).translate(_MARKUP)
