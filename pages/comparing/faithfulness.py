"""Faithfulness of the maps: measured beside the page, one by one, and cached."""

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
    from xray_models.evaluate.explanations.single_film import FaithfulnessScorer, Scores, TimedMap
    from xray_models.explain.progress import Progress, Stop
    from xray_models.radiograph import Radiograph

__all__ = ["begin", "key", "noise", "scores"]

_STOPPED = "faithfulness stopped"


def noise(tile: Tile) -> Tile:
    """Tile of a map of noise that is asked the same."""
    from xray_models.explain import MethodSpec

    return tile._replace(spec=MethodSpec("noise"))


def key(film_key: str) -> tuple[str, str]:
    """Key of the job that measures the maps of a film."""
    return "faithfulness", film_key


def scores(film_key: str) -> dict[Tile, Scores]:
    """Scores that are there; those of a sample are the same for every visitor."""
    if film_key in SAMPLES:
        return _of_sample(film_key)
    cached: dict[Tile, Scores] = st.session_state.made.setdefault(("scores", film_key), {})
    return cached


@st.cache_resource(show_spinner=False)
def _of_sample(name: str) -> dict[Tile, Scores]:  # noqa: ARG001 - it tells the caches apart
    return {}


def begin(film_key: str, film: Radiograph, wanted: list[Tile], done: dict[Tile, TimedMap]) -> bool:
    """Start to measure the maps without scores, unless the visitor stopped that.

    Args:
        film_key: of the film.
        film: the radiograph.
        wanted: maps and noise to measure.
        done: the maps.

    Returns:
        Whether work goes on beside the page.
    """
    cached = scores(film_key)
    job = background_work.jobs().get(key(film_key))
    if job is not None and not job.running:
        del background_work.jobs()[key(film_key)]
        if job.failure is not None:
            st.error(
                f"How faithful the maps are could not be measured. {job.failure}",
                icon=":material/error:",
            )
            return False
        if job.stopped:
            st.session_state.made[_STOPPED] = True
        job = None
    missing = [one for one in wanted if one not in cached]
    if not missing:
        return False
    if job is None:
        if st.session_state.made.get(_STOPPED):
            if not st.button("Measure how faithful the maps are", icon=":material/play_arrow:"):
                return False
            st.session_state.made[_STOPPED] = False
        values = {tile: one.heatmap.values for tile, one in done.items()}
        background_work.jobs()[key(film_key)] = Job(
            partial(_measure, film, missing, values, cached)
        )
    return True


def _measure(
    film: Radiograph,
    missing: list[Tile],
    values: dict[Tile, np.ndarray],
    cached: dict[Tile, Scores],
    progress: Progress,
    stop: Stop,
) -> int:
    """Measure maps one by one; the scores of each are cached as soon as they are there."""
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
            scorer.random(stop) if tile == asked else scorer.scores(values[tile], stop, tile.spec)
        )
        progress(number + 1, len(missing))
    return len(missing)
