"""Scrambled weights and labels of a card's own network, on drawn films."""

from dataclasses import replace

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras
import numpy as np
import pandas as pd
import pytest
import toy_cards

from xray_models.catalogue import assets
from xray_models.evaluate.explanations import sanity as sanity_study
from xray_models.evaluate.explanations import sanity_table
from xray_models.evaluate.explanations.faithfulness import Call
from xray_models.explain.metrics import randomization
from xray_models.inference import weights

pytestmark = pytest.mark.network

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


@pytest.mark.parametrize(
    "architecture", [pytest.param("efficientnetb0", marks=pytest.mark.slow), "vgg16-codes"]
)
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
    row = sanity_table.SanityFigure("cam", "weights", 0, "as trained", 1.0, 1.0, 3)
    other = sanity_table.SanityFigure("rise", "weights", 0, "as trained", 1.0, 1.0, 3)
    sanity_table.save("m", [row, other])
    sanity_table.save("m", [sanity_table.SanityFigure("cam", "labels", 1, "logits", 0.1, 0.2, 4)])
    table = sanity_table.load("m")
    assert table["method"].tolist() == ["rise", "cam"] and table["check"].tolist()[1] == "labels"


def test_maps_that_become_empty_are_counted_apart_from_maps_that_change():
    """A mean correlation of 0 in both: one network says nothing any more, the other something else.

    The second map is constant as trained: it has nothing to lose, and is not among them.
    """
    random = np.random.default_rng(0)
    film, other, flat = random.random((16, 16)), random.random((16, 16)), np.zeros((16, 16))
    for later, empty in ((flat, 2), (other, 0)):
        maps = iter([np.stack([film, flat, film]), np.stack([later, film, later])])
        trained, scrambled = randomization.cascade(
            one_layer(), lambda _, maps=maps: next(maps), stages=1
        )
        assert (trained.maps, trained.empty) == (2, 0)
        assert (scrambled.maps, scrambled.empty) == (2, empty)
        assert scrambled.correlation == pytest.approx(0, abs=0.15)


def one_layer():
    image = keras.Input((4,))
    return keras.Model(image, keras.layers.Dense(2)(image))


def test_a_network_that_falls_silent_when_it_is_scrambled_is_stored_as_such(made):
    """Its head adds up the active half of the channels, and takes away a little more for others."""
    card, calls = made("vgg16")
    head = weights.network(card).get_layer("logits")
    activity = sanity_study._films(card, calls[:1])[0][0].activation().mean(axis=(0, 1))
    active = activity > np.median(activity)
    weight = np.sqrt(activity[~active].sum() / activity[active].sum())
    head.set_weights([np.where(active, weight, -1)[:, None], np.zeros(1)])
    rows = sanity_study.check_weights(card, calls[:1], "grad-cam", stages=1)
    assert [(row.films, row.empty) for row in rows] == [(1, 0), (1, 1)]
    assert rows[1].correlation == 0
    sanity_table.save("m", rows)
    assert sanity_table.load("m")["empty"].tolist() == [0, 1]


def test_tables_from_before_empty_maps_were_counted_are_read_and_kept(made):
    made("efficientnetb0")
    row = sanity_table.SanityFigure("cam", "weights", 0, "as trained", 1.0, 1.0, 3, 0)
    old = sanity_table.save("m", [row, replace(row, method="rise")])
    pd.read_csv(old).drop(columns="empty").to_csv(old, index=False)
    assert sanity_table.load("m")["empty"].isna().all()
    sanity_table.save("m", [replace(row, empty=2)])
    table = sanity_table.load("m").set_index("method")
    assert table.loc["cam", "empty"] == 2 and pd.isna(table.loc["rise", "empty"])
    pd.read_csv(old).drop(columns="films").to_csv(old, index=False)
    with pytest.raises(ValueError, match="films"):
        sanity_table.load("m")


@pytest.mark.parametrize("file", sorted((assets() / "sanity").glob("*.csv")), ids=lambda f: f.stem)
def test_every_stored_table_is_read_whatever_its_age(file):
    table = sanity_table.load(file.stem)
    assert list(table.columns) == list(sanity_table.COLUMNS) and len(table)
    known = table[table["empty"].notna()]
    assert (known["empty"] <= known["films"]).all()
    assert (known.loc[known["stage"] == 0, "empty"] == 0).all()
