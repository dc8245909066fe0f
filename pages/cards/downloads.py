"""Public models of other people, fetched and imported from the page of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.background_work import jobs, on_request
from pages.shared.plain import plain
from pages.shared.visitor import is_local
from xray_models.catalogue import Card, shipped
from xray_models.datasets.nih import LABELS as NIH
from xray_models.importers import downloading
from xray_models.importers.checkpoints import CHECKPOINTS, Checkpoint
from xray_models.importers.fetching import Cancelled

if TYPE_CHECKING:
    from xray_models.explain.progress import Progress, Stop

__all__ = ["show"]

_DONE = "what a download came to"
_OURS = "chest-14"
"""RadLens's own model with the labels of ChestX-ray14."""


def show(cards: dict[str, Card]) -> None:
    """Choice of a public model and the button that fetches it; only at the computer that serves."""
    if not is_local():
        return
    st.subheader("Models of other people", anchor="download")
    if done := st.session_state.pop(_DONE, None):
        st.success(plain(done), icon=":material/check:")
    absent = {
        one.id: one
        for one in CHECKPOINTS.values()
        # what has just come is still to be told of
        if one.model not in cards or _key(one) in jobs()
    }
    if not absent:
        st.markdown("All that RadLens knows of are here.")
        return
    st.markdown(
        "These are networks for chests, published by others. They come from github.com "
        "(30 to 80 MB), and read chests beside the others from then on."
    )
    name: str = st.selectbox(
        "Public model",
        list(absent),
        format_func=lambda one: absent[one].name,
        key="public model",
    )
    chosen = absent[name]
    st.caption(f"License of the weights: {chosen.license}. {chosen.limits[0]}")

    instead = set(chosen.trained) == set(NIH) and st.checkbox(
        f"In the place of *{plain(shipped()[_OURS].name)}*",
        key="in its place",
        help="Read then shows this model's 14 findings and not RadLens's own. To undo that, delete "
        f"{_OURS}.json in the folder of your own models.",
    )
    model = _OURS if instead else chosen.model

    def work(progress: Progress, stop: Stop) -> tuple[str, list[str]]:
        return _fetched(chosen, model, progress, stop)

    found = on_request(_key(chosen), "Fetch and import", work, "download")
    if found is not None:
        model, told = found
        st.session_state[_DONE] = " ".join(
            [f"{chosen.name} is here as {model}.", *(one for one in told if "without" in one)]
        )
        st.rerun()


def _key(checkpoint: Checkpoint) -> str:
    return f"download {checkpoint.id}"


def _fetched(
    checkpoint: Checkpoint, model: str, progress: Progress, stop: Stop
) -> tuple[str, list[str]]:
    """Id of the imported model, and what was told on the way."""
    from xray_models.explain.progress import Stopped  # brings TensorFlow, which takes seconds

    told: list[str] = []
    downloads, own = downloading.folders()

    def percent(here: int, total: int) -> None:
        if total:
            progress(round(100 * here / total), 100)

    try:
        card = downloading.download(
            checkpoint,
            downloads,
            own,
            model=model,
            progress=percent,
            stop=stop,
            tell=told.append,
        )
    except Cancelled as error:
        raise Stopped(str(error)) from error
    return card.id, told
