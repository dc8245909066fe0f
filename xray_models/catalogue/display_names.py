"""Display names of labels."""

from __future__ import annotations

__all__ = ["display_name", "sentence_name"]


def display_name(label: str) -> str:
    """Display name of a label: "Pleural_Thickening" reads "Pleural thickening".

    Files, links and the API keep the raw name. A label without an underscore is already words.
    """
    words = label.split("_")
    return " ".join([words[0], *(word if word.isupper() else word.lower() for word in words[1:])])


def sentence_name(label: str) -> str:
    """Name of a label within a sentence: "Pleural_Thickening" reads "pleural thickening"."""
    first, *others = display_name(label).split(" ")
    shouted = len(first) > 1 and first.isupper()
    return " ".join([first if shouted else f"{first[0].lower()}{first[1:]}", *others])
