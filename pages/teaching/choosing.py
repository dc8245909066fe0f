"""Start of the teaching page: which set, how it is read, and what is kept of the reader."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

import streamlit as st

from pages.shared.plain import plain
from pages.shared.visitor import is_local
from pages.teaching import lessons, state
from xray_models.teaching import session as sessions
from xray_models.teaching import set_making, sets
from xray_models.teaching.films import at_hand
from xray_models.teaching.sets import SetError, TeachingSet
from xray_models.teaching.starter_sets import STARTER_SETS

__all__ = ["FOLDER", "SETS", "show"]

SETS = "RADLENS_SETS"
"""Environment variable: a folder of sets that the deployer offers."""
FOLDER = "teaching folder"
_OWN = "A folder on this computer"
_LIMITS = {"none": None, "30 seconds": 30.0, "1 minute": 60.0, "2 minutes": 120.0}
_MOST_SETS = 200


def show() -> None:
    """Form of a session: the set, the way to read it, and the button that begins."""
    left, right = st.columns(2, gap="large")
    with left:
        found = _choose_set()
        lessons.offer()
    if found is None:
        return
    with right:
        _choose_how(found)


def _choose_set() -> TeachingSet | None:
    offered: dict[str, str] = {
        f"starter {name}": make().title for name, make in STARTER_SETS.items()
    }
    offered |= {f"file {path}": _title(path) for path in _files()}
    if is_local():
        offered["own"] = _OWN
    chosen = st.radio(
        "Set of films",
        list(offered),
        format_func=lambda one: plain(offered[one]),
        key="teaching set",
    )
    try:
        found = _loaded(chosen)
    except SetError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    if found is None:
        return None
    if found.about:
        st.markdown(plain(found.about))
    asked = " ".join(one.text for one in found.questions)
    st.caption(f"{len(found.films)} films. Asked: {plain(asked)} License: {plain(found.license)}.")
    away = sum(not at_hand(one) for one in found.films)
    if away:
        st.caption(f"{away} films are fetched from the network when they are opened.")
    return found


def _loaded(chosen: str) -> TeachingSet | None:
    """Set that was chosen; None while its folder is not named.

    Raises:
        SetError: it cannot be used.
    """
    kind, _, name = chosen.partition(" ")
    if kind == "starter":
        return STARTER_SETS[name]()
    if kind == "file":
        return sets.load(Path(name))
    typed = st.text_input(
        "Folder",
        key=FOLDER,
        placeholder="/path/to/films",
        help="It holds set.toml, or films and a table truth.csv with the columns image and, for "
        "example, fracture.",
    )
    if not typed or not is_local():
        return None
    folder = Path(typed.strip().strip("'\"")).expanduser()
    if (folder / "set.toml").is_file():
        return sets.load(folder / "set.toml")
    return _made(str(folder), _stamp(folder / "truth.csv"))


@st.cache_data(show_spinner="Looking at the films …", max_entries=8)
def _made(folder: str, stamp: int) -> TeachingSet:  # noqa: ARG001 - it makes the key
    path = Path(folder)
    return set_making.make_set(path, path / "truth.csv", "as the owner of the films says")


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _files() -> list[Path]:
    """Files of the sets that the deployer offers."""
    folder = os.environ.get(SETS)
    if not folder:
        return []
    root = Path(folder)
    return sorted([*root.glob("*.toml"), *root.glob("*/*.toml")])[:_MOST_SETS]


def _title(path: Path) -> str:
    """Title of a set; the name of its file where it cannot be read, as its choice will tell."""
    try:
        return sets.load(path).title
    except SetError:
        return f"{path.parent.name}/{path.name}"


def _choose_how(found: TeachingSet) -> None:
    mode = st.radio(
        "How you read",
        list(sessions.MODES),
        format_func=lambda one: sessions.MODES[one],
        key="teaching mode",
        captions=[
            "You answer, then you see the truth and the model.",
            "You answer twice: before and after you see the model.",
            "As before, but some answers of the model are wrong on purpose.",
        ],
    )
    first, second = st.columns(2)
    with first:
        count = st.number_input(
            "Films", 1, len(found.films), min(10, len(found.films)), key=f"films {found.id}"
        )
        limit = st.selectbox("Time for a film", list(_LIMITS), key="teaching limit")
    with second:
        order = st.selectbox("Order", sessions.ORDERS, key="teaching order")
        parts = list[str]()
        if len(found.parts) > 1:
            parts = st.multiselect(
                "Parts", found.parts, placeholder="all", key=f"teaching parts {found.id}"
            )
    code = _choose_code(found)
    # not in a callback: it would get what was chosen at the run before
    if st.button("Begin", type="primary", icon=":material/play_arrow:"):
        try:
            _begin(found, mode, int(count), tuple(parts), order, _LIMITS[limit], code)
        except ValueError as error:
            st.error(plain(error), icon=":material/error:")
        else:
            st.rerun()


def _begin(
    found: TeachingSet,
    mode: str,
    count: int,
    parts: tuple[str, ...],
    order: str,
    limit: float | None,
    code: str,
) -> None:
    """Begin a session; films that are due again for this reader come first.

    Raises:
        ValueError: no film is left, or the store cannot be reached; for people.
    """
    from xray_models.teaching.keeping.store import StoreError

    state.drop()
    store = state.the_store() if code else None
    number = None
    try:
        due = store.due(code) if store is not None else []
        first = [one.id for hash_ in due for one in found.films if one.hash == hash_]
        plan = sessions.planned(
            found, mode, count, parts, order, limit, secrets.randbits(32), first
        )
        if store is not None:
            number = store.begin(code, plan)
    except StoreError as error:
        raise ValueError(str(error)) from error
    state.change(sessions.Session(found, plan), number)


def _choose_code(found: TeachingSet) -> str:
    """Code of the reader, where progress is kept; "" for a reader who wants none kept."""
    store = state.the_store()
    if store is None:
        st.caption("Nothing is kept on this server. Take your results along at the end.")
        return ""
    from xray_models.teaching.keeping.store import StoreError, new_code

    with st.expander("Keep my progress", icon=":material/bookmark:", expanded=True):
        st.caption(
            "A code stands for you. Only you have it: write it down. No name and no film is kept."
        )
        st.button("New code", on_click=lambda: st.session_state.update({state.CODE: new_code()}))
        code = st.text_input("Your code", key=state.CODE, persist_state="session").strip()
        if not code:
            return ""
        try:
            unfinished = store.unfinished(code, found)
            due = set(store.due(code)) & {one.hash for one in found.films}
            exported = store.export(code)
        except StoreError as error:
            st.warning(plain(error), icon=":material/cloud_off:")
            return ""
        if due:
            st.markdown(f"{len(due)} films of this set are due again. They come first.")
        if unfinished is not None:
            number, session = unfinished
            st.button(
                f"Go on at film {session.told + 1} of {len(session.plan.films)}",
                icon=":material/resume:",
                on_click=_resume,
                args=(session, number),
            )
        if exported["sessions"]:
            with st.container(horizontal=True):
                st.download_button(
                    "All that is kept (JSON)",
                    data=json.dumps(exported, indent=1),
                    file_name="radlens-progress.json",
                    mime="application/json",
                    on_click="ignore",
                )
                st.button("Delete it", on_click=_forget, args=(code,), icon=":material/delete:")
    return code


def _resume(session: sessions.Session, number: int) -> None:
    state.drop()
    state.change(session, number)


def _forget(code: str) -> None:
    store = state.the_store()
    if store is not None:
        store.forget(code)
        st.toast("All that was kept of you is deleted.")
