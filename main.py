"""RadLens: the dashboard. `streamlit run main.py` opens it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.shared.headers import SafeHeaders

app = st.App(Path(__file__).resolve().parent / "app.py", middleware=[Middleware(SafeHeaders)])
