"""Heat in words, on drawn films."""

from dataclasses import replace

import numpy as np
import pytest

from xray_models.evaluate.explanations.evidence import Evidence, Localization, Measured
from xray_models.report import heatmap_text


def spot(shape, y, x, size=0.1):
    """A round spot of heat with its center at (y, x) in shares of the film."""
    rows = (np.arange(shape[0]) + 0.5) / shape[0] - y
    columns = (np.arange(shape[1]) + 0.5) / shape[1] - x
    return np.exp(-(rows[:, None] ** 2 + columns[None] ** 2) / (2 * size**2)).astype(np.float32)


def body(shape=(200, 160)):
    """A gray ellipse on a black background."""
    rows = np.linspace(-1, 1, shape[0])[:, None]
    columns = np.linspace(-1, 1, shape[1])[None]
    return np.where((rows / 0.95) ** 2 + (columns / 0.7) ** 2 < 1, 0.5, 0.0).astype(np.float32)


def with_letter(film, y=12, x=14):
    """A burned-in L near the upper left corner."""
    film = film.copy()
    film[y : y + 16, x : x + 3] = 1
    film[y + 13 : y + 16, x : x + 10] = 1
    return film


def test_a_sentence_says_where_the_heat_is():
    heat = np.zeros((30, 60), np.float32)
    heat[22:28, 5:15] = 1.0  # 60 of 1800 pixels
    heat[2, :40] = 0.5 - 1e-3  # 40 x 0.499 elsewhere, below half of the maximum
    assert heatmap_text.where(heat) == "Left lower third of the film."


@pytest.mark.parametrize(
    ("y", "x", "text"),
    [
        (0.1, 0.9, "Right upper third of the film"),
        (0.5, 0.5, "Center of the film"),
        (0.5, 0.1, "Middle of the left third of the film"),
        (0.9, 0.5, "Middle of the lower third of the film"),
    ],
)
def test_places_by_thirds(y, x, text):
    assert heatmap_text.where(spot((90, 90), y, x, 0.05)).startswith(text)


def test_two_places_are_both_named_and_the_same_third_once():
    two = spot((90, 90), 0.15, 0.15, 0.05) + 0.9 * spot((90, 90), 0.85, 0.85, 0.05)
    assert heatmap_text.where(two).startswith("Left upper third and right lower third of the film.")
    near = spot((90, 90), 0.05, 0.05, 0.02) + 0.9 * spot((90, 90), 0.25, 0.25, 0.02)
    assert heatmap_text.where(near).startswith("Left upper third of the film.")


def test_a_place_is_named_only_where_heat_lies():
    """The middle of what surrounds a ring or an L is cold."""
    rows, columns = np.mgrid[0:90, 0:90] / 90 + 1 / 180
    away = np.hypot(rows - 0.5, columns - 0.5)
    for radius in (0.25, 0.4):
        ring = (abs(away - radius) < 0.04).astype(np.float32)
        assert heatmap_text.where(ring).startswith("All around the center of the film.")
    bent = ((rows > 0.9) | (columns < 0.1)).astype(np.float32)
    assert heatmap_text.where(bent).startswith("Left third and lower third of the film.")
    bar = (rows > 0.9).astype(np.float32)
    assert heatmap_text.where(bar).startswith("Lower third of the film.")
    half = ((rows > 0.9) & (columns < 0.66)).astype(np.float32)
    assert heatmap_text.where(half).startswith(
        "Left lower third and middle of the lower third of the "
    )
    column = (abs(columns - 0.5) < 0.05).astype(np.float32)
    assert heatmap_text.where(column).startswith("Middle from top to bottom of the film.")
    frame = (np.maximum(abs(rows - 0.5), abs(columns - 0.5)) > 0.45).astype(np.float32)
    cross = ((abs(rows - 0.5) < 0.05) | (abs(columns - 0.5) < 0.05)).astype(np.float32)
    assert heatmap_text.where(frame).startswith("All around the center of the film.")
    assert heatmap_text.where(cross).startswith(
        "Middle from top to bottom and middle from side to side of the film."
    )


def test_a_spot_that_reaches_into_the_next_third_lies_where_most_of_it_is():
    assert heatmap_text.where(spot((90, 90), 0.15, 0.3, 0.05)).startswith(
        "Left upper third of the film"
    )
    between = heatmap_text.where(spot((90, 90), 0.15, 1 / 3, 0.05))
    assert between.startswith("Left upper third and middle of the upper third of the film.")


def test_heat_everywhere_is_no_place_and_an_empty_map_says_so():
    everywhere = np.ones((20, 20), np.float32)
    assert heatmap_text.where(everywhere) == "Spread over the film."
    assert heatmap_text.where(np.zeros((20, 20), np.float32)) == heatmap_text.EMPTY
    specks = np.zeros((100, 100), np.float32)
    specks[::10, ::10] = 1
    assert heatmap_text.where(specks).startswith("Scattered over the film in small spots.")


def test_heat_within_the_body_gives_no_warning():
    film = with_letter(body())
    assert heatmap_text.cautions(film, spot(film.shape, 0.5, 0.5)) == ()
    assert heatmap_text.cautions(film, np.zeros(film.shape, np.float32)) == ()


