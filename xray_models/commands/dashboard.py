"""`radlens app`: the dashboard, from a checkout or an installed package."""

from __future__ import annotations

import runpy
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from xray_models.catalogue.registry import app_folder
from xray_models.commands import fail

__all__ = ["SETTINGS", "dashboard"]

SETTINGS = {"ignore_unknown_options": True}
"""Settings of the command: options that it does not know are for Streamlit."""


def dashboard(
    options: Annotated[
        list[str] | None,
        typer.Argument(help="Options of `streamlit run`, for example --server.port 8600."),
    ] = None,
) -> None:
    """Open the dashboard: `streamlit run main.py` with its settings, from any folder."""
    main = app_folder() / "main.py"
    if not main.is_file():
        fail(f"{main}: no such file. Install RadLens again, or start it from its repository.")
    if find_spec("streamlit") is None:
        fail("The dashboard needs Streamlit. Install it: pip install streamlit")
    # Streamlit reads .streamlit/config.toml beside main.py. It runs in this process, so that what
    # stops the command stops the server.
    sys.argv = ["streamlit", "run", str(main), *(options or ())]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
