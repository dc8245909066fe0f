"""Body part of the film: what the detector saw, and how to correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.opened import AS_RECOGNIZED
from xray_models import NONE_OF_THESE, PARTS
from xray_models.number_text import careful_percent

if TYPE_CHECKING:
    from xray_models.pipeline import Reading

__all__ = ["choose", "likely", "named", "offer_likely"]

_OFFERED = 2  # parts that an unsure detector finds likeliest


def named(reading: Reading) -> str:
    """Part and how sure it is, as HTML."""
    seen = reading.part_probabilities
    if reading.part is None:
        words, sure = NONE_OF_THESE, careful_percent(seen[NONE_OF_THESE])
    elif reading.part_forced:
        words, sure = reading.part, "named by hand"
    elif reading.also:
        words = f"{reading.part} or {reading.also}"
        sure = f"{careful_percent(seen[reading.part])} and {careful_percent(seen[reading.also])}"
    else:
        words, sure = reading.part, careful_percent(reading.part_probability)
    return f'<p class="rl-part">{words} <small>{sure}</small></p>'


def choose(reading: Reading) -> None:
    """What the detector saw, and a menu that overrules it."""
    with st.popover("Part", icon=":material/accessibility_new:", help="Correct the body part."):
        st.caption(_seen(reading))
        st.selectbox(
            "Body part",
            [AS_RECOGNIZED, *PARTS],
            key="part",
            bind="query-params",
            persist_state="session",
            help="The models for the part that you name read the film instead.",
        )


def _seen(reading: Reading) -> str:
    """Sentence on what the detector made of the film."""
    other, probability = reading.runner_up
    certainty = careful_percent(reading.part_probability)
    if reading.part_forced:
        return f"You named it. The detector gives it {certainty}."
    if reading.part is None:
        return f"The detector knows none of its parts here. Likeliest: {likely(reading)[0]}."
    if reading.also:
        return "The detector finds two parts about as likely, so the models of both read the film."
    return f"The detector sees the {reading.part}, {certainty}. Next: {other}, " + (
        f"{careful_percent(probability)}."
    )


def offer_likely(reading: Reading) -> None:
    """Buttons that have the film read as what the detector finds likeliest."""
    with st.container(horizontal=True, key="likely-parts", vertical_alignment="center"):
        for part in likely(reading):
            st.button(
                f"Read as {part}",
                key=f"read as {part}",
                icon=":material/radiology:",
                on_click=_take,
                args=(part,),
            )
        st.markdown("Or name another part under “Part”.", width="content")


def likely(reading: Reading) -> list[str]:
    """Parts that the detector finds likeliest, the first first."""
    seen = reading.part_probabilities
    return sorted(PARTS, key=lambda part: -seen[part])[:_OFFERED]


def _take(part: str) -> None:
    st.session_state.part = part
