"""The two networks for 22 findings: pooling by hand, maps, and a training from table to card."""

import csv
import json

import keras
import numpy as np
import pytest
import tiny_training
from PIL import Image
from typer.testing import CliRunner

from xray_models import catalogue, networks
from xray_models.catalogue import schema
from xray_models.catalogue.wanted import wanted
from xray_models.cli import app
from xray_models.datasets.findings22 import FINDINGS, table
from xray_models.networks import unified
from xray_models.train.data import pipeline
from xray_models.train.recipes import padchest

pytestmark = pytest.mark.network


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def toy(pooling="lse", labels=2):
    film = keras.Input((8, 8, 3))
    grid = keras.layers.Conv2D(4, 1, strides=4, name="grid")(film)
    return unified.on_backbone(keras.Model(film, grid), labels, pooling=pooling, channels=3)


def test_log_sum_exp_lies_between_mean_and_maximum():
    maps = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32) * 50
    layer = unified.LogSumExp(r=0.7)
    by_hand = np.log(np.exp(0.7 * maps.astype(float)).mean(axis=(1, 2))) / 0.7
    np.testing.assert_allclose(layer(maps), by_hand, rtol=1e-5)
    layer.r.assign([1e-2])
    np.testing.assert_allclose(layer(maps / 50), maps.mean(axis=(1, 2)) / 50, atol=1e-2)
    layer.r.assign([1000.0])
    np.testing.assert_allclose(layer(maps), maps.max(axis=(1, 2)), atol=0.01)


@pytest.mark.parametrize("pooling", unified.POOLINGS)
def test_the_class_activation_is_what_the_prediction_layer_weighs(pooling):
    network = toy(pooling)
    films = np.random.default_rng(1).normal(size=(3, 8, 8, 3)).astype(np.float32)
    logits, heat = unified.class_activation(network).predict_on_batch(films)
    np.testing.assert_allclose(logits, network.predict_on_batch(films), atol=1e-6)
    maps = keras.Model(network.input, network.get_layer(unified.TRANSITION).output)(films)
    np.testing.assert_allclose(heat, np.asarray(maps) @ np.asarray(
        network.get_layer("logits").kernel), atol=1e-5)  # fmt: skip
    if pooling == "average":  # where the mean is taken, the maps add up to the logits
        np.testing.assert_allclose(heat.mean(axis=(1, 2)), logits, atol=1e-5)


def test_r_is_kept_or_learned_and_belongs_to_log_sum_exp():
    films = np.random.default_rng(2).normal(size=(8, 8, 8, 3)).astype(np.float32)
    truth = np.eye(2, dtype=np.float32)[[0, 1] * 4]
    for learned in (False, True):
        network = toy()
        unified.set_r(network, 3.0, learned)
        network.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
        network.train_on_batch(films, truth)
        assert (float(network.get_layer("pooled").r[0]) != 3.0) == learned
    for network, r, message in ((toy("max"), 1.0, "takes no r"), (toy(), 0.0, "must be above 0")):
        with pytest.raises(ValueError, match=message):
            unified.set_r(network, r, learned=False)


def test_films_too_many_for_memory_are_decoded_into_a_file(monkeypatch, tmp_path):
    folder = drawn(tmp_path, 12)
    films = table.films(folder)["train"]
    recipe = padchest.recipe(input_size=32)
    held = pipeline.load(films, recipe, "train")
    monkeypatch.setattr(pipeline, "_MOST_IN_MEMORY", 100)
    filed = pipeline.load(films, recipe, "train")
    assert isinstance(filed, np.memmap) and not isinstance(held, np.memmap)
    np.testing.assert_array_equal(filed, held)


def drawn(folder, patients):
    """Bright films (effusion) and dark ones (mass), and a table of them."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    with table.writing(folder / table.NAME, ("split",)) as writer:
        for number in range(patients):
            side = number % 2
            pixels = random.integers(0, 60, (40, 40), np.uint8) + np.uint8(150 * (1 - side))
            Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
            values = {("effusion", "mass")[side]: 1, "nodule": None}
            row = table.FindingRow(f"{number}.png", f"p{number}", values, {"source": "drawn"})
            split = ("train", "train", "validation", "test")[number // 2 % 4]
            writer.writerow([*row.cells(), split])
    return folder


@pytest.fixture
def tiny_backbone(monkeypatch):
    monkeypatch.setitem(networks._BACKBONES, tiny_training.ARCHITECTURE, tiny_training.TINY)
    monkeypatch.setitem(networks._WHOLE, tiny_training.UNIFIED, tiny_training.TINY_UNIFIED)
    monkeypatch.setitem(padchest.BACKBONES, tiny_training.ARCHITECTURE, None)
    known = (*networks.ARCHITECTURES, tiny_training.ARCHITECTURE, tiny_training.UNIFIED)
    monkeypatch.setattr(schema, "ARCHITECTURES", known)


@pytest.mark.slow
@pytest.mark.parametrize("arch", padchest.ARCHES)
@pytest.mark.usefixtures("tiny_backbone")
def test_a_training_goes_from_the_table_to_figures_maps_and_a_card(arch, tmp_path, monkeypatch):
    data, out = drawn(tmp_path / "data", 64), tmp_path / "run"
    ask = ("--data", data, "--run", out)
    done = run("train", "padchest", *ask, "--arch", arch, "--backbone", tiny_training.ARCHITECTURE,
               "--size", 32, "--epochs", 8, "--learning-rate", 0.02,
               "--batch", 8, "--r", 5)  # fmt: skip
    assert done.exit_code == 0, done.output
    own = tmp_path / "own"
    done = run("evaluate", "padchest", *ask, "--heatmaps", 1, "--replicates", 20, "--to", own)
    assert done.exit_code == 0, done.output
    with (out / "auc.csv").open(newline="") as file:
        rows = {row["finding"]: row for row in csv.DictReader(file)}
    assert {"effusion", "mass", "macro mean"} <= set(rows) and rows["nodule"]["films"] == "0"
    assert rows["effusion"]["positives"] == "8" and float(rows["mass"]["auc"]) > 0.9
    assert {path.name for path in (out / "heatmaps").iterdir()} == {"effusion-1.png", "mass-1.png"}
    with (out / "predictions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 16
    monkeypatch.setenv("RADLENS_MODELS", str(own))
    catalogue.refresh()
    try:
        card = catalogue.get("chest-22")
        assert wanted(("chest",)) == []
        assert card.labels == FINDINGS and not card.measured and "normal" not in card.thresholds
    finally:
        monkeypatch.delenv("RADLENS_MODELS")
        catalogue.refresh()
    (missing,) = wanted(("chest",))
    assert missing.labels == FINDINGS and "Its weights are not here." in missing.sentence
    assert wanted(("wrist",)) == [] and missing.sentence in run("list").output


def test_wrong_requests_are_answered_in_a_sentence(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model": "chest-14", "labels": ["a"]}))
    data = drawn(tmp_path / "data", 2)
    for arguments, message in (
        (("train", "padchest", "--data", tmp_path), "no such file"),
        (("train", "padchest", "--data", data), "no film is left for"),
        (("train", "padchest", "--data", data, "--arch", "resnet"), "no network 'resnet'"),
        (("train", "padchest", "--data", data, "--arch", "unified", "--r", -1), "above 0"),
        (("evaluate", "padchest", "--data", data, "--run", tmp_path), "not the record"),
    ):
        done = run(*arguments, *(() if "--run" in arguments else ("--run", tmp_path / "r")))
        assert done.exit_code == 2 and message in done.output, done.output
