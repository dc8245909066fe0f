"""Questions that a film can be asked, and what methods cost in words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from pages.shared.open_film import card_of
from xray_models.catalogue.display_names import display_name

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain import MethodSupport
    from xray_models.pipeline import Reading

__all__ = [
    "OWN_LAYER",
    "Question",
    "begin",
    "choose",
    "counted",
    "layer_words",
    "layers",
    "method_supports",
    "method_words",
    "passes",
    "probability",
    "questions",
    "took",
]

OWN_LAYER = "last activation"


class Question(NamedTuple):
    """A label of a model, whose place on the film is asked for."""

    model: str
    label: str

    @property
    def words(self) -> str:
        """The question as a menu names it."""
        return f"{display_name(self.label)} ({card_of(self.model).name})"


def questions(reading: Reading) -> list[Question]:
    """Questions to a film: its strongest findings first, then other labels, then the part."""
    from xray_models import pipeline
    from xray_models.report.finding_order import strongest_first

    ordered = strongest_first(reading.findings, reading.set_aside)
    asked = [Question(one.model, one.label) for one in ordered]
    for one in reading.chosen:
        asked += [Question(one.model, label) for label in card_of(one.model).labels]
    best = max(reading.part_probabilities, key=lambda label: reading.part_probabilities[label])
    asked += [
        Question(pipeline.DETECTOR, label)
        for label in (*(reading.parts or (best,)), *reading.part_probabilities)
    ]
    return list(dict.fromkeys(asked))


def begin(key: str, choices: list[Question], start: Question | list[Question]) -> bool:
    """Set what a new reading is asked: its strongest finding, unless the visitor chose a question.

    Of a film that is read as another part, what was asked of the detector is asked no more where
    there are findings now: the picture explains what the findings say.

    Call it before the widget is drawn; the widget calls `choose` when it is changed.

    Args:
        key: of the widget that chooses labels.
        choices: what can be asked of the film that is open.
        start: what is asked at first, of the widget's kind.

    Returns:
        Whether the widget was set, and must not be given a value to begin with.
    """
    from xray_models import pipeline

    state = st.session_state
    read, before = state.reading_key, state.get(f"reading of {key}")
    state[f"reading of {key}"] = read
    cached = state.get(key)
    if cached is None:
        return False
    asked = cached if isinstance(cached, list) else [cached]
    new = before not in (None, read)
    findings = {one for one in choices if one.model != pipeline.DETECTOR}
    fits = (findings if new and findings else set(choices)).intersection(asked)
    anew = (bool(asked) and not fits) or (new and not (fits and state.get(f"{key} chosen")))
    if anew:
        state[key] = start
    return anew


def choose(key: str) -> None:
    """Note that the visitor chose what to ask: it holds for the next films that can be asked it."""
    st.session_state[f"{key} chosen"] = True


def probability(reading: Reading, question: Question) -> float | None:
    """Probability of a finding on this film; None for a label that is no finding."""
    return next(
        (
            finding.probability
            for finding in reading.findings
            if (finding.model, finding.label) == question
        ),
        None,
    )


def method_words(support: MethodSupport) -> str:
    """A method in a menu: its name, and what it costs if that is much."""
    if not support.slow:
        return support.method.name
    return f"{support.method.name} (slow)"


def passes(support: MethodSupport) -> str:
    """Cost of a method in words: "no further pass", "225 forward passes"."""
    forward, backward = round(support.cost.forward), round(support.cost.backward)
    if forward and backward:
        return f"{forward:,} forward and {counted(backward, 'backward pass')}"
    if forward or backward:
        return counted(forward or backward, "forward pass" if forward else "backward pass")
    return "no further pass"


def took(seconds: float) -> str:
    """A time in words: "31 ms", "under 1 ms"."""
    return f"{seconds * 1000:,.0f} ms" if seconds >= 0.001 else "under 1 ms"


def counted(number: int, thing: str) -> str:
    """A number of passes: "1 pass", "2 passes"."""
    return f"{number:,} {thing}{'' if number == 1 else 'es'}"


def method_supports(card: Card, layer: str | None = None) -> dict[str, MethodSupport]:
    """Every method by id: whether it fits a model, why not, what it costs."""
    return dict(_supports(card.id, card.weights.sha256, layer))


@lru_cache(maxsize=512)
def _supports(
    model: str,
    sha: str,  # noqa: ARG001 - of the weights: it tells the caches apart
    layer: str | None,
) -> dict[str, MethodSupport]:
    """As `method_supports`, found once: a page asks at every run."""
    from xray_models import explain

    found = explain.method_supports(card_of(model), layer)
    return {support.method.id: support for support in found}


def layers(card: Card) -> list[str]:
    """Layers that can be chosen; first those worth it, the deepest of them first.

    Those are where the grid of the network changes, its end, and what the card chose: of the
    hundred layers of a network, with one grid size, the last sees most.
    """
    from xray_models import explain

    grids = explain.layers(card)
    places = [name for name, (rows, columns, _) in grids.items() if min(rows, columns) > 1]
    last = {grids[name][:2]: name for name in places}
    chosen = list(last.values())
    if card.explanation.layer and card.explanation.layer not in chosen:
        chosen.append(card.explanation.layer)
    own = explain.default_layer(card)
    order = dict.fromkeys([*reversed(chosen), *reversed(places)])
    return [OWN_LAYER, *(name for name in order if name != own)]


def layer_words(card: Card) -> dict[str, str]:
    """Layers as a menu names them: with their grid."""
    from xray_models import explain

    grids, own = explain.layers(card), explain.default_layer(card)

    def words(layer: str) -> str:
        rows, columns, _ = grids[own if layer == OWN_LAYER else layer]
        return f"{layer}, {rows} × {columns} cells"

    return {layer: words(layer) for layer in layers(card)}
