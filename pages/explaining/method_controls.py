"""Controls of the method, its layers, and what sets its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.explaining import queries
from pages.explaining.method_settings import SETTINGS
from pages.explaining.queries import OWN_LAYER
from pages.shared import legacy_links

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.explain import MethodSpec, MethodSupport

__all__ = ["choose_setting", "choose_spec"]


def choose_spec(card: Card) -> tuple[MethodSpec, str]:
    """Controls of the method and its layers; at first those that the model's card names.

    Each model keeps its own choice: what was chosen for one is not what another card names.

    Returns:
        The specification, and sentences: what had to be left out, and what the method does.
    """
    from xray_models.explain import MethodSpec

    left, more_side = st.columns([5, 2], vertical_alignment="bottom")
    with left:
        method_side = st.container(horizontal=True, vertical_alignment="bottom")
    with method_side:
        method, known = _choose_method(card)
    support = known[method]
    with more_side, st.popover("More about the method", width="stretch"):
        layers = _choose_layers(card, method) if support.method.layered else []
        fusion = _choose_fusion() if len(layers) > 1 else "mean"
        if not support.method.layered:
            st.caption("It draws on the film's pixels, so there is no layer to choose.")
        _tell_more(card, method, known)
    layers, problems = _fitting(card, method, layers)
    with method_side:
        settings = choose_setting(card, method, layers)
    spec = MethodSpec(method, tuple(layers), settings, fusion)
    return spec, " ".join([*problems, support.method.summary])


def _choose_method(card: Card) -> tuple[str, dict[str, MethodSupport]]:
    known = queries.method_supports(card)
    fits = {name: queries.method_words(support) for name, support in known.items() if support.fits}
    key = f"method-{card.id}"
    taken = legacy_links.take_over("method", key, fits)
    method: str = st.selectbox(
        "Method",
        fits,
        index=0 if taken else list(fits).index(card.explanation.method),
        format_func=lambda one: fits[one],
        key=key,
        bind="query-params",
        persist_state="session",
    )
    return method, known


def _choose_layers(card: Card, method: str) -> list[str]:
    """Where in the network to look; several places make one map."""
    own = card.explanation.layer if method == card.explanation.method else ""
    words, key = queries.layer_words(card), f"layer-{card.id}-{method}"
    taken = legacy_links.take_over("layer", key, words, several=True)
    layers: list[str] = st.multiselect(
        "Layers",
        words,
        default=None if taken else [own if own in words else OWN_LAYER],
        format_func=lambda one: words[one],
        key=key,
        bind="query-params",
        persist_state="session",
        placeholder=OWN_LAYER.capitalize(),
        help="Earlier layers draw finer maps of simpler things; several are fused into one map. "
        "First those where the grid of the network changes, then every other: type to search.",
    )
    return layers


def _choose_fusion() -> str:
    return str(
        st.segmented_control(
            "Fused by their",
            ["mean", "max"],
            default="mean",
            required=True,
            key="fusion",
            bind="query-params",
            persist_state="session",
            help="The mean shows where the layers agree, the maximum what any of them sees.",
        )
    )


def _tell_more(card: Card, method: str, known: dict[str, MethodSupport]) -> None:
    support = known[method]
    st.markdown(f"{support.method.summary} {support.method.reference}.")
    if method == card.explanation.method and card.explanation.reason:
        st.markdown(f"Shown first for this model: {card.explanation.reason}")
    st.page_link("pages/compare.py", label="Compare methods on this film")
    missing = [f"- {one.why}" for one in known.values() if not one.fits]
    if missing:
        st.caption("Not offered for this model:\n" + "\n".join(missing))


def _fitting(card: Card, method: str, layers: list[str]) -> tuple[list[str], list[str]]:
    """Layers that the method can read, none for its own; and why others are left out."""
    from xray_models import explain

    own = explain.default_layer(card)
    named = list(dict.fromkeys(own if one == OWN_LAYER else one for one in layers))
    if named == [own]:
        return [], []
    # asked for one by one, a layer that a method can't read is no error of the visitor's
    why = {layer: queries.method_supports(card, layer)[method].why for layer in named}
    fits = [layer for layer in named if not why[layer]]
    problems = list(dict.fromkeys(one for one in why.values() if one))
    if not fits and problems:
        problems.append("The last activation is shown.")
    return ([] if fits == [own] else fits), problems


def choose_setting(card: Card, method: str, layers: list[str]) -> tuple[tuple[str, int], ...]:
    """What sets the cost of a slow method; nothing where it is the default."""
    from xray_models import explain

    if method not in SETTINGS:
        return ()
    setting = SETTINGS[method]
    option = next(one for one in explain.METHODS[method].options if one.name == setting.option)
    values = list(setting.values)
    if method == "score-cam":
        grids = explain.layers(card)
        channels = max(grids[one][2] for one in layers or [explain.default_layer(card)])
        values = [one for one in values if one < channels]
    value: int = st.selectbox(
        setting.title,
        values,
        index=values.index(int(option.default)),
        format_func=setting.words,
        key=f"{method}-{setting.option}",
        bind="query-params",
        persist_state="session",
        help=f"{option.help} It sets the cost.",
        width=190,
    )
    return () if value == option.default else ((setting.option, value),)
