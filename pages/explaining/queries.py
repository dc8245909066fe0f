"""Questions that a film can be asked, what methods cost in words, and the style of the overlay."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.shared.open_film import card_of
from xray_models.catalogue.display_names import display_name
from xray_models.viz import overlay

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain import MethodSupport
    from xray_models.explain.heatmap import Heatmap
    from xray_models.pipeline import Reading
    from xray_models.radiograph import Radiograph
    from xray_models.viz.film_figure import Grid

__all__ = [
    "OWN_LAYER",
    "SCREEN",
    "Question",
    "begin",
    "choose",
    "choose_style",
    "counted",
    "frame",
    "layer_words",
    "layers",
    "method_supports",
    "method_words",
    "passes",
    "percent_grid",
    "probability",
    "questions",
    "took",
]

SCREEN = 900  # pixels on the longer side of what is sent to the screen
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
    from xray_models import explain

    return {support.method.id: support for support in explain.method_supports(card, layer)}


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


def choose_style() -> overlay.Style:
    """Controls of the overlay's style."""
    first, second, third = st.columns(3)
    with first:
        opacity = st.slider(
            "Opacity of the heat",
            0.0,
            1.0,
            0.5,
            0.05,
            format="percent",
            key="opacity",
            bind="query-params",
            persist_state="session",
        )
    with second:
        threshold = st.slider(
            "Show heat from",
            0.0,
            0.95,
            0.3,
            0.05,
            format="percent",
            key="heat",
            bind="query-params",
            persist_state="session",
            help="Weaker heat leaves the film as it is; a line marks the border.",
        )
    with third:
        colormap = st.selectbox(
            "Color map",
            overlay.COLORMAPS,
            key="colormap",
            bind="query-params",
            persist_state="session",
            help="Turbo and jet are common, but their bands suggest edges that are not there.",
        )
    return overlay.Style(colormap, opacity, threshold, contour=threshold > 0)


def percent_grid(
    film: Radiograph, heats: dict[str, Heatmap], cells: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Intensity and heats in percent, uint8, on a grid coarse enough to be sent at every move.

    Args:
        film: the radiograph.
        heats: name -> map.
        cells: on the longer side of the grid.
    """
    intensity = overlay.shrink(film.pixels, cells)
    found = {
        name: (one.on_radiograph(intensity.shape) * 100).round().astype(np.uint8)
        for name, one in heats.items()
    }
    return (intensity * 100).round().astype(np.uint8), found


def frame(key: str, grid: Grid) -> None:
    """Give the container of a figure the figure's proportions, whatever its width."""
    st.html(f"<style>.st-key-{key} {{ aspect-ratio: {grid.ratio:.4f}; }}</style>")
