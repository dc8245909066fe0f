"""The drawing of the cascade: one scale for all methods, and maps that became empty told apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xray_models.evaluate.explanations.sanity_table import SanityFigure
from xray_models.viz.cascade import cascade


def stages(method, left, empty=None):
    """Rows of a method: what is left after each stage, and how many of three maps are empty."""
    return [
        SanityFigure(method, "weights", i, f"layer {i}", value, value, 3, empty and empty[i])
        for i, value in enumerate(left)
    ]


def drawn(*methods):
    return cascade(pd.DataFrame([row for rows in methods for row in rows]))


def test_methods_with_other_numbers_of_stages_share_a_way_from_trained_to_scrambled():
    six = np.linspace(1, 0.2, 7).tolist()
    plot = drawn(stages("cam", [1.0, 0.6, 0.1]), stages("rise", six))
    ways = {trace.name: list(trace.x) for trace in plot.figure.data}
    assert ways["cam"] == [0, 0.5, 1]
    assert ways["rise"] == pytest.approx([i / 6 for i in range(7)])
    axis = plot.figure.layout.xaxis
    assert dict(zip(axis.tickvals, axis.ticktext, strict=True)) == {
        0: "as trained",
        1: "all weights<br>scrambled",
    }
    assert axis.range[0] < 0 and axis.range[1] > 1
    assert plot.data()["way"].tolist() == ways["cam"] + ways["rise"]


def test_maps_that_became_empty_are_hollow_and_told():
    plot = drawn(
        stages("cam", [1.0, 0.3, 0.0], [0, 1, 3]), stages("rise", [1.0, 0.3, 0.0], [0, 0, 0])
    )
    cam, rise = plot.figure.data
    assert [symbol.endswith("-open") for symbol in cam.marker.symbol] == [False, True, True]
    assert not any(symbol.endswith("-open") for symbol in rise.marker.symbol)
    assert [row[2] for row in cam.customdata] == [
        "",
        "<br>1 of 3 maps empty",
        "<br>3 of 3 maps empty",
    ]
    assert "hollow" in plot.figure.layout.xaxis.title.text
    assert "cam ends at 0.00 (3 of 3 maps empty); rise ends at 0.00." in plot.alt
    assert "not counted" not in plot.alt


def test_what_nobody_counted_is_not_called_none():
    plot = drawn(stages("cam", [1.0, 0.0]))
    assert plot.alt.endswith("How many maps became empty was not counted.")
    assert not plot.figure.layout.xaxis.title.text
    assert plot.data()["empty"].isna().all()


def test_no_point_lies_below_the_axis():
    plot = drawn(stages("cam", [1.0, -0.1]), stages("rise", [1.0, -0.9]))
    assert plot.figure.layout.yaxis.range[0] < -0.9
    plot = cascade(pd.DataFrame([replace(row, stage=0) for row in stages("cam", [1.0])]))
    assert plot.figure.layout.yaxis.range[0] == -0.5 and list(plot.figure.data[0].x) == [0]