def test_heat_beside_the_film_is_told():
    film = body()
    heat = spot(film.shape, 0.5, 0.5)
    assert heatmap_text.cautions(film, heat, 0.33) == ()
    (text,) = heatmap_text.cautions(film, heat, 0.34)
    assert text.startswith("34 % of the heat lies in the black borders that made the film square.")
    assert heatmap_text.where(heat, 0.34) == heatmap_text.where(heat)
    nothing = np.zeros(film.shape, np.float32)
    assert heatmap_text.where(nothing, 1.0) == heatmap_text.BESIDE != heatmap_text.EMPTY
    assert heatmap_text.where(nothing, 0.0) == heatmap_text.EMPTY
    assert heatmap_text.cautions(film, nothing, 1.0) == (), "told once"


def test_heat_at_the_border_is_told():
    film = np.full((200, 160), 0.5, np.float32)
    (text,) = heatmap_text.cautions(film, spot(film.shape, 0.5, 0.0, 0.03))
    assert "at the film's border" in text


def test_heat_on_the_dark_background_is_told():
    film = body()
    (text,) = heatmap_text.cautions(film, spot(film.shape, 0.12, 0.88, 0.04))
    assert "outside the body" in text


def test_a_film_without_background_has_no_outside():
    assert not heatmap_text.outside_body(np.full((50, 50), 0.4, np.float32)).any()
    assert not heatmap_text.outside_body(np.zeros((50, 50), np.float32)).any()


def test_dark_lungs_inside_the_body_are_not_outside():
    film = body()
    film[60:120, 50:75] = film[60:120, 90:115] = 0.0
    outside = heatmap_text.outside_body(film)
    assert outside[0, 0] and not outside[60:120, 50:115].any()


def test_heat_on_a_burned_in_letter_is_told():
    film = with_letter(body())
    found = heatmap_text.cautions(film, spot(film.shape, 0.1, 0.11, 0.05))
    assert any("marker in the left upper third" in text for text in found)
    plain = heatmap_text.cautions(body(), spot(film.shape, 0.1, 0.11, 0.05))
    assert not any("marker" in text for text in plain)


def test_letters_are_looked_for_near_the_corners_and_small_ones_only():
    assert len(heatmap_text.markers(with_letter(body()))) == 1
    assert heatmap_text.markers(with_letter(body(), y=90, x=75)) == []
    assert heatmap_text.markers(body()) == []
    stripe = np.zeros((200, 160), np.float32)
    stripe[:, 8:11] = 1  # a bright edge along the whole film is no letter
    assert heatmap_text.markers(stripe) == []


def test_a_map_smaller_than_the_film_is_laid_over_it():
    film = with_letter(body((800, 640)), y=48, x=56)
    coarse = np.zeros((10, 8), np.float32)
    coarse[5, 4] = 1
    assert heatmap_text.cautions(film, coarse) == ()
    coarse[5, 4], coarse[0, 7] = 0, 1
    assert any("outside the body" in text for text in heatmap_text.cautions(film, coarse))


BETTER = Measured(0.4, 0.25, 0.05, 0.2, films=90)
EVEN = Measured(0.26, 0.25, -0.05, 0.07, films=90)
WORSE = Measured(0.1, 0.25, -0.2, -0.1, films=90, seen=True)


@pytest.mark.parametrize(
    ("pointing", "share", "text"),
    [
        (BETTER, BETTER, "On 40 % of 90 films the hottest point lay in or beside a box that "
         "people drew. The usual place of the finding lay there on 25 %. Of the heat 40 % lay "
         "inside (25 %). It points better than the usual place."),
        (BETTER, EVEN, "It points better than the usual place"),
        (BETTER, WORSE, "Its hottest point shows more than the usual place, the rest of its heat"),
        (EVEN, BETTER, "Its heat shows more than the usual place, its hottest point does not"),
        (EVEN, EVEN, "No difference was shown"),
        (EVEN, WORSE, "do not read a place off it"),
        (WORSE, BETTER, "do not read a place off it"),
    ],
)  # fmt: skip
def test_trust_starts_with_the_place(pointing, share, text):
    found = heatmap_text.trust(Evidence(Localization(pointing, share), None, positive=True))
    assert text in found
    assert found.endswith(".")


def test_a_place_that_nobody_measured_is_told_as_such():
    found = heatmap_text.trust(Evidence(None, None, positive=True))
    assert "Nobody has measured yet" in found


def about(figure):
    return heatmap_text.trust(Evidence(Localization(figure, figure), None, True))


def test_figures_of_other_findings_are_told_as_such():
    found = about(replace(BETTER, others=True, mostly="Big_Heart"))
    assert (
        "The usual place of each lay there on 25 %. Of the heat 40 % lay inside (25 %). They show "
        "other findings, mostly Big heart, and few or none show this one."
    ) in found
    mixed = about(replace(BETTER, others=True))
    assert "They show other findings, and few or none show this one." in mixed
    assert "other findings" not in about(BETTER)


def test_films_that_the_model_was_trained_on_are_told():
    assert "The model was trained on these films" in about(WORSE)
    assert "The model was trained on these films" not in about(EVEN)


@pytest.mark.parametrize(
    ("faithfulness", "positive", "text"),
    [
        (
            BETTER,
            True,
            "moved the answer more than random places. The finding is above its threshold here",
        ),
        (EVEN, True, "were not shown to move the answer"),
        (None, False, "has not been measured. The finding is below its threshold here"),
    ],
)
def test_trust_ends_with_the_use_and_the_call(faithfulness, positive, text):
    assert text in heatmap_text.trust(Evidence(None, faithfulness, positive))
