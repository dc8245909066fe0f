"""Slow work on a page: a button starts it, a bar shows how far it is, a button stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from pages.shared.job import Job
from pages.shared.plain import plain

if TYPE_CHECKING:
    from xray_models.explain.progress import Progress, Stop

__all__ = ["follow", "jobs", "on_request", "watch"]

_Value = TypeVar("_Value")


def jobs() -> dict[object, Job]:
    """Jobs of this session: key -> job."""
    state = st.session_state
    if "jobs" not in state:
        state.jobs = {}
    cached: dict[object, Job] = state.jobs
    return cached


def on_request(
    key: object, label: str, work: Callable[[Progress, Stop], _Value], name: str
) -> _Value | None:
    """Result of slow work, or the way to it: a button, then a bar that can be stopped.

    Args:
        key: of the work; new for other work.
        label: of the button that starts it.
        work: to run in a thread of its own: it must not touch Streamlit.
        name: of the button, within its page.
    """
    job = jobs().get(key)
    if job is not None and job.running:
        watch(key, label, name)
        return None
    if job is not None:
        del jobs()[key]
        if job.failure is not None:
            st.error(f"That did not work. {plain(job.failure)}", icon=":material/error:")
        elif not job.stopped:
            return job.result()

    def start() -> None:
        jobs()[key] = Job(work)

    # in a callback: the page that follows already has the bar in the button's place
    st.button(label, key=f"run {name}", icon=":material/play_arrow:", on_click=start)
    return None


@st.fragment(run_every=0.5)
def watch(key: object, label: str, name: str) -> None:
    """Show how far some work is, by itself twice a second; see `follow`."""
    follow(key, label, name)


def follow(key: object, label: str, name: str) -> None:
    """Show how far some work is, and a button that stops it; the page runs again when it ends.

    Call it in a fragment that runs by itself.

    Args:
        key: of the work.
        label: what is being done.
        name: of the button, within its page.
    """
    job = jobs().get(key)
    if job is None or not job.running:
        st.rerun()
    left = job.seconds_left
    message = f"{job.done:,} of {job.total:,}" if job.total else "starting"
    if left is not None:
        message += f", about {max(1, round(left))} s left"
    st.progress(job.share, f"{label}: {message}")
    if st.button("Stop", key=f"stop {name}", icon=":material/stop:"):
        job.stop()
        job.wait(10)  # a batch takes less
        st.rerun()
