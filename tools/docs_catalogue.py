"""The page of model cards in the documentation, a section a model.

MkDocs runs this file at each build (plugin gen-files); nothing is written beside the sources.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import mkdocs_gen_files

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from xray_models.catalogue import Card, shipped
from xray_models.catalogue.display_names import display_name
from xray_models.number_text import with_interval
from xray_models.report.model_text import headlines, listed

__all__ = ["catalogue_page", "section"]


def catalogue_page(cards: Iterable[Card]) -> str:
    """Markdown of all cards, under one heading."""
    head = [
        "# Model cards",
        "",
        "Made from the cards in `assets/models/` when this page was built. "
        "[How the figures were measured, and all of them](models.md).",
        "",
    ]
    return "\n".join(head) + "\n".join(map(section, cards))


def section(card: Card) -> str:
    """Markdown of one card: use, training, figures on held-out films, limits, sources."""
    return "\n".join(
        [
            "",
            f"## {card.name} {{#{card.id}}}",
            "",
            f"`{card.id}`. {card.intended_use}",
            "",
            *_facts(card),
            "",
            "**What it was trained on.**",
            "",
            *_listed(card.training.data),
            "",
            card.training.note,
            "",
            "**How well it does.**",
            "",
            *_figures(card),
            "",
            "**What it can't do.**",
            "",
            *_listed(card.limits),
            "",
            "**Sources.**",
            "",
            *_listed(card.references),
            "",
            f"License of the weights: {card.weights.license}.",
            "",
        ]
    )


def _facts(card: Card) -> list[str]:
    height, width = card.input_size
    reads = listed(card.parts) if card.parts else "any film, to tell the part"
    return [
        "| | |",
        "|---|---|",
        f"| reads | {reads} |",
        f"| answers | {', '.join(display_name(label) for label in card.labels)} |",
        f"| network | {card.architecture}, {height} × {width} pixels |",
        f"| weights | {card.weights.bytes / 1e6:.1f} MB, {card.weights.precision} |",
        f"| sha256 | `{card.weights.sha256}` |",
    ]


def _figures(card: Card) -> list[str]:
    if not card.measured:
        return ["Not measured."]
    held_out = card.held_out
    rows = [
        f"| {name} | {with_interval(held_out.figures[name])} |"
        for name in headlines(card, held_out.figures)
    ]
    return [
        f"On {held_out.counted} of {held_out.groups:,} groups that it never saw "
        "(95 % interval in brackets):",
        "",
        "| figure | value |",
        "|---|---|",
        *rows,
        "",
        f"`python -m xray_models report {card.id}` recomputes them all.",
    ]


def _listed(lines: tuple[str, ...]) -> list[str]:
    return [f"- {line}" for line in lines]


if __name__ == "<run_path>":  # so MkDocs calls it
    with mkdocs_gen_files.open("catalogue.md", "w") as file:
        file.write(catalogue_page(shipped().values()))
