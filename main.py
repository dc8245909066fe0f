"""RadLens: the dashboard, and REST beside it. `streamlit run main.py` opens both."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.shared import decoding
from pages.shared.headers import SafeHeaders
from xray_models import serve

try:
    settings = serve.from_environment()
except serve.SettingsError as error:
    sys.exit(str(error))

app = st.App(
    Path(__file__).resolve().parent / "app.py",
    routes=serve.routes(settings, decoding.pool),
    middleware=[Middleware(SafeHeaders)],
)
