"""Film that is open: chosen once, shown by every page that shows a film."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from pages.shared import decoding
from pages.shared.page import show_notice, show_problem
from pages.shared.plain import plain
from xray_models import PARTS, radiograph
from xray_models.datasets import samples
from xray_models.datasets.samples import SAMPLES, SampleError
from xray_models.radiograph import UnreadableRadiograph
from xray_models.viz import overlay

if TYPE_CHECKING:
    from xray_models.catalogue import Card
    from xray_models.pipeline import Reading

__all__ = [
    "AS_RECOGNIZED",
    "ELSEWHERE",
    "FORMATS",
    "Opened",
    "card_of",
    "narrow",
    "offer_inverting",
    "open_film",
]

AS_RECOGNIZED = "as recognized"
ELSEWHERE = "film_from_elsewhere"
"""Session state that another page sets to have a film opened: dict(name=str, content=bytes)."""
FORMATS = "PNG, JPEG, TIFF, BMP, WebP or DICOM, up to 25 MB. It stays in memory and is not kept."

# the browser alone knows how wide it is; it only speaks up where two pictures don't fit
_NARROW = """
export default function({ setStateValue }) {
  const phone = window.matchMedia("(max-width: 640px)");
  let told = false;
  const tell = () => { if (phone.matches !== told) setStateValue("narrow", told = phone.matches); };
  phone.addEventListener("change", tell);
  tell();
  return () => phone.removeEventListener("change", tell);
}
"""


_INVERTED = " inverted"  # at the end of the key of a film whose black and white are exchanged


class Opened(NamedTuple):
    """Film that is open: a key that is new with every film, and the file if not a sample."""

    key: str
    upload: bytes | None = None
    name: str = ""  # only where another page gave one to show

    @property
    def file(self) -> str:
        """Key of the file alone, however it is shown; the name of a sample."""
        return self.key.removesuffix(_INVERTED)

    def content(self) -> bytes:
        """Content of the file."""
        return samples.content(self.file) if self.upload is None else self.upload


def open_film(introduction: str) -> tuple[Opened, Reading] | None:
    """Let a film be chosen and read it; None where there is none, or it cannot be read.

    Args:
        introduction: what a visitor without a film reads.
    """
    opened = _choose(introduction)
    if opened is None:
        return None
    if st.session_state.get("invert"):
        opened = opened._replace(key=opened.key + _INVERTED)
    try:
        return opened, _read(opened)
    except (UnreadableRadiograph, SampleError) as error:
        st.error(plain(error), icon=":material/broken_image:")
    except (ValueError, RuntimeError) as error:  # a card or weights that cannot be used
        show_problem("The film cannot be read here now.", error)
    return None


def offer_inverting() -> None:
    """Switch that exchanges black and white of the film that is open."""
    st.toggle(
        "Invert (negative film)",
        key="invert",
        persist_state="session",
        help="Exchanges black and white, for a film that is stored as a negative.",
    )


def narrow() -> bool:
    """Whether the screen has no room for two pictures beside each other, as on a phone."""
    ask = st.components.v2.component("radlens_narrow", js=_NARROW)
    message = ask(key="narrow", default={"narrow": False}, on_narrow_change=lambda: None)
    return bool(message.narrow)


def card_of(model: str) -> Card:
    """Card of a model."""
    from xray_models import catalogue

    return catalogue.get(model)


def _choose(introduction: str) -> Opened | None:
    """Upload, sample, or what another page sent; kept while its visitor looks at other pages."""
    state = st.session_state
    if sent := state.pop(ELSEWHERE, None):
        key = f"sent {hashlib.sha256(sent['content']).hexdigest()}"
        state.opened, state.part = Opened(key, sent["content"], sent["name"]), AS_RECOGNIZED
        state.invert = False
        st.query_params.pop("sample", None)
    elif name := st.query_params.get("sample"):
        state.opened = Opened(name)
    opened: Opened | None = state.get("opened")
    if opened is None:
        st.write(introduction)
        show_notice()
    elif opened.upload is None:
        st.query_params["sample"] = opened.key
    with st.expander("Choose a radiograph", expanded=not opened, icon=":material/upload_file:"):
        by_upload, by_sample = st.columns(2, gap="large")
        with by_upload:
            st.file_uploader(
                "Upload a radiograph",
                key="upload",
                max_upload_size=radiograph.MOST_BYTES // 2**20,
                on_change=_take_upload,
            )
            st.caption(FORMATS)
        with by_sample:
            st.markdown("Or open a sample")
            with st.container(horizontal=True, gap="medium"):
                for name in SAMPLES:
                    with st.container(width=140, gap="small"):
                        _offer_sample(name)
    return opened


def _take_upload() -> None:
    """A new upload takes the place of what was open; its name goes nowhere."""
    state = st.session_state
    if state.upload is not None:
        st.query_params.pop("sample", None)
        state.opened = Opened(f"upload {state.upload.file_id}", state.upload.getvalue())
        state.part, state.invert = AS_RECOGNIZED, False
    elif (opened := state.get("opened")) and opened.key.startswith("upload "):
        state.opened = None


def _take_sample(name: str) -> None:
    """Open a sample."""
    st.query_params["sample"] = name
    st.session_state.part, st.session_state.invert = AS_RECOGNIZED, False


def _offer_sample(name: str) -> None:
    """A sample's picture and button."""
    sample, about = SAMPLES[name], SAMPLES[name].about
    if samples.at_hand(name):
        try:
            st.image(_thumbnail(name), width="stretch", alt=about)
        except (SampleError, UnreadableRadiograph) as error:
            st.caption(plain(error))
            return
    else:  # nothing is asked from the network before somebody wants it
        about += " It is fetched from github.com when you open it for the first time."
    st.button(
        sample.title,
        key=f"sample {name}",
        help=about,
        on_click=_take_sample,
        args=(name,),
        width="stretch",
    )


@st.cache_data(show_spinner="Opening the samples …")
def _thumbnail(name: str) -> bytes:
    """A small square JPEG from the middle of a sample."""
    film = radiograph.read(samples.content(name))
    small = overlay.shrink(film.pixels, 360)
    side = min(small.shape)
    top, left = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
    return overlay.encode(overlay.film(small[top : top + side, left : left + side]), "JPEG")


def _read(opened: Opened) -> Reading:
    """The reading of the film, made once and kept while the film is open."""
    state = st.session_state
    # before its selectbox is drawn for the first time, a link speaks for it
    named = state.get("part") or st.query_params.get("part")
    part = named if named in PARTS else None
    key = opened.key
    if state.get("film_key") != key:
        with st.spinner("Opening the film …", show_time=True):
            began = time.perf_counter()
            state.film = decoding.read(opened.content(), invert=key.endswith(_INVERTED))
            state.decoding = time.perf_counter() - began
        state.film_key, state.reading_key, state.made = key, None, {}
        for job in state.pop("jobs", {}).values():  # work on the film before
            job.stop()
    if state.get("reading_key") != (key, part):
        # the first reading after a start loads the models that it needs, or waits for their loading
        with st.spinner("Asking the models …", show_time=True):
            from xray_models import pipeline

            reading = pipeline.read(state.film, part=part)
        seconds = reading.seconds | {"read": state.decoding}
        seconds["total"] += state.decoding - reading.seconds["read"]
        state.reading, state.reading_key = replace(reading, seconds=seconds), (key, part)
    cached: Reading = state.reading
    return cached
