"""Lungs that `chest-lungs` finds: on a chest at hand, on held-out films, and where none are."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from xray_models import catalogue, pipeline, radiograph
from xray_models.catalogue import segmenters
from xray_models.datasets import lung_masks, samples
from xray_models.evaluate import segmentation
from xray_models.inference import lungs as lung_search
from xray_models.inference.lungs import LEFT, RIGHT
from xray_models.radiograph import Radiograph
from xray_models.report import segmenter_text

ROOT = Path(__file__).parents[2]
CARD = segmenters.segmenters()[segmenters.LUNGS]


def test_the_card_tells_where_its_weights_come_from():
    content = segmenters.weights_path(CARD).read_bytes()
    assert CARD.weights.sha256 == hashlib.sha256(content).hexdigest()
    assert CARD.weights.bytes == len(content) < 12_000_000
    assert "not for diagnosis" in CARD.intended_use and CARD.limits and CARD.training.note


def test_the_figures_of_the_card_are_those_of_its_tables():
    for held_out in (CARD.held_out, *CARD.checks.values()):
        table = segmentation.load(segmenters.table_path(held_out))
        found = segmentation.estimates(table)
        assert {name: one.value for name, one in found.items()} == pytest.approx(
            {name: one.value for name, one in held_out.figures.items()}
        )
        assert held_out.films == (table["split"] == "test").sum()
        assert f"{held_out.films:,} films" in segmenter_text.report(CARD)


def test_lungs_are_found_as_well_as_asked_for():
    assert CARD.held_out.figures["Dice, children"].value >= 0.94
    assert CARD.held_out.figures["Dice, adults"].value >= 0.92


def test_no_patient_of_the_test_films_is_among_those_of_validation():
    table = segmentation.load(segmenters.table_path(CARD.held_out))
    groups = table.groupby("split")["group"].agg(set)
    assert not groups["test"] & groups["validation"]


def test_both_lungs_of_a_chest_are_found_once_and_only_for_models_of_chests():
    film = radiograph.read(samples.content("chest"))
    found = pipeline.lungs(film, "chest-14")
    assert found is not None and pipeline.lungs(film, "chest-nodule") is found
    assert pipeline.lungs(film, "bone-general") is None
    kinds = found.on_radiograph((200, 200 * film.width // film.height))
    columns = [np.flatnonzero((kinds == side).any(axis=0)).mean() for side in (RIGHT, LEFT)]
    assert columns[0] < kinds.shape[1] / 2 < columns[1]
    assert 0.1 < (kinds > 0).mean() < 0.6


def test_a_film_without_lungs_has_none():
    for gray in (0.0, 0.5, 1.0):
        blank = Radiograph(np.full((90, 70), gray, np.float32), source_format="drawn")
        assert lung_search.lungs(blank) is None


def test_assets_without_the_network_find_no_lungs(tmp_path, monkeypatch):
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    blank = Radiograph(np.zeros((90, 70), np.float32), source_format="drawn")
    assert segmenters.segmenters() == {} and lung_search.lungs(blank) is None


@pytest.mark.network
@pytest.mark.parametrize("source", ["adults", "children"])
def test_the_table_says_how_well_lungs_of_held_out_films_are_found(source, data):
    from xray_models.train.segmentation.loop import dice

    table = segmentation.load(segmenters.table_path(CARD.held_out)).set_index("image")
    films = [one for one in lung_masks.films(data)["test"] if one.film.facts["source"] == source]
    for one in films[:4]:
        film = Radiograph(one.film.pixels(), source_format="file")
        kinds = one.kinds()
        called = lung_search.found(CARD, film).on_radiograph(kinds.shape)
        overlap = float(dice((called > 0)[None], kinds[None])[0])
        assert overlap == pytest.approx(table.loc[one.film.image, "dice"], abs=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "unknown field 'colour'"),
        ({"architecture": "unet"}, "architecture is 'unet'"),
        ({"classes": ["lung"]}, "classes must be a list of two or more"),
        ({"input_size": [225, 224]}, "multiples of 32"),
    ],
)
def test_a_broken_card_is_named(change, message, tmp_path):
    path = catalogue.assets() / "segmenters" / "chest-lungs.json"
    broken = tmp_path / "chest-lungs.json"
    broken.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change))
    with pytest.raises(catalogue.CatalogueError, match=message):
        segmenters.read_segmenter(broken)


@pytest.mark.network
def test_the_network_without_tensorflow_says_the_same_as_with_it():
    from xray_models.inference import pyramid, weights
    from xray_models.networks import segmentation

    content = segmenters.weights_path(CARD).read_bytes()
    network = segmentation.build(CARD.architecture, (96, 64), len(CARD.classes))
    weights.fill(network, content, "weights")
    image = np.random.default_rng(0).normal(size=(1, 96, 64, 3)).astype(np.float32)
    run = pyramid.compiled(load(content), (96, 64), len(CARD.classes))
    found, expected = run(image), network.predict_on_batch(image)
    assert found.shape == (1, 96, 64, 3)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_damaged_weights_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(lung_search, "weights_path", lambda _: tmp_path / "lungs.safetensors")
    blank = Radiograph(np.zeros((90, 70), np.float32), source_format="drawn")
    monkeypatch.setattr(lung_search, "_passes", {})
    with pytest.raises(lung_search.LungsError, match=r"lungs\.safetensors .* cannot be read"):
        lung_search.lungs(blank)
    (tmp_path / "lungs.safetensors").write_bytes(b"other")
    with pytest.raises(lung_search.LungsError, match="is damaged or not the one on the card"):
        lung_search.lungs(blank)


def test_lungs_are_found_without_tensorflow():
    told = (
        "import sys; from xray_models import radiograph; from xray_models.datasets import samples; "
        "from xray_models.inference.lungs import lungs; "
        "assert lungs(radiograph.read(samples.content('chest'))); "
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
