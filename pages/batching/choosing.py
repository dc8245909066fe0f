"""Choice of the films to score, the models, and the truth if it is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.batching.state import Batch
from pages.batching.store import the_store
from pages.shared.page import all_cards
from pages.shared.plain import plain
from pages.shared.visitor import is_local
from xray_models import PARTS
from xray_models.evaluate.predictions import csv_import
from xray_models.radiograph.ages import ADULT, CHILD

if TYPE_CHECKING:
    from xray_models.batch.sources import Sources

__all__ = [
    "AS_FILES_SAY",
    "AS_RECOGNIZED",
    "FOLDER",
    "IN_LINK",
    "MOST_MEGABYTES",
    "UPLOAD",
    "begin",
    "choose",
    "taken",
]

UPLOAD, FOLDER = "Upload", "Folder on this computer"
AS_RECOGNIZED = "as recognized"
AS_FILES_SAY = "age as the files say"
MOST_MEGABYTES = 500  # of one upload, such as an archive
IN_LINK = "batch"
"""What names a batch in the link and in the session: its token in the store."""


def choose() -> None:
    """Form: what to score, with which models, and the button that begins."""
    readers = {name: card.name for name, card in all_cards().items() if card.task != "body-part"}
    where = UPLOAD
    if is_local():
        where = st.segmented_control(
            "Where the films are",
            [UPLOAD, FOLDER],
            default=UPLOAD,
            required=True,
            key="batch where",
        )
    if where == FOLDER:
        st.text_input(
            "Folder, ZIP archive or list of files",
            key="batch path",
            placeholder="/path/to/films",
            help="Read where it lies, with all folders below it. A list is a text file with a "
            "path a line.",
        )
    else:
        st.file_uploader(
            "Films or ZIP archives",
            accept_multiple_files=True,
            key="batch files",
            max_upload_size=MOST_MEGABYTES,
        )
        st.caption(
            "PNG, JPEG, TIFF, BMP, WebP or DICOM, each up to 25 MB. A ZIP archive of them may have "
            f"{MOST_MEGABYTES} MB and 5,000 files."
        )
    first, second, third = st.columns(3, gap="medium")
    with first:
        st.multiselect(
            "Models",
            list(readers),
            format_func=lambda one: readers[one],
            key="batch models",
            placeholder="those that fit each film",
            help="Named models read every film, whatever its body part.",
        )
    with second:
        st.selectbox("Body part", [AS_RECOGNIZED, *PARTS], key="batch part")
    with third:
        st.selectbox(
            "Patients",
            [AS_FILES_SAY, CHILD, ADULT],
            key="batch age",
            help="Some models were made for children only. Of others, and of patients whose age "
            "nobody knows, their answers are set aside.",
        )
    st.file_uploader(
        "Truth, if it is known (CSV)",
        key="batch truth",
        max_upload_size=csv_import.MOST_BYTES // 2**20,
        help="A row per film: its file name, and its label or labels. You confirm what the columns "
        "are. It can also be given later.",
    )
    st.button(
        "Score these films",
        type="primary",
        icon=":material/play_arrow:",
        on_click=begin,
        args=(where,),
    )
    if problem := st.session_state.pop("batch problem", None):
        st.error(plain(problem), icon=":material/error:")


def begin(where: str) -> None:
    """Begin a batch of what was chosen, or keep the problem to be shown."""
    state = st.session_state
    try:
        batch = taken(where)
        state[IN_LINK] = st.query_params[IN_LINK] = the_store().add(batch)
        batch.start()
    except (ValueError, RuntimeError) as error:
        state["batch problem"] = str(error)


def taken(where: str) -> Batch:
    """Batch of what was chosen; raises ValueErrors whose text is for people."""
    from xray_models.batch import score, sources

    state = st.session_state
    films: Sources
    if where == FOLDER:
        if not is_local():
            raise ValueError("Folders can be named only on the computer that RadLens runs on.")
        path = state["batch path"].strip().strip("'\"")
        if not path:
            raise ValueError("Type the path of a folder, a ZIP archive or a list of files.")
        films, size = sources.find(Path(path).expanduser()), 0
    else:
        files = state["batch files"]
        if not files:
            raise ValueError("Choose one or more films, or a ZIP archive of films.")
        films = sources.Uploads([(file.name, file.getvalue()) for file in files])
        size = sum(file.size for file in files)
    part = state["batch part"]
    age = state["batch age"]
    plan = score.plan(
        state["batch models"],
        None if part == AS_RECOGNIZED else part,
        None if age == AS_FILES_SAY else age,
    )
    if not (total := films.count()):
        raise ValueError("There is no file that may be a film: only tables, texts or nothing.")
    truth = state["batch truth"]
    table = csv_import.read(truth.getvalue(), truth.name) if truth else None
    return Batch(films, plan, total, table, size)
