"""The table under the grid: where each map is hot, what it cost, how faithful it is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.comparing import judging
from pages.comparing.tiles import Tile
from pages.reading import mapping, waiting
from xray_models.labels import shown

if TYPE_CHECKING:
    from xray_models.evaluate.side_by_side import Scores, Tried
    from xray_models.radiograph import Radiograph

_NUMBER = st.column_config.NumberColumn
COLUMNS = {
    "Map": st.column_config.TextColumn(pinned=True),
    "Where the heat is": st.column_config.TextColumn(width="large"),
    "ms": _NUMBER(format="%.1f", help="Beyond the pass that read the film."),
    "Passes": _NUMBER(
        format="%.0f", help="At most, in forward passes; a backward pass counts two."
    ),
    "Insertion − deletion": _NUMBER(
        format="%.2f",
        help="Higher is better: what is hot brings the probability up soon when it is put in, and "
        "down soon when it is taken away (Petsiuk et al. 2018).",
    ),
    "Insertion": _NUMBER(format="%.2f", help="Area under the curve, higher is better."),
    "Deletion": _NUMBER(format="%.2f", help="Area under the curve, lower is better."),
    "Probability lost": _NUMBER(
        format="%.2f",
        help="Share lost when only what is hot is shown, lower is better "
        "(Chattopadhay et al. 2018).",
    ),
    "MuFidelity": _NUMBER(
        format="%.2f",
        help="-1 to 1, higher is better: heat taken away against score lost, over 64 random sets "
        "of cells (Bhatt et al. 2020).",
    ),
}


def show(film_key: str, film: Radiograph, done: dict[Tile, Tried], names: dict[Tile, str]) -> None:
    """The table; scores that are not there yet fill in one by one."""
    st.header("Measured on this film", anchor=False)
    judged = list(done)
    for tile in done:  # noise asked the same, for comparison
        if (noise := judging.noise(tile)) not in judged:
            judged.append(noise)
    rows = {tile: _facts(film, tile, done, names) for tile in judged}
    if judging.begin(film_key, film, judged, done):
        _fill_in(film_key, rows)
    else:
        _table(rows, judging.scores(film_key))
    st.caption(
        "A map that does no better than noise tells nothing about what the model uses. These are "
        "figures of one film: they can differ on the next."
    )


@st.fragment(run_every=1.0)
def _fill_in(film_key: str, rows: dict[Tile, dict[str, object]]) -> None:
    """The table as far as it is, until all is there."""
    _table(rows, judging.scores(film_key))
    waiting.follow(judging.key(film_key), "Judging how faithful the maps are", "judging")


def _table(rows: dict[Tile, dict[str, object]], scores: dict[Tile, Scores]) -> None:
    table = pd.DataFrame([facts | _figures(scores.get(tile)) for tile, facts in rows.items()])
    numbers = table.columns.drop(["Map", "Where the heat is"])
    table[numbers] = table[numbers].astype(float)  # a column that is still empty is a number, too
    st.dataframe(table, hide_index=True, column_config=COLUMNS, placeholder="–")


def _facts(
    film: Radiograph, tile: Tile, done: dict[Tile, Tried], names: dict[Tile, str]
) -> dict[str, object]:
    """What is known of a map at once."""
    one = done.get(tile)
    if one is None:
        several = len({(other.question, other.direction) for other in done}) > 1
        name = "Noise, for comparison" + (f" ({shown(tile.question.label)})" if several else "")
        return {"Map": name, "Where the heat is": "Everywhere.", "ms": None, "Passes": 0.0}
    where = mapping.where(mapping.small(film, one.heatmap))
    return {
        "Map": names[tile],
        "Where the heat is": where,
        "ms": one.seconds * 1000,
        "Passes": one.cost.total,
    }


def _figures(scores: Scores | None) -> dict[str, object]:
    """Scores as columns; empty where not judged yet."""
    return {
        "Insertion − deletion": None if scores is None else scores.gap,
        "Insertion": None if scores is None else scores.insertion,
        "Deletion": None if scores is None else scores.deletion,
        "Probability lost": None if scores is None else scores.drop,
        "MuFidelity": None if scores is None else scores.mu_fidelity,
    }
