"""How faithful maps are: computed beside the page, one by one, and kept."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.comparing.tiles import Tile
from pages.shared import background_work
from pages.shared.job import Job
from pages.shared.open_film import card_of
from xray_models.datasets.samples import SAMPLES

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import FaithfulnessScorer, Scores, Tried
    from xray_models.explain.progress import Progress, Stop
    from xray_models.radiograph import Radiograph

__all__ = ["begin", "key", "noise", "scores"]

_STOPPED = "judging stopped"


def noise(tile: Tile) -> Tile:
    """The map of noise that is asked the same."""
    return tile._replace(method="noise", layer=None)


def key(film_key: str) -> tuple[str, str]:
    """Of the work."""
    return "judging", film_key


def scores(film_key: str) -> dict[Tile, Scores]:
    """The scores that are there; those of a sample are the same for every visitor."""
    if film_key in SAMPLES:
        return _of_sample(film_key)
    cached: dict[Tile, Scores] = st.session_state.made.setdefault(("scores", film_key), {})
    return cached


@st.cache_resource(show_spinner=False)
def _of_sample(name: str) -> dict[Tile, Scores]:  # noqa: ARG001 - it tells the caches apart
    return {}


def begin(film_key: str, film: Radiograph, wanted: list[Tile], done: dict[Tile, Tried]) -> bool:
    """Start to judge what is not judged yet, unless the visitor stopped that.

    Args:
        film_key: of the film.
        film: the radiograph.
        wanted: maps and noise to judge.
        done: the maps.

    Returns:
        Whether work goes on beside the page.
    """
    cached = scores(film_key)
    job = background_work.jobs().get(key(film_key))
    if job is not None and not job.running:
        del background_work.jobs()[key(film_key)]
        if job.failure is not None:
            st.error(f"The maps could not be judged. {job.failure}", icon=":material/error:")
            return False
        if job.stopped:
            st.session_state.made[_STOPPED] = True
        job = None
    missing = [one for one in wanted if one not in cached]
    if not missing:
        return False
    if job is None:
        if st.session_state.made.get(_STOPPED):
            if not st.button("Judge the maps", icon=":material/play_arrow:"):
                return False
            st.session_state.made[_STOPPED] = False
        values = {tile: one.heatmap.values for tile, one in done.items()}
        background_work.jobs()[key(film_key)] = Job(partial(_judge, film, missing, values, cached))
    return True


def _judge(
    film: Radiograph,
    missing: list[Tile],
    values: dict[Tile, np.ndarray],
    cached: dict[Tile, Scores],
    progress: Progress,
    stop: Stop,
) -> int:
    """Judge maps one by one; each is kept as soon as it is judged."""
    from xray_models.evaluate.explanations import single_film

    scorers: dict[Tile, FaithfulnessScorer] = {}
    for number, tile in enumerate(missing):
        asked = noise(tile)
        if asked not in scorers:
            scorers[asked] = single_film.FaithfulnessScorer(
                card_of(tile.question.model), film, tile.query
            )
        scorer = scorers[asked]
        cached[tile] = (
            scorer.random(stop)
            if tile == asked
            else scorer.scores(values[tile], stop, tile.method, tile.layer)
        )
        progress(number + 1, len(missing))
    return len(missing)
