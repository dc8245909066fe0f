"""The dashboard, from its style to its pages: what Streamlit runs for every visitor."""

from __future__ import annotations

import threading
from pathlib import Path

import streamlit as st

from pages import keep_networks_compiled
from pages.shared import decoding
from pages.shared import warm_up as background

_HERE = Path(__file__).resolve().parent
_STYLE = _HERE / "assets" / "style"


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Start what decodes films and load the models, in the background, once per server."""
    decoding.begin()
    return background.begin()


# an icon of our own: the browser would fetch a :material: one from the network
st.set_page_config(page_title="RadLens", page_icon=str(_STYLE / "icon.svg"), layout="wide")
st.logo(str(_STYLE / "logo.svg"), size="large")
st.html(_STYLE / "radlens.css")
keep_networks_compiled()
if background.wanted():
    warm_up()
    background.show_progress()
st.navigation(
    [
        st.Page(_HERE / "pages/read.py", title="Read", icon=":material/radiology:", default=True),
        st.Page(_HERE / "pages/compare.py", title="Compare", icon=":material/compare:"),
        st.Page(_HERE / "pages/models.py", title="Models", icon=":material/fact_check:"),
        st.Page(_HERE / "pages/performance.py", title="Performance", icon=":material/query_stats:"),
        st.Page(_HERE / "pages/errors.py", title="Errors", icon=":material/image_search:"),
        st.Page(_HERE / "pages/teach.py", title="Teach", icon=":material/school:"),
        st.Page(_HERE / "pages/batch.py", title="Batch", icon=":material/dynamic_feed:"),
        st.Page(_HERE / "pages/about.py", title="About", icon=":material/info:"),
    ],
    position="top",
).run()
