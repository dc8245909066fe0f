"""Scoring of a batch: progress, failures as they come, stop and go on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.batching.state import Batch
from pages.shared import decoding
from pages.shared.plain import plain

if TYPE_CHECKING:
    from xray_models.batch.score import Scored

__all__ = [
    "AT_A_TIME",
    "THUMBNAIL",
    "begin_again",
    "duration",
    "go_on",
    "list_failures",
    "progress_words",
    "run",
    "show_failures",
    "show_state",
    "stop",
]

AT_A_TIME = 8  # films answered together: a stop is obeyed after as many
THUMBNAIL = 96  # pixels on the longer side
_NEWEST = 10  # failures told while others are scored: all, each time anew, would be too much


def run(batch: Batch) -> None:
    """Score what is left. Whatever interrupts this run of the page, the next one goes on."""
    from xray_models.batch import score

    st.button("Stop", key="batch stop", on_click=stop, icon=":material/stop:")
    bar = st.progress(0.0, "Asking the models …")
    message = st.empty()
    failed = [one for one in batch.scored if one.error]
    done = {one.key for one in batch.scored}
    rest = (film for film in batch.films if film.key not in done)
    wanted = threading.Event()
    wanted.set()
    began, before = time.perf_counter(), batch.seconds
    try:
        # the first answers after a start may have to wait for the background warm-up
        with contextlib.closing(
            score.score(
                rest,
                batch.plan,
                window=AT_A_TIME,
                thumbnail=THUMBNAIL,
                read=decoding.in_threads(wanted.is_set),
            )
        ) as results:
            try:
                for scored in results:
                    batch.scored.append(scored)
                    batch.seconds = before + time.perf_counter() - began
                    if scored.error:
                        failed.append(scored)
                        with message.container():
                            list_failures(failed[-_NEWEST:])
                    share = len(batch.scored) / max(batch.total, len(batch.scored))
                    bar.progress(share, progress_words(batch))
            finally:
                wanted.clear()
    except (ValueError, RuntimeError) as error:  # a card or weights that cannot be used
        batch.problem = f"The films cannot be scored here now. {error}"
    batch.running = False
    st.rerun()


def progress_words(batch: Batch) -> str:
    """Sentence on how far it is, and how long it will take."""
    finished = len(batch.scored)
    left = max(0, batch.total - finished) * batch.seconds / max(1, finished)
    return f"{finished:,} of {batch.total:,} files, {duration(left)} left"


def duration(seconds: float) -> str:
    """Duration in words: "about 40 s"."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def stop() -> None:
    """Stop: leave the rest undone, for now."""
    st.session_state.batch.running = False


def go_on() -> None:
    """Go on with the rest."""
    batch = st.session_state.batch
    batch.running, batch.problem = True, ""


def begin_again() -> None:
    """Forget films and results."""
    state = st.session_state
    batch = state.pop("batch")
    batch.films.close()
    # what was computed of it, which the figures of the judging screen hold as well
    for name in (
        f"batch analyses {batch.key}",
        f"batch analyses {batch.key} at",
        f"batch verdict {batch.key}",
        f"batch performance {batch.key}",
        "figures unmoved",
    ):
        state.pop(name, None)


def show_state(batch: Batch) -> None:
    """State of the batch, and what can be done next."""
    finished = len(batch.scored)
    failed = sum(bool(one.error) for one in batch.scored)
    if batch.problem:
        st.error(plain(batch.problem), icon=":material/error:")
    words = f"**{finished:,} of {batch.total:,} files scored** in {duration(batch.seconds)}"
    words += f"; {failed:,} could not be read." if failed else "."
    st.markdown(words)
    with st.container(horizontal=True):
        if finished < batch.total:
            st.button("Go on", on_click=go_on, icon=":material/play_arrow:", type="primary")
        st.button("Score other films", on_click=begin_again, icon=":material/restart_alt:")


def show_failures(batch: Batch) -> None:
    """List of every file that could not be read, and why."""
    failed = [one for one in batch.scored if one.error]
    if failed:
        title = f"{len(failed):,} {'file' if len(failed) == 1 else 'files'} could not be read"
        with st.expander(title, icon=":material/broken_image:"):
            list_failures(failed)


def list_failures(failed: Sequence[Scored]) -> None:
    """Table of failures."""
    st.dataframe(
        [{"file": one.file, "why": one.error} for one in failed],
        hide_index=True,
        width="stretch",
        alt="Files that could not be read, and why.",
    )
