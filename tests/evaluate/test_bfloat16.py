"""Half-size numbers against single ones, on a card of an untrained network and drawn films."""

import json
import shutil

import numpy as np
import pytest
import toy_cards
from sklearn.metrics import roc_auc_score

from xray_models import catalogue
from xray_models.catalogue import Bfloat16
from xray_models.evaluate.explanations import bfloat16
from xray_models.inference import functions, weights
from xray_models.inference.predict import calibrated
from xray_models.radiograph.preprocess import resize, scale

pytestmark = pytest.mark.network


@pytest.fixture
def card(tmp_path, monkeypatch):
    made = toy_cards.card(tmp_path, "efficientnetb0")
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    return made


@pytest.mark.slow
def test_both_ways_of_computing_are_compared_on_the_same_films(card, tmp_path):
    films = toy_cards.films(tmp_path)
    message = []
    found = bfloat16.measure(card, films, lambda done, total: message.append((done, total)))
    inputs = [
        scale(resize(one.film.pixels(), card.input_size, card.geometry)[0], card.scaling,
              card.mean_std)
        for one in films
    ]  # fmt: skip
    single, half = (
        calibrated(
            functions.Traced(weights.network(card), frozen=True, bfloat16=short).forward(
                np.stack(inputs)
            )[1],
            card.calibration,
            card.activation,
        )[:, 0]
        for short in (False, True)
    )
    truth = [one.film.truth for one in films]
    assert message == [(toy_cards.FILMS, toy_cards.FILMS)] and found.films == toy_cards.FILMS
    change = roc_auc_score(truth, half) - roc_auc_score(truth, single)
    assert found.auc_change == pytest.approx(change)
    assert found.largest_change == pytest.approx(np.abs(half - single).max(), abs=1e-6)


def test_films_of_one_kind_cannot_be_ranked(card, tmp_path):
    with pytest.raises(ValueError, match="no label that some of them lack"):
        bfloat16.measure(card, toy_cards.films(tmp_path)[::2])


def test_the_comparison_is_written_to_the_card(tmp_path, monkeypatch):
    shutil.copytree(catalogue.assets() / "models", tmp_path / "models")
    for name in ("held_out", "weights"):
        (tmp_path / name).symlink_to(catalogue.assets() / name)
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    catalogue.refresh()
    try:
        before = json.loads((tmp_path / "models" / "chest-nodule.json").read_text())
        found = Bfloat16(films=7, auc_change=-0.25, largest_change=0.5)
        bfloat16.save(catalogue.get("chest-nodule"), found)
        assert catalogue.get("chest-nodule").bfloat16 == found
        after = json.loads((tmp_path / "models" / "chest-nodule.json").read_text())
        assert after | {"bfloat16": 0} == before | {"bfloat16": 0}
    finally:
        monkeypatch.undo()
        catalogue.refresh()
