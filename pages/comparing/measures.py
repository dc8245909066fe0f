"""Table under the grid: what each map cost, how faithful it is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.comparing import faithfulness
from pages.comparing.tiles import Tile, asked
from pages.shared import background_work, tables

if TYPE_CHECKING:
    from xray_models.evaluate.explanations.single_film import Scores, TimedMap
    from xray_models.radiograph import Radiograph

__all__ = ["COLUMNS", "show"]

_NUMBER = st.column_config.NumberColumn
COLUMNS = {
    "Map": st.column_config.TextColumn(pinned=True),
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
    "Probability rose": st.column_config.TextColumn(
        help="Whether the probability is higher when only what is hot is shown: the increase of "
        "Chattopadhay et al. 2018, on one film.",
    ),
    "MuFidelity": _NUMBER(
        format="%.2f",
        help="-1 to 1, higher is better: heat taken away against score lost, over 64 random sets "
        "of cells (Bhatt et al. 2020).",
    ),
    "Stability": _NUMBER(
        format="%.2f",
        help="-1 to 1, higher is better: rank correlation with the maps of the film under slight "
        "noise. Of slow methods it is not measured here.",
    ),
}
_FACTS = 3  # of the columns, those that are known before a map is measured


def show(
    film_key: str, film: Radiograph, done: dict[Tile, TimedMap], names: dict[Tile, str]
) -> None:
    """Table of the maps; scores that are not there yet fill in one by one."""
    st.header("Measured on this film", anchor=False)
    wanted = list(done)
    for tile in done:  # noise asked the same, for comparison
        if (noise := faithfulness.noise(tile)) not in wanted:
            wanted.append(noise)
    rows = {tile: _facts(tile, done, names) for tile in wanted}
    if faithfulness.begin(film_key, film, wanted, done):
        _fill_in(film_key, rows)
    else:
        _table(rows, faithfulness.scores(film_key))
    st.caption(
        "A map that does no better than noise tells nothing about what the model uses. These are "
        "figures of one film: they can differ on the next."
    )


@st.fragment(run_every=1.0)
def _fill_in(film_key: str, rows: dict[Tile, dict[str, object]]) -> None:
    """The table as far as it is, until all is there."""
    _table(rows, faithfulness.scores(film_key))
    background_work.follow(
        faithfulness.key(film_key), "Measuring how faithful the maps are", "faithfulness"
    )


def _table(rows: dict[Tile, dict[str, object]], scores: dict[Tile, Scores]) -> None:
    table = pd.DataFrame([facts | _figures(scores.get(tile)) for tile, facts in rows.items()])
    numbers = table.columns.drop(["Map", "Probability rose"])
    table[numbers] = table[numbers].astype(float)  # a column that is still empty is a number, too
    tables.show(table, column_config=COLUMNS, placeholder="–")


def _facts(tile: Tile, done: dict[Tile, TimedMap], names: dict[Tile, str]) -> dict[str, object]:
    """What is known of a map at once."""
    one = done.get(tile)
    if one is None:
        several = len({faithfulness.noise(other) for other in done}) > 1
        name = "Noise, for comparison" + (f" ({asked(tile)})" if several else "")
        return {"Map": name, "ms": None, "Passes": 0.0}
    return {"Map": names[tile], "ms": one.seconds * 1000, "Passes": one.cost.total}


def _figures(scores: Scores | None) -> dict[str, object]:
    """Scores as columns; empty where not measured yet."""
    if scores is None:
        return dict.fromkeys(list(COLUMNS)[_FACTS:])
    rose = None if scores.increase is None else ("yes" if scores.increase else "no")
    return {
        "Insertion − deletion": scores.gap,
        "Insertion": scores.insertion,
        "Deletion": scores.deletion,
        "Probability lost": scores.drop,
        "Probability rose": rose,
        "MuFidelity": scores.mu_fidelity,
        "Stability": scores.stability,
    }
