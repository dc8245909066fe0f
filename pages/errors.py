"""Errors page: films that a model gets wrong, or of which it is most or least certain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from pages.evaluating import screen, threshold
from pages.shared import open_predictions, tables
from pages.shared.open_film import ELSEWHERE
from pages.shared.page import all_cards, ends_with, open_page
from pages.shared.plain import plain
from pages.shared.visitor import is_local
from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.datasets import DataSetError, Film
from xray_models.evaluate import errors
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.spreadsheet import safe_csv
from xray_models.train import locate_films
from xray_models.viz import html, overlay

ON_PAGE = 10
SCREEN = 420  # pixels on the longer side of a film in the gallery
FOLDER = "folder of films"
MODEL = "model of errors"
KIND = "kind"
SEEN = (
    "The probabilities are of networks that had never seen the film's group. The heatmaps are of "
    "the network that ships, which was trained on most of these films (all but those of one fold): "
    "they may look surer than they would on a new film."
)


def main() -> None:
    """The page, from top to bottom."""
    open_page(
        "What the models get wrong",
        "Held-out films, called at a threshold: where a model errs, and where it is most and least "
        "certain.",
    )
    models = {card.id: card for card in all_cards().values() if card.measured}
    if not models:
        st.info("No model in the catalogue was measured, so there is nothing to look at.")
        return
    first, second = st.columns(2, gap="medium")
    with first:
        model = choose_model(list(models))
    with ends_with(f"{models[model].name} cannot be judged here now."):
        of_model = open_predictions.of_model(model)
    with second:
        label = screen.choose_label(f"errors {model}", of_model.predictions)
    analysis = of_model.labels[label]
    threshold.begin(model, analysis)
    cut, kind = choose_kind(analysis)
    show(analysis, cut, kind)


def choose_model(models: list[str]) -> str:
    """Choice of the model; the link carries it."""
    state = st.session_state
    linked = st.query_params.get("model")
    start = linked if linked in models else state.get(MODEL, "bone-general")
    start = start if start in models else models[0]
    if state.get(MODEL) != start:
        state[MODEL] = start

    def changed() -> None:
        st.query_params["model"] = state[MODEL]
        for name in ("label", "threshold"):
            st.query_params.pop(name, None)
        state["page of films"] = 1

    chosen: str = st.selectbox(
        "Model",
        models,
        format_func=lambda one: catalogue.get(one).name,
        key=MODEL,
        on_change=changed,
        persist_state="session",
    )
    st.query_params["model"] = chosen
    return chosen


def choose_kind(analysis: LabelAnalysis) -> tuple[float, str]:
    """Choice of the films, and of the threshold that calls them."""
    state = st.session_state
    one = analysis.films
    if state.get(threshold.TYPED) != state["cut"]:
        state[threshold.TYPED] = state["cut"]
    left, right = st.columns([2, 6], gap="medium", vertical_alignment="bottom")
    with left:
        st.number_input(
            "Threshold",
            0.0,
            1.0,
            step=0.01,
            format="%.5f",
            key=threshold.TYPED,
            on_change=take_threshold,
            help="A film is called positive when its probability reaches it.",
        )
    cut: float = state["cut"]
    counts = {kind: len(errors.films(one, cut, kind)) for kind in errors.KINDS[:2]}
    linked = _linked_kind()
    if state.get(KIND) is None or (linked and state[KIND] != linked):
        state[KIND] = linked or errors.KINDS[0]
    with right:
        kind = st.segmented_control(
            "Films",
            errors.KINDS,
            required=True,
            wrap=True,
            key=KIND,
            on_change=take_kind,
            format_func=lambda name: (
                f"{name} ({counts[name]:,})" if name in counts else name
            ).capitalize(),
        )
    return cut, kind or errors.KINDS[0]


def take_threshold() -> None:
    """Take the typed threshold, and put it into the link."""
    state = st.session_state
    state["cut"], state["cut why"] = float(state[threshold.TYPED]), ""
    st.query_params["threshold"] = f"{state['cut']:.6g}"
    first_page()


def _linked_kind() -> str | None:
    """Kind of films that the link names: by its name, or as older links say it, with a count."""
    said = st.query_params.get("kind", "").lower()
    return next((kind for kind in errors.KINDS if said.startswith(kind)), None)


def take_kind() -> None:
    """Put the chosen films into the link.

    Streamlit could bind them to it, but refuses to leave a page while something is bound.
    """
    st.query_params["kind"] = st.session_state[KIND]
    first_page()


def first_page() -> None:
    """Go to the first page of the films, because others are shown."""
    st.session_state["page of films"] = 1


def show(analysis: LabelAnalysis, cut: float, kind: str) -> None:
    """Gallery where the films are at hand, and the table in any case."""
    predictions, label = analysis.predictions, analysis.label
    one = analysis.films
    if one.problem:
        st.info(plain(one.problem), icon=":material/info:")
    rows = errors.films(one, cut, kind)
    if not len(rows):
        st.success(
            f"There are no {kind} at a threshold of {cut:.4g}, among {len(one.truth):,} films.",
            icon=":material/check:",
        )
        return
    films = films_here(predictions.model or "", predictions.images)
    if films:
        gallery(analysis, cut, rows, films)
    st.header("Table", anchor="table")
    table = pd.DataFrame(
        {
            "film": predictions.images[rows],
            "truth": np.where(
                predictions.truth[rows, predictions.index(label)] == 1, label, "without"
            ),
            "probability": predictions.scores[rows, predictions.index(label)],
            "what became of it": [_outcome(analysis, row, cut) for row in rows],
            "group": predictions.groups[rows],
            **{name: values[rows] for name, values in predictions.subgroups.items()},
        }
    )
    tables.show(
        table.replace({"truth": {label: display_name(label)}}),
        width="stretch",
        key="table of films",
        alt=f"{kind.capitalize()} of {predictions.name}, the most telling first.",
        column_config={"probability": st.column_config.NumberColumn(format="%.4f")},
    )
    st.download_button(
        "Table as CSV",
        data=lambda: safe_csv(table),
        file_name=f"radlens-{kind.replace(' ', '-')}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _outcome(analysis: LabelAnalysis, row: int, cut: float) -> str:
    predictions = analysis.predictions
    column = predictions.index(analysis.label)
    return errors.outcome(
        bool(predictions.truth[row, column] == 1), float(predictions.scores[row, column]), cut
    )


def films_here(model: str, images: np.ndarray) -> Mapping[str, Film]:
    """Films on this machine; without them, where to name their folder."""
    state = st.session_state
    known = locate_films.data_folder()
    local = is_local()  # nobody elsewhere may look around on this machine
    named = (state.get(FOLDER) if local else "") or (str(known) if known else "")
    found: Mapping[str, Film] = {}
    problem = ""
    if named:
        try:
            found = find(model, named, images)
        except DataSetError as error:
            problem = str(error)
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
        elif not named:
            st.write(
                "Who runs RadLens names their folder, by the environment variable "
                f"{locate_films.FOLDER}."
            )
        if problem:
            st.warning(f"The films cannot be shown. {plain(problem)}", icon=":material/folder_off:")
        elif not named:
            st.write("The films are not part of RadLens. Without them there is the table alone.")
        elif missing:
            st.write(
                f"{len(found):,} of {len(images):,} films are there. The others were drawn, or "
                "several share a name, or their files are missing, or training has left them "
                "out since."
            )
        else:
            st.write(f"All {len(images):,} films are there.")
    return found


@st.cache_resource(show_spinner="Looking for the films …", max_entries=16)
def find(model: str, folder: str, images: np.ndarray) -> dict[str, Film]:
    """Films of a held-out table by name; kept, because looking for them reads whole tables.

    Raises:
        DataSetError: the folder lacks them.
    """
    return locate_films.locate(model, Path(folder), images.tolist())


def gallery(
    analysis: LabelAnalysis, cut: float, rows: np.ndarray, films: Mapping[str, Film]
) -> None:
    """Gallery of films with their heatmaps, a page of them at a time."""
    predictions, label = analysis.predictions, analysis.label
    here = [row for row in rows if predictions.images[row] in films]
    if not here:
        st.info("None of these films is on this machine; the table below lists them.")
        return
    pages = -(-len(here) // ON_PAGE)
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with left:
        heat = st.toggle(
            "Heatmaps",
            value=True,
            key="heat of films",
            persist_state="session",
            help=f"Where the model sees {display_name(label)}, by the method that its card names.",
        )
    with right:
        state = st.session_state
        state["page of films"] = min(state.get("page of films", 1), pages)
        page = (
            st.number_input(f"Page, of {pages:,}", 1, pages, step=1, key="page of films")
            if pages > 1
            else 1
        )
    if heat and predictions.folds is not None and str(predictions.folds[0]).startswith("fold"):
        st.warning(SEEN, icon=":material/visibility:")
    with st.container(horizontal=True, gap="small", key="gallery"):
        for row in here[(page - 1) * ON_PAGE : page * ON_PAGE]:
            with st.container(width=240, gap="small", border=True):
                tile(analysis, cut, int(row), films[str(predictions.images[row])], heat)


def tile(analysis: LabelAnalysis, cut: float, row: int, film: Film, heat: bool) -> None:
    """Tile of one film: picture, what is true, what the model says, and a way to read it."""
    predictions, label = analysis.predictions, analysis.label
    score = float(predictions.scores[row, predictions.index(label)])
    has_it = predictions.truth[row, predictions.index(label)] == 1
    became = _outcome(analysis, row, cut)
    truth = display_name(label) if has_it else f"no {display_name(label)}"
    if predictions.classes:
        truth = predictions.classes[int(predictions.truth_class()[row])]
    try:
        with st.spinner("Explaining …" if heat else "Opening …"):
            sha = catalogue.get(predictions.model or "").weights.sha256
            content, where = picture(film, predictions.model or "", label, sha, heat)
    except (DataSetError, ValueError, RuntimeError) as error:
        st.caption(f"{plain(predictions.images[row])} cannot be shown. {plain(error)}")
        return
    how = f"with heat over it. {where}" if heat else "as it is."
    st.image(content, width="stretch", alt=f"{became.capitalize()}: a film of {truth}, {how}")
    if heat:
        st.caption(plain(where))
    st.markdown(f"**{became.capitalize()}**  \ntruth: {plain(truth)}")
    # here the threshold is the reader's, not the model's operating point
    st.html(html.bar(display_name(label), min(score, 1.0), cut, threshold_name="threshold"))
    st.caption(plain(predictions.images[row]))
    if st.button(
        "Read this film",
        key=f"read {row}",
        icon=":material/radiology:",
        width="stretch",
        help="Opens it in the reading page.",
    ):
        st.session_state[ELSEWHERE] = {"name": str(predictions.images[row]), "content": whole(film)}
        st.switch_page("pages/read.py")


@st.cache_data(
    show_spinner=False, max_entries=400, hash_funcs={Film: lambda one: (one.path, one.box)}
)
def picture(
    film: Film,
    model: str,
    label: str,
    sha: str,  # noqa: ARG001 - of the weights: it tells the caches of their heat apart
    heat: bool,
) -> tuple[bytes, str]:
    """Film as a small JPEG, with or without the heatmap of a label, and where the heat is.

    Raises:
        DataSetError: the film cannot be read.
        WeightsError, CannotClassify: the model cannot explain it.
    """
    pixels = film.pixels()
    gray = overlay.shrink(pixels, SCREEN)
    if not heat:
        return overlay.encode(overlay.film(gray), "JPEG"), ""
    from xray_models import pipeline
    from xray_models.radiograph import Radiograph
    from xray_models.report import heatmap_text

    found = pipeline.explain(Radiograph(pixels, film.path.suffix), model, label)
    over = found.on_radiograph(gray.shape)
    overlaid = overlay.encode(overlay.overlay(gray, over, overlay.Style()), "JPEG")
    return overlaid, heatmap_text.where(over, found.outside)


def whole(film: Film) -> bytes:
    """Film at its own size as PNG."""
    return overlay.encode(overlay.film(film.pixels()))


main()
