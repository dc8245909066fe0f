"""RadLens: the dashboard. `streamlit run main.py` opens it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).resolve().parent
_STYLE = _HERE / "assets" / "style"


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Load the models in the background, once per server, so that the first reading is quick."""

    def warm() -> None:
        import classify  # brings TensorFlow, which takes seconds: the page opens without waiting

        try:
            classify.warm()
        except (ValueError, RuntimeError) as error:
            # the page says the same, in a sentence, to whoever asks for a reading
            logging.getLogger("radlens").warning("The models could not be warmed up: %s", error)

    thread = threading.Thread(target=warm, name="warm-up", daemon=True)
    thread.start()
    return thread


# an icon of our own: the browser would fetch a :material: one from the network
st.set_page_config(page_title="RadLens", page_icon=str(_STYLE / "icon.svg"), layout="wide")
st.logo(str(_STYLE / "logo.svg"), size="large")
st.html(_STYLE / "radlens.css")
warm_up()
st.navigation(
    [
        st.Page(_HERE / "pages/read.py", title="Read", icon=":material/radiology:", default=True),
        st.Page(_HERE / "pages/compare.py", title="Compare", icon=":material/compare:"),
        st.Page(_HERE / "pages/models.py", title="Models", icon=":material/fact_check:"),
        st.Page(_HERE / "pages/performance.py", title="Performance", icon=":material/query_stats:"),
        st.Page(_HERE / "pages/errors.py", title="Errors", icon=":material/image_search:"),
        st.Page(_HERE / "pages/batch.py", title="Batch", icon=":material/dynamic_feed:"),
        st.Page(_HERE / "pages/about.py", title="About", icon=":material/info:"),
    ],
    position="top",
).run()
