"""The 22 findings of PadChest and Open-i, and the tree that takes PadChest's labels to them.

They are those that the earlier system for PadChest and Open-i chose: nineteen findings, films
without any, films with others only, and surgery. The tree is a text file beside this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = [
    "EXCLUDED",
    "FINDINGS",
    "NORMAL",
    "NO_INFORMATION",
    "OTHER",
    "Tree",
    "TreeError",
    "padchest_tree",
    "parse_tree",
]

NORMAL = "normal"
OTHER = "other findings"
FINDINGS = (
    "aortic elongation",
    "atelectasis",
    "cardiomegaly",
    "catheter",
    "copd signs",
    "effusion",
    "electrical device",
    "emphysema",
    "heart insufficiency",
    "infiltration",
    "mass",
    "nodule",
    NORMAL,
    "nsg tube",
    OTHER,
    "pneumonia",
    "pneumothorax",
    "pulmonary edema",
    "pulmonary fibrosis",
    "surgery",
    "thoracic cage deformation",
    "tuberculosis",
)
"""The 22 findings, in the order of the earlier system."""

EXCLUDED = "excluded"
"""Section of the tree whose labels take a film out."""

NO_INFORMATION = "no information"
"""Section of the tree whose labels say nothing about what the film shows."""

_SECTIONS = (*FINDINGS, EXCLUDED, NO_INFORMATION)
_TREE = Path(__file__).with_name("padchest_tree.txt")


class TreeError(ValueError):
    """Error of a malformed tree of labels; the message names the line."""


@dataclass(frozen=True)
class Tree:
    """Tree of labels.

    Attributes:
        sections: label or synonym in lower case -> the sections it stands in.
        parents: label in lower case -> the labels above it, nearest first.
    """

    sections: dict[str, tuple[str, ...]]
    parents: dict[str, tuple[str, ...]]

    def sections_of(self, labels: Iterable[str]) -> set[str]:
        """Sections of some labels, whatever their case.

        Raises:
            KeyError: a label has no place in the tree.
        """
        return {section for label in labels for section in self.sections[label.casefold()]}


@cache
def padchest_tree() -> Tree:
    """The tree of PadChest's labels that comes with RadLens."""
    return parse_tree(_TREE.read_text(encoding="utf-8"), _TREE.name)


def parse_tree(text: str, name: str = "tree") -> Tree:
    """Tree of labels from its text; the file beside this module says how it is written.

    Args:
        text: of the file.
        name: of the file, for messages.

    Raises:
        TreeError: a section is unknown, or a label stands before any section.
    """
    sections: dict[str, tuple[str, ...]] = {}
    parents: dict[str, tuple[str, ...]] = {}
    section = ""
    above: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        if words.startswith("["):
            section, above = words.strip("[]"), []
            if section not in _SECTIONS:
                raise TreeError(f"{name}, line {number}: there is no finding {section!r}.")
            continue
        if not section:
            raise TreeError(f"{name}, line {number}: {words!r} stands before any [finding].")
        depth = len(line) - len(line.lstrip())
        label, *synonyms = (one.strip().casefold() for one in words.split("="))
        above = [(before, one) for before, one in above if before < depth]
        parents[label] = parents.get(label, ()) + tuple(one for _, one in reversed(above))
        for one in (label, *synonyms):
            known = sections.get(one, ())
            sections[one] = known if section in known else (*known, section)
        above.append((depth, label))
    return Tree(sections, parents)
