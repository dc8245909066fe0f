"""Progress of a batch: how far it is, failures as they come, stop, go on, begin again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.batching.choosing import IN_LINK
from pages.batching.results import FILTERS
from pages.batching.state import Batch
from pages.batching.store import the_store
from pages.shared import tables
from pages.shared.plain import plain

if TYPE_CHECKING:
    from xray_models.batch.score import Scored

__all__ = [
    "begin_again",
    "duration",
    "list_failures",
    "progress_words",
    "show_failures",
    "show_state",
    "watch",
]

_NEWEST = 10  # failures told while others are scored: all, each time anew, would be too much


@st.fragment(run_every=0.7)
def watch(batch: Batch) -> None:
    """Show how far scoring is, by itself; the page runs again when it ends."""
    batch.look()
    if not batch.running:
        st.rerun()
    # a stop is obeyed once the films in work are done
    st.button(
        "Stopping …" if batch.stopping else "Stop",
        key="batch stop",
        on_click=batch.stop,
        disabled=batch.stopping,
        icon=":material/stop:",
    )
    share = len(batch.scored) / max(batch.total, len(batch.scored), 1)
    st.progress(share, progress_words(batch))
    st.caption(
        "You may leave this page or load it anew. Scoring goes on without you for ten minutes."
    )
    if failed := [one for one in list(batch.scored) if one.error]:
        list_failures(failed[-_NEWEST:])


def progress_words(batch: Batch) -> str:
    """Sentence on how far it is, and how long it will take."""
    finished = len(batch.scored)
    if not finished:  # the first answers after a start wait for the models
        return "Asking the models …"
    left = max(0, batch.total - finished) * batch.seconds / finished
    return f"{finished:,} of {batch.total:,} files, {duration(left)} left"


def duration(seconds: float) -> str:
    """Duration in words: "about 40 s"."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def begin_again() -> None:
    """Forget films and results."""
    state = st.session_state
    token = state.pop(IN_LINK, None)
    st.query_params.clear()
    for name in ("figures unmoved", *FILTERS):  # the figures hold what was computed of it
        state.pop(name, None)
    if token is not None:
        the_store().forget(token)


def show_state(batch: Batch) -> None:
    """State of the batch, and what can be done next."""
    finished = len(batch.scored)
    failed = sum(bool(one.error) for one in batch.scored)
    if batch.problem:
        st.error(plain(batch.problem), icon=":material/error:")
    words = f"**{finished:,} of {batch.total:,} files scored** in {duration(batch.seconds)}"
    words += f"; {failed:,} could not be read." if failed else "."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(words)
        if finished < batch.total:
            st.button("Go on", on_click=batch.start, icon=":material/play_arrow:", type="primary")
        st.button("Score other films", on_click=begin_again, icon=":material/restart_alt:")
    st.caption(
        "The address of this page opens these results again, for an hour after the last look. "
        "Whoever has the address can see them."
    )


def show_failures(batch: Batch) -> None:
    """List of every file that could not be read, and why."""
    failed = [one for one in batch.scored if one.error]
    if failed:
        title = f"{len(failed):,} {'file' if len(failed) == 1 else 'files'} could not be read"
        with st.expander(title, icon=":material/broken_image:"):
            list_failures(failed)


def list_failures(failed: Sequence[Scored]) -> None:
    """Table of failures."""
    tables.show(
        [{"file": one.file, "why": one.error} for one in failed],
        width="stretch",
        row_height=60,  # a reason of two sentences is two lines
        alt="Files that could not be read, and why.",
    )
