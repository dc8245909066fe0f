"""Small pictures of the films of a kind, a page at a time; a click shows one in full."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.erring.choosing import IMAGE, PAGE
from pages.shared.plain import plain
from xray_models.datasets import DataSetError, Film
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.number_text import careful_percent
from xray_models.viz import overlay

__all__ = ["ON_PAGE", "chosen", "look_at", "show", "thumbnail"]

ON_PAGE = 12
_LONGEST = 200  # pixels on the longer side of a small picture


def chosen(names: Sequence[str]) -> int:
    """Place of the film that is looked at: that of the link, else the first, and the reason."""
    linked = st.query_params.get(IMAGE)
    if linked and linked not in names:
        st.warning(
            "The film that the link names is not among these. Shown is the first.",
            icon=":material/link_off:",
        )
    return names.index(linked) if linked in names else 0


def look_at(name: str, place: int) -> None:
    """Look at a film: the link names it, and the page that it is on is shown."""
    st.query_params[IMAGE] = name
    st.session_state[PAGE] = place // ON_PAGE + 1


def show(
    analysis: LabelAnalysis, names: Sequence[str], films: dict[str, Film], looked_at: int
) -> None:
    """Pictures of one page of films, each with its probability on a button.

    Args:
        analysis: of the label.
        names: of the films, the most telling first.
        films: by name.
        looked_at: place of the film that is shown in full.
    """
    pages = -(-len(names) // ON_PAGE)
    state = st.session_state
    state[PAGE] = min(state.get(PAGE) or looked_at // ON_PAGE + 1, pages)
    predictions = analysis.predictions
    column = predictions.index(analysis.label)
    rows = {name: row for row, name in enumerate(predictions.images)}
    page = 1
    if pages > 1:
        page = st.number_input(f"Page (of {pages:,})", 1, pages, step=1, key=PAGE, width=140)
    first = (page - 1) * ON_PAGE
    with st.container(horizontal=True, gap="small", key="gallery"):
        for place, name in enumerate(names[first : first + ON_PAGE], first):
            with st.container(width=104, gap=None):
                probability = float(predictions.scores[rows[name], column])
                try:
                    st.image(thumbnail(films[name]), width="stretch", alt=f"Film {place + 1}")
                except DataSetError:
                    st.caption("cannot be read")
                st.button(
                    careful_percent(probability),
                    key=f"look at {place}",
                    type="primary" if place == looked_at else "secondary",
                    width="stretch",
                    help=plain(name),
                    on_click=look_at,
                    args=(name, place),
                )


@st.cache_data(
    show_spinner=False, max_entries=2000, hash_funcs={Film: lambda one: (one.path, one.box)}
)
def thumbnail(film: Film) -> bytes:
    """Small square JPEG of a film, with black beside it where it is not square.

    Raises:
        DataSetError: the film cannot be read.
    """
    import numpy as np

    gray = overlay.shrink(film.pixels(), _LONGEST)
    square = np.zeros((_LONGEST, _LONGEST), np.float32)
    top, left = ((_LONGEST - side) // 2 for side in gray.shape)
    square[top : top + gray.shape[0], left : left + gray.shape[1]] = gray
    return overlay.encode(overlay.film(square), "JPEG")
