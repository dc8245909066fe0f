"""Figures of several pictures: where each lies, one zoom for all, what the mouse is told."""

import numpy as np
import pytest

from xray_models.explain.boxes import Box
from xray_models.viz import film_figure
from xray_models.viz.film_figure import Grid, Hover, Picture

FILM = (300, 200)
PIXELS = np.zeros((30, 20, 3), np.uint8)
HOVER = Hover(np.zeros((3, 2), np.uint8), {"CAM": np.full((3, 2), 7, np.uint8)})


def test_two_pictures_beside_each_other_fill_their_frame():
    grid = Grid(2, 2, (100, 100))
    (left, down), (right, _) = grid.domain(0), grid.domain(1)
    assert left[0] == 0 and right[1] == pytest.approx(1) and left[1] < right[0]
    assert down == pytest.approx([0, 1])
    assert left[1] - left[0] == pytest.approx(right[1] - right[0])
    assert grid.ratio == pytest.approx(2.02)


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_no_picture_lies_over_another(count):
    grid = Grid(count, 4, FILM, lines=2)
    height, width = grid.size
    taken = []
    for index in range(count):
        (x0, x1), (y0, y1) = grid.domain(index)
        assert 0 <= x0 < x1 <= 1 + 1e-9 and -1e-9 <= y0 < y1 <= 1 + 1e-9
        assert (x1 - x0) * width == pytest.approx(1)
        assert (y1 - y0) * height == pytest.approx(1.45)  # 1.5 is capped
        assert all(x0 >= b - 1e-9 or x1 <= a + 1e-9 or y0 >= d or y1 <= c for a, b, c, d in taken)
        taken.append((x0, x1, y0, y1))
    assert grid.across * grid.down >= count > grid.across * (grid.down - 1)


def test_one_zoom_moves_all_pictures():
    shown = film_figure.figure([Picture(PIXELS)] * 3, Grid(3, 3, FILM), HOVER).to_dict()["layout"]
    assert "matches" not in shown["xaxis"]
    assert {shown[f"xaxis{i}"]["matches"] for i in (2, 3)} == {"x"}
    assert {shown[f"yaxis{i}"]["matches"] for i in (2, 3)} == {"y"}
    assert [image["xref"] for image in shown["images"]] == ["x", "x2", "x3"]
    assert shown["yaxis"]["range"] == [300, 0]  # pixels count from the top


def test_every_picture_tells_position_intensity_and_each_heat():
    hover = Hover(HOVER.intensity, {**HOVER.heats, "<RISE>": np.full((3, 2), 9, np.uint8)})
    shown = film_figure.figure([Picture(PIXELS)] * 2, Grid(2, 2, FILM), hover)
    for trace in shown.data:
        assert trace.hovertemplate.startswith("x %{x:.0f}, y %{y:.0f} px<br>intensity %{z} %")
        assert "CAM %{customdata[0]} %" in trace.hovertemplate
        assert "&lt;RISE&gt; %{customdata[1]} %" in trace.hovertemplate
        np.testing.assert_array_equal(trace.customdata[2, 1], [7, 9])
        assert (trace.x0, trace.dx, trace.y0, trace.dy) == (50, 100, 50, 100)


def test_a_film_without_heat_says_so_by_silence():
    shown = film_figure.figure([Picture(PIXELS)], Grid(1, 1, FILM), Hover(HOVER.intensity, {}))
    assert "customdata" not in shown.data[0].hovertemplate


def test_boxes_are_drawn_on_their_picture_and_named_where_asked():
    box = Box("pneumonia", 20, 40, 60, 80, score=1.0, mass=0.62)
    pictures = [Picture(PIXELS, boxes=(box,), named=False), Picture(PIXELS, boxes=(box,))]
    shown = film_figure.figure(pictures, Grid(2, 2, FILM), HOVER)
    assert {shape.xref for shape in shown.layout.shapes} == {"x", "x2"}
    assert {(s.x0, s.y0, s.x1, s.y1) for s in shown.layout.shapes} == {(20, 40, 80, 120)}
    (name,) = shown.layout.annotations
    assert name.text == "pneumonia, 62 % of the heat" and name.xref == "x2"


def test_titles_are_escaped():
    shown = film_figure.figure([Picture(PIXELS, ("<b>", "<i>"))], Grid(1, 1, FILM, lines=2), HOVER)
    assert shown.layout.annotations[0].text == "<b>&lt;b&gt;</b><br>&lt;i&gt;"
