"""Gallery of sample films by part; what they show is not told."""

from __future__ import annotations

import streamlit as st

from pages.shared import film_queue
from pages.shared.opened import Opened, forget_settings
from pages.shared.plain import plain
from xray_models import radiograph
from xray_models.datasets import samples
from xray_models.datasets.samples import SAMPLES, SampleError
from xray_models.radiograph import UnreadableRadiograph
from xray_models.viz import overlay

__all__ = ["open_sample", "show"]

_THUMBNAIL = 240  # pixels on the longer side
_WIDTH = 104  # of a film on the shelf


def show() -> None:
    """Films to open, under the parts that they show."""
    missing = samples.missing()
    if missing:
        _offer_fetching(missing)
    with st.container(key="gallery", horizontal=True, gap="small"):
        for part, names in samples.by_part().items():
            with st.container(width="content", gap="xsmall"):
                st.html(f'<h3 class="rl-shelf">{part.capitalize()}</h3>')
                with st.container(horizontal=True, gap="small"):
                    for name in names:
                        with st.container(width=_WIDTH, gap=None):
                            _offer(name)


def open_sample(name: str) -> None:
    """Open a sample.

    Args:
        name: one of `SAMPLES`.
    """
    st.session_state.opened = Opened(name)
    st.query_params["sample"] = name
    st.query_params.pop(film_queue.LINK, None)
    forget_settings()


def _offer(name: str) -> None:
    sample = SAMPLES[name]
    about = sample.about
    if samples.at_hand(name):
        try:
            st.image(_thumbnail(name, sample.sha256), width=_WIDTH, alt=about)
        except (SampleError, UnreadableRadiograph) as error:
            st.caption(plain(error))
            return
    else:  # nothing is asked from the network before somebody wants it
        st.html('<div class="rl-unfetched" aria-hidden="true">not here yet</div>')
        about += f" Opening it fetches {_size(sample.bytes)} from github.com."
    st.button(
        sample.title,
        key=f"sample {name}",
        help=about,
        on_click=open_sample,
        args=(name,),
        width="stretch",
    )


def _offer_fetching(missing: list[str]) -> None:
    """Button that fetches every film that is not here yet."""
    size = _size(sum(SAMPLES[name].bytes for name in missing))
    said, button = st.columns([3, 1], vertical_alignment="center")
    with said:
        st.caption(
            f"{len(missing)} films are fetched from github.com when you open them. "
            "They are checked, and kept on this machine."
        )
    with button:
        wanted = st.button(
            f"Fetch all ({size})", key="fetch samples", icon=":material/download:", width="stretch"
        )
    if not wanted:
        return
    bar = st.progress(0.0, "Fetching the films …")
    for number, name in enumerate(missing):
        try:
            samples.content(name)
        except SampleError as error:
            bar.empty()
            st.warning(plain(error), icon=":material/cloud_off:")
            return
        bar.progress((number + 1) / len(missing), f"Fetched {number + 1} of {len(missing)} films.")
    st.rerun()


@st.cache_data(show_spinner="Opening the samples …")
def _thumbnail(name: str, sha256: str) -> bytes:  # noqa: ARG001 - it tells the caches apart
    """A small square JPEG from the middle of a sample."""
    film = radiograph.read(samples.content(name))
    small = overlay.shrink(film.pixels, _THUMBNAIL)
    side = min(small.shape)
    top, left = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
    return overlay.encode(overlay.film(small[top : top + side, left : left + side]), "JPEG")


def _size(count: int) -> str:
    """Size of a file in words: "16 kB", "1.3 MB"."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
