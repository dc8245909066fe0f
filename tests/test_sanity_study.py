"""Scrambled weights and labels of a card's own network, on drawn films."""

import numpy as np
import pytest
import toy_cards

from xray_models.evaluate import sanity_study
from xray_models.evaluate.faithfulness_study import Call

TRUTH = np.array([i % 2 for i in range(toy_cards.FILMS)])


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Architecture -> its card, and films with the finding to explain."""

    def make(architecture):
        card = toy_cards.card(tmp_path, architecture)
        monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
        return card, [Call(one, toy_cards.LABEL) for one in toy_cards.films(tmp_path)]

    return make


def test_scrambled_weights_are_noticed_by_a_map_that_reads_them(made):
    card, calls = made("efficientnetb0")
    heads, body = (
        sanity_study.check_weights(card, calls[:3], name, stages=2)
        for name in ("grad-cam", "eigen-cam")
    )
    for rows, name in ((heads, "grad-cam"), (body, "eigen-cam")):
        assert [row.stage for row in rows] == [0, 1, 2]
        assert {(row.method, row.check, row.films) for row in rows} == {(name, "weights", 3)}
        assert rows[0].layer == "as trained" and rows[0].correlation == pytest.approx(1)
        assert rows[1].layer == "logits" and rows[2].correlation < 0.95
    assert heads[1].correlation < 0.95, "Grad-CAM reads the head"
    assert body[1].correlation == pytest.approx(1), "Eigen-CAM does not"


@pytest.mark.parametrize("architecture", ["efficientnetb0", "vgg16-codes"])
def test_the_last_layer_is_refitted_on_what_it_reads(made, architecture):
    """Pooled features, or those of hidden layers above the codes."""
    card, calls = made(architecture)
    read, blind = (
        sanity_study.check_labels(card, calls[:2], calls, TRUTH, name)
        for name in ("grad-cam", "eigen-cam")
    )
    assert read is not None and blind is not None
    assert (read.method, read.check, read.layer, read.films) == ("grad-cam", "labels", "logits", 2)
    assert read.correlation < 0.9
    assert blind.correlation == pytest.approx(1), "the same map, whatever the labels"


def test_two_heads_of_which_one_has_no_closed_form_are_not_checked(made):
    card, calls = made("efficientnetb0-local")
    assert sanity_study.check_labels(card, calls[:1], calls, TRUTH, "grad-cam") is None


def test_checks_of_a_method_replace_its_older_ones(made):
    made("efficientnetb0")
    row = sanity_study.SanityFigure("cam", "weights", 0, "as trained", 1.0, 1.0, 3)
    other = sanity_study.SanityFigure("rise", "weights", 0, "as trained", 1.0, 1.0, 3)
    sanity_study.save("m", [row, other])
    sanity_study.save("m", [sanity_study.SanityFigure("cam", "labels", 1, "logits", 0.1, 0.2, 4)])
    table = sanity_study.load("m")
    assert table["method"].tolist() == ["rise", "cam"] and table["check"].tolist()[1] == "labels"
