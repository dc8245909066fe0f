"""Films of a held-out table on this machine, and where to name their folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from pages.shared.plain import plain
from pages.shared.visitor import is_local
from xray_models.datasets import DataSetError, Film
from xray_models.train import locate_films

__all__ = ["FOLDER", "Found", "films_here", "find", "show_folder"]

FOLDER = "folder of films"


class Found(dict[str, Film]):
    """Films by name; `problem` says why there are none, `named` which folder was looked into."""

    problem: str = ""
    named: str = ""


def films_here(model: str, images: np.ndarray) -> Found:
    """Films of a table that are on this machine."""
    known = locate_films.data_folder()
    # nobody elsewhere may look around on this machine
    typed = st.session_state.get(FOLDER) if is_local() else ""
    named = typed or (str(known) if known else "")
    found = Found()
    if named:
        try:
            found = Found(find(model, named, images))
        except DataSetError as error:
            found.problem = str(error)
    found.named = named
    return found


@st.cache_resource(show_spinner="Looking for the films …", max_entries=16)
def find(model: str, folder: str, images: np.ndarray) -> dict[str, Film]:
    """Films of a held-out table by name; kept, because looking for them reads whole tables.

    Raises:
        DataSetError: the folder lacks them.
    """
    return locate_films.locate(model, Path(folder), images.tolist())


def show_folder(found: Found, images: np.ndarray) -> None:
    """What is known of the folder, and a field to name another."""
    known = locate_films.data_folder()
    local = is_local()
    missing = len(images) - len(found)
    with st.expander("Where the films are", expanded=not found, icon=":material/folder_open:"):
        if local:
            st.text_input(
                "Folder of the data sets, on the machine that runs RadLens",
                placeholder=str(known or "/data/radiographs"),
                key=FOLDER,
                persist_state="session",
                help="It holds fracatlas, kermany, nih and the others, as in training. The "
                f"environment variable {locate_films.FOLDER} names it as well.",
            )
        elif not found.named:
            st.write(
                "Who runs RadLens names their folder, by the environment variable "
                f"{locate_films.FOLDER}."
            )
        if found.problem:
            st.warning(
                f"The films cannot be shown. {plain(found.problem)}", icon=":material/folder_off:"
            )
        elif not found.named:
            st.write("The films are not part of RadLens. Without them there is the table alone.")
        elif missing:
            st.write(
                f"{len(found):,} of {len(images):,} films are there. Of the others some were "
                "drawn, some share a name, and some files are missing."
            )
        else:
            st.write(f"All {len(images):,} films are there.")
