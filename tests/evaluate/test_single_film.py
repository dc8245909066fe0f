"""Maps of one film beside each other: cost, faithfulness, agreement."""

import numpy as np
import pytest
from ways_in import watched

from xray_models import catalogue
from xray_models.evaluate.explanations import single_film
from xray_models.evaluate.explanations.single_film import FaithfulnessScorer, Scores
from xray_models.explain import Cost, Stopped
from xray_models.explain.queries import Query
from xray_models.radiograph import Radiograph

CARD = catalogue.get("body-part")
QUERY = Query("chest")


@pytest.fixture(scope="module")
def film():
    rows, columns = np.mgrid[0:96, 0:80]
    body = np.exp(-(((rows - 48) / 30) ** 2) - ((columns - 40) / 24) ** 2)
    return Radiograph(body.astype(np.float32), "drawn")


@pytest.mark.network
def test_a_cheap_map_costs_no_pass_beyond_the_one_that_read_the_film(film):
    tried = single_film.timed_map(CARD, film, QUERY, "grad-cam")
    assert tried.cost.total == 0 and tried.seconds > 0
    assert tried.heatmap.on_radiograph().shape == (96, 80)


def test_a_slow_map_can_be_stopped(film):
    with pytest.raises(Stopped):
        single_film.timed_map(CARD, film, QUERY, "rise", stop=lambda: True)


@pytest.mark.network
def test_another_label_costs_no_pass_and_a_first_method_is_timed_by_itself(film, monkeypatch):
    layer = "block6a_expand_activation"
    other, third = Query("hand"), Query("hand", "over", "chest")
    assert single_film.cached(CARD, film, QUERY, f"layercam@{layer}") is None
    first = single_film.timed_map(CARD, film, QUERY, f"layercam@{layer}")
    # its gradients are there by now; what it costs alone is measured all the same
    assert single_film.cached(CARD, film, QUERY, f"grad-cam@{layer}") is None
    second = single_film.timed_map(CARD, film, QUERY, f"grad-cam@{layer}")
    assert first.cost == second.cost == Cost(2, 1)
    ran = watched(monkeypatch)
    for query in (other, third, Query("chest", "against")):
        found = single_film.timed_map(CARD, film, query, f"grad-cam@{layer}")
        assert found.cost == Cost() and found.seconds > 0
    assert not ran


@pytest.mark.network
def test_a_slow_map_of_another_label_is_there_once_one_was_made(film):
    other = Query("hand")
    assert single_film.cached(CARD, film, QUERY, "occlusion") is None
    assert single_film.timed_map(CARD, film, QUERY, "occlusion").cost.forward > 100
    found = single_film.cached(CARD, film, other, "occlusion")
    assert found is not None and found.cost == Cost() and found.seconds > 0
    fresh = Radiograph(film.pixels, "drawn")
    expected = single_film.timed_map(CARD, fresh, other, "occlusion").heatmap.values
    np.testing.assert_allclose(found.heatmap.values, expected, atol=1e-5)
    assert single_film.cached(CARD, film, other, "score-cam") is None


def test_scores_are_the_same_each_time_and_noise_is_scored_alike(film, monkeypatch):
    monkeypatch.setattr(single_film, "STEPS", 2)
    monkeypatch.setattr(single_film, "SAMPLES", 8)
    values = single_film.timed_map(CARD, film, QUERY, "grad-cam").heatmap.values
    scorer = FaithfulnessScorer(CARD, film, QUERY)
    first = scorer.scores(values)
    assert FaithfulnessScorer(CARD, film, QUERY).scores(values) == first
    assert 0 <= first.insertion <= 1 and 0 <= first.deletion <= 1 and 0 <= first.drop <= 1
    assert first.gap == pytest.approx(first.insertion - first.deletion)
    assert isinstance(scorer.random(), Scores) and scorer.random() == scorer.random()
    assert scorer.random() != first
    with pytest.raises(Stopped):
        scorer.scores(values, stop=lambda: True)


def test_an_increase_is_counted(film, monkeypatch):
    """Nothing is hot, so a blur alone is shown: it speaks for the part, or else against it."""
    monkeypatch.setattr(single_film, "STEPS", 2)
    monkeypatch.setattr(single_film, "SAMPLES", 8)
    empty = np.zeros((6, 6), np.float32)
    rose = [
        FaithfulnessScorer(CARD, film, Query("chest", direction)).scores(empty)
        for direction in ("for", "against")
    ]
    assert sorted(one.increase for one in rose) == [0, 1]
    assert all((one.drop == 0) == (one.increase == 1) for one in rose)


def test_stability_is_measured_where_it_is_cheap(film, monkeypatch):
    monkeypatch.setattr(single_film, "STEPS", 2)
    monkeypatch.setattr(single_film, "SAMPLES", 8)
    values = single_film.timed_map(CARD, film, QUERY, "grad-cam").heatmap.values
    scorer = FaithfulnessScorer(CARD, film, QUERY)
    found = scorer.scores(values, spec="grad-cam")
    assert found.stability is not None and 0.3 < found.stability <= 1
    # the map of another method has less in common with what this one draws under noise
    upside_down = scorer.scores(values.max() - values, spec="grad-cam")
    assert upside_down.stability is not None and upside_down.stability < 0
    assert scorer.scores(values).stability is None, "no method, no map under noise"
    assert scorer.scores(values, spec="rise").stability is None, "a thousand passes a map"
    calls = iter([False] * 3)
    with pytest.raises(Stopped):
        scorer.scores(values, stop=lambda: next(calls, True), spec="grad-cam")


def test_agreement_worked_out_by_hand():
    up = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = single_film.agreement([up, up**2, -up, np.ones_like(up)])
    assert found[:3, :3] == pytest.approx(np.array([[1, 1, -1], [1, 1, -1], [-1, -1, 1]]))
    assert np.isnan(found[3]).all() and np.isnan(found[:, 3]).all()
