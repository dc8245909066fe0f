"""One film in full: the boxes that people drew beside the heat, what is true, what was called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.erring.choosing import IMAGE, KIND
from pages.erring.gallery import look_at
from pages.erring.table import outcome
from pages.shared.plain import plain
from pages.shared.way_back import read_film
from pages.viewer import component
from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.datasets import DataSetError, Film
from xray_models.evaluate.analysis import LabelAnalysis
from xray_models.viz import html, overlay
from xray_models.viz.viewer_data import BoxData, FilmData, MapSprite, View

if TYPE_CHECKING:
    from xray_models.radiograph import Radiograph

__all__ = ["SEEN", "Shown", "boxes_of", "hottest_in_words", "show", "shown"]

SEEN = (
    "The probability is of a network that never saw the film's group. The heat is of the network "
    "that ships, which was trained on most of these films. It may look surer than on a new film."
)
_LINKED = ("model", "label", "threshold", KIND)
_MAP = "map"
_SMALL = 256  # pixels on the longer side of the heat in which the hottest place is looked for
_NEAR = 0.03  # of the longer side: this far from a box still counts as beside it


class Shown(NamedTuple):
    """Film as the viewer shows it, and words on where the heat is and what speaks against it."""

    view: View
    film: Radiograph
    where: str
    hottest: str
    cautions: tuple[str, ...]


def show(
    analysis: LabelAnalysis,
    cut: float,
    names: Sequence[str],
    place: int,
    films: dict[str, Film],
    same: Sequence[str],
) -> None:
    """Film with its boxes and its heat, the facts beside it, and the ways on.

    Args:
        analysis: of the label.
        cut: the threshold.
        names: of the films, the most telling first.
        place: of the film among them.
        films: by name.
        same: other names that the film has in the table.
    """
    name = names[place]
    film = films[name]
    predictions = analysis.predictions
    row = int(np.flatnonzero(predictions.images == name)[0])
    pictures, words = st.columns([10, 4], gap="medium")
    with pictures:
        found = _found(analysis, film)
        if found is not None:
            component.show(found.view, "film of errors", found.film)
    with words:
        _show_facts(analysis, cut, row, same, found)
        _show_ways(names, place, film)


def _found(analysis: LabelAnalysis, film: Film) -> Shown | None:
    """Film for the viewer; None, and told, where it cannot be shown."""
    try:
        model = catalogue.get(analysis.predictions.model or "")
        with st.spinner("Explaining …"):
            return shown(film, model.id, analysis.label, model.weights.sha256)
    except (DataSetError, ValueError, RuntimeError) as error:
        st.warning(f"This film cannot be shown. {plain(error)}", icon=":material/broken_image:")
    return None


def _show_facts(
    analysis: LabelAnalysis, cut: float, row: int, same: Sequence[str], found: Shown | None
) -> None:
    predictions, label = analysis.predictions, analysis.label
    column = predictions.index(label)
    score = float(predictions.scores[row, column])
    truth = display_name(label)
    truth = truth if predictions.truth[row, column] == 1 else f"no {truth}"
    if predictions.classes:
        truth = predictions.classes[int(predictions.truth_class()[row])]
    became = outcome(analysis, row, cut).capitalize()
    st.markdown(f"**{became}**  \nTruth: {plain(truth)}")
    # here the threshold is the reader's, not the model's operating point
    st.html(html.bar(display_name(label), min(score, 1.0), cut))
    if found is not None:
        st.markdown(f"{plain(found.hottest)} {plain(found.where)}")
        for caution in found.cautions:
            st.caption(plain(caution))
    st.caption(f"Film {plain(predictions.images[row])}")
    if same:
        st.caption(f"The same film is in the table as {', '.join(map(plain, same))}.")
    if predictions.folds is not None and str(predictions.folds[0]).startswith("fold"):
        st.caption(SEEN)


def _show_ways(names: Sequence[str], place: int, film: Film) -> None:
    with st.container(horizontal=True):
        for title, step, icon, key in (
            ("Previous", -1, ":material/chevron_left:", "P"),
            ("Next", 1, ":material/chevron_right:", "N"),
        ):
            there = place + step
            inside = 0 <= there < len(names)
            st.button(
                title,
                icon=icon,
                key=f"{title} film",
                disabled=not inside,
                on_click=look_at,
                args=(names[there] if inside else "", there),
                shortcut=key,
            )
    if st.button(
        "Read this film",
        key="read film",
        icon=":material/radiology:",
        help="Opens it in the reading page, which asks all models that fit.",
    ):
        name = names[place]
        query = {one: st.query_params[one] for one in _LINKED if one in st.query_params}
        content = overlay.encode(overlay.film(film.pixels()))
        read_film(name, content, "errors.py", "Back to the errors", query | {IMAGE: name})


@st.cache_resource(
    show_spinner=False, max_entries=24, hash_funcs={Film: lambda one: (one.path, one.box)}
)
def shown(film: Film, model: str, label: str, sha: str) -> Shown:  # noqa: ARG001 - of the weights: it tells the caches of their heat apart
    """Film for the viewer, with the map of a label by the method that the model's card names.

    Raises:
        DataSetError: the film cannot be read.
        WeightsError, CannotClassify: the model cannot explain it.
    """
    from xray_models import pipeline
    from xray_models.radiograph import Radiograph
    from xray_models.report import heatmap_text

    pixels = film.pixels()
    opened = Radiograph(pixels, film.path.suffix)
    heat = pipeline.explain(opened, model, label)
    over = heat.on_radiograph(overlay.shrink(pixels, _SMALL).shape)
    lungs = pipeline.lungs(opened, model)
    where = heatmap_text.where(over, heat.outside, lungs)
    view = View(
        FilmData.of(opened),
        f"Film, and where the model sees {display_name(label)}",
        sprites=(MapSprite.of({_MAP: heat}),),
        boxes=boxes_of(film),
        selected=_MAP,
        where={_MAP: where},
        names={_MAP: display_name(label)},
    )
    cautions = heatmap_text.cautions(pixels, over, heat.outside, lungs, label)
    return Shown(view, opened, where, hottest_in_words(over, film), cautions)


def boxes_of(film: Film) -> tuple[BoxData, ...]:
    """Boxes that people drew on a film, as far as they lie on it."""
    found = []
    for x0, y0, x1, y1 in np.clip(np.array(film.lesions).reshape(-1, 4), 0, 1).tolist():
        if x1 > x0 and y1 > y0:
            found.append(BoxData(x0, y0, x1 - x0, y1 - y0, "drawn by people", "truth"))
    return tuple(found)


def hottest_in_words(heat: np.ndarray, film: Film) -> str:
    """Sentence on the hottest place and the boxes that people drew; empty without either.

    Args:
        heat: 0..1 over the whole film, (height, width).
        film: has the boxes.
    """
    boxes = boxes_of(film)
    if not boxes or not heat.any():
        return ""
    height, width = heat.shape
    down, across = np.unravel_index(int(heat.argmax()), heat.shape)
    x, y = (float(across) + 0.5) / width, (float(down) + 0.5) / height
    near = _NEAR * max(height, width)

    def reached(box: BoxData, margin: float) -> bool:
        beside, above = margin / width, margin / height
        return (
            box.x - beside <= x <= box.x + box.width + beside
            and box.y - above <= y <= box.y + box.height + above
        )

    if any(reached(box, 0) for box in boxes):
        return "The hottest place lies in a box that people drew."
    if any(reached(box, near) for box in boxes):
        return "The hottest place lies just beside a box that people drew."
    return "The hottest place lies away from the boxes that people drew."
