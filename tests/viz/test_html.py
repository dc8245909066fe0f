"""Pieces of HTML: what they say to eyes and to screen readers."""

import pytest

from xray_models.number_text import careful_percent
from xray_models.viz import html


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0.0 %"),
        (0.0004, "< 0.1 %"),
        (0.5, "50.0 %"),
        (0.1234, "12.3 %"),
        (0.9996, "> 99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_shares_never_round_to_certainty(value, words):
    assert careful_percent(value) == words


def test_a_bar_says_on_which_side_of_its_threshold_it_lies():
    over, under = html.bar("fracture", 0.4, 0.4), html.bar("fracture", 0.39, 0.4)
    assert "at or above the threshold of 40.0 %" in over and "rl-over" in over
    assert "below the threshold of 40.0 %" in under and "rl-over" not in under
    for bar in (over, under):
        assert 'role="meter"' in bar and "left:40.00%" in bar
        assert 'aria-label="fracture: probability' in bar


def test_text_is_escaped():
    for piece in (
        html.bar('<b>"x"', 0.5, 0.5),
        html.interval("<b>", 0.5, 0.4, 0.6),
        html.facts({"<b>": "1"}),
        html.facts({"1": "<b>"}),
    ):
        assert "<b>" not in piece and "&lt;b&gt;" in piece


def test_an_interval_is_drawn_on_its_scale():
    piece = html.interval("AUC", 0.9, 0.85, 0.95, start=0.8)
    assert "0.900" in piece and "0.850–0.950" in piece
    assert "left:25.00%;width:50.00%" in piece and "left:50.00%" in piece
    assert 'aria-label="AUC: 0.900, 95 % interval 0.850 to 0.950"' in piece
