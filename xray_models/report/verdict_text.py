"""Verdict on a film in one line: what was called, and by which model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xray_models import NONE_OF_THESE, catalogue
from xray_models.catalogue import Card
from xray_models.catalogue.display_names import sentence_name
from xray_models.report.finding_order import strongest_first
from xray_models.report.model_text import listed

if TYPE_CHECKING:
    from xray_models.pipeline import Finding, Reading

__all__ = ["model_words", "verdict"]

_SURE = 0.5  # of none of these: then that is what the detector sees, not doubt
_MOST = 3  # findings that are named; of more, the rest is counted


def verdict(reading: Reading) -> str:
    """Line such as "Fracture called, wrist model". Models that are set aside have no say in it."""
    aside = reading.set_aside
    findings = [one for one in reading.findings if one.model not in aside]
    models = list(dict.fromkeys(one.model for one in findings))
    if not findings:
        return _without_findings(reading)
    asked = {model: [one for one in findings if one.model == model] for model in models}
    labels = {one.label for one in findings}
    if len(models) > 1 and len(labels) == 1:
        return _by_several(findings)
    by = _named(models)
    if len(findings) == 1 and findings[0].unsure:
        return f"Cannot tell: {sentence_name(findings[0].label)} or not, {by}"
    called = [one for one in strongest_first(findings) if one.positive]
    called = [one for one in called if not _is_kind(one, asked[one.model])]
    clear = [one for one in called if not one.unsure]
    if clear:
        return _capital(f"{_listed_labels(clear)} called{_by(clear)}")
    if called:
        return f"Not clear: {_listed_labels(called)} possible, {by}"
    what = sentence_name(findings[0].label) if len(labels) == 1 else "finding"
    return f"No {what} called{_by(findings)}"


def _by(findings: Sequence[Finding]) -> str:
    """Whose findings these are, after a verb."""
    models = list(dict.fromkeys(one.model for one in findings))
    return f"{',' if len(models) == 1 else ''} {_named(models)}"


def _without_findings(reading: Reading) -> str:
    if reading.part is None and not reading.chosen:
        none = reading.part_probabilities.get(NONE_OF_THESE, 0.0)
        what = "No part that RadLens reads" if none >= _SURE else "Not sure what this shows"
        return f"{what}, so no model was asked"
    if reading.chosen:
        return "No model here was made for this patient"
    return f"No model reads the {' or '.join(reading.parts)} yet"


def _by_several(findings: Sequence[Finding]) -> str:
    """One and the same label, asked of several models, which may differ."""
    label = sentence_name(findings[0].label)
    yes = [model_words(catalogue.get(one.model)) for one in findings if one.positive]
    no = [model_words(catalogue.get(one.model)) for one in findings if not one.positive]
    if yes and no:
        return _capital(f"{label} called by the {listed(yes)}, not by the {listed(no)}")
    if yes:
        return _capital(f"{label} called, {listed(yes)}")
    return f"No {label} called, {listed(no)}"


def _is_kind(finding: Finding, of_model: Sequence[Finding]) -> bool:
    """Whether it is a kind of a finding that the same model judges as a whole."""
    judged = {one.label for one in of_model}
    combined = catalogue.get(finding.model).combined
    return any(finding.label in kinds and whole in judged for whole, kinds in combined.items())


def _listed_labels(called: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(sentence_name(one.label) for one in called))
    if len(names) <= _MOST:
        return listed(names)
    return f"{', '.join(names[: _MOST - 1])} and {len(names) - _MOST + 1} more"


def _named(models: Sequence[str]) -> str:
    if len(models) == 1:
        return model_words(catalogue.get(models[0]))
    return f"by {len(models)} models"


def model_words(card: Card) -> str:
    """A model within a sentence: "wrist model", "model Fourteen chest findings"."""
    if card.name.endswith(" model"):
        return f"{card.name[0].lower()}{card.name[1:]}"
    return f"model {card.name}"


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
