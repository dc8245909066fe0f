"""Networks from the cache folder: TensorFlow's answers without TensorFlow, whatever is in there."""

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xray_models import catalogue, pipeline, radiograph
from xray_models.explain import PassCache, maps, targets
from xray_models.explain.methods import MethodSpec
from xray_models.inference import converted, filler, functions, layer_graph, predict, weights
from xray_models.radiograph.preprocess import resize, scale

pytestmark = pytest.mark.network

ROOT = Path(__file__).parents[2]
MODEL = "bone-wrist"  # two heads, and a map of its default method by an inner layer
INNER = "block4a_expand_activation"
QUICK = ("cam", "grad-cam", "grad-cam++", "hirescam", "layercam", "xgrad-cam", "eigen-cam")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cache folder that holds one model."""
    path = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RADLENS_CACHE", str(path))
        patch.setenv("RADLENS_PRECISION", "float32")
        for step in converted.STEPS:
            converted.fill(catalogue.get(MODEL), step)
    return path


@pytest.fixture
def cache(folder, tmp_path, monkeypatch):
    """A copy of that folder, which the test may spoil, and no network in memory."""
    shutil.copytree(folder, tmp_path / "cache")
    monkeypatch.setenv("RADLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RADLENS_PRECISION", "float32")
    monkeypatch.setattr(weights, "kept", weights.Held(lambda: 2**32))
    monkeypatch.setattr(converted, "_unwritable", set())
    monkeypatch.setattr(converted, "_given_up", set())
    return tmp_path / "cache" / "networks"


@pytest.fixture(scope="module")
def film(lower_leg):
    return radiograph.read(lower_leg)


def inputs(card, film):
    gray, _ = resize(film.pixels, card.input_size, card.geometry)
    return scale(gray, card.scaling, card.mean_std)[None]


def compare(card, film):
    """Findings and maps of a card, without TensorFlow and with it."""
    image = inputs(card, film)
    ours = predict.network(card)
    assert isinstance(ours, converted.Converted)
    theirs = functions.traced(weights.load(card))
    activation, logits, fronts = ours.read(image)
    own = PassCache(lambda: ours, image, known=(activation[0], logits[0]), fronts=fronts)
    live = PassCache(lambda: theirs, image)
    np.testing.assert_allclose(own.logits, live.logits, atol=1e-4)
    np.testing.assert_allclose(ours.forward(image)[1][0], live.logits, atol=1e-4)
    probable, expected = (
        predict.calibrated(cache.logits[None], card.calibration, card.activation)
        for cache in (own, live)
    )
    np.testing.assert_allclose(probable, expected, atol=1e-4)
    every = [targets.logit(card.labels, label) for label in card.labels]
    ours._whole = None  # whatever asks TensorFlow fails
    for spec in {MethodSpec.of_card(card), *map(MethodSpec, QUICK)}:
        if spec.method == "cam" and ours.pooled is None:
            continue
        np.testing.assert_allclose(
            maps(own, every, spec), maps(live, every, spec), atol=1e-4, err_msg=str(spec)
        )


def test_findings_and_maps_are_those_of_tensorflow(cache, film):  # noqa: ARG001
    compare(catalogue.get(MODEL), film)


@pytest.mark.slow
@pytest.mark.parametrize("model", list(catalogue.catalogue()))
def test_findings_and_maps_of_every_card_are_those_of_tensorflow(model, cache, film, chest):  # noqa: ARG001
    for one in (film, radiograph.read(chest)):
        compare(catalogue.get(model), one)


def test_its_facts_are_those_of_the_network(cache):  # noqa: ARG001
    card = catalogue.get(MODEL)
    ours, theirs = predict.network(card), functions.traced(weights.load(card))
    for fact in ("labels", "default_layer", "grids", "input_shape", "pooled", "guided"):
        assert getattr(ours, fact) == getattr(theirs, fact)
    assert ours.head is None and theirs.head is None
    around = [layer for layer in ours.grids if theirs.goes_around(layer)]
    assert [layer for layer in ours.grids if ours.goes_around(layer)] == around != []
    with pytest.raises(ValueError, match="no layer 'nowhere'"):
        ours.cut("nowhere")


def test_layers_that_something_goes_around():
    network = weights.load(catalogue.get("body-part"))
    graph = layer_graph.graph(network)
    assert set(graph.bypassed()) == {name for name in graph.grids if graph.crossing(name)}


@pytest.mark.parametrize(
    "spec",
    [
        f"layercam@{INNER}",
        "integrated-gradients, steps=2",
        pytest.param("ablation-cam", marks=pytest.mark.slow),  # a pass a channel, twice
    ],
)
def test_what_is_not_converted_tensorflow_does(cache, film, spec):  # noqa: ARG001
    card = catalogue.get(MODEL)
    image = inputs(card, film)
    ours, theirs = predict.network(card), functions.traced(weights.load(card))
    target = [targets.logit(card.labels, card.labels[0])]
    made = [maps(PassCache(lambda one=one: one, image), target, spec) for one in (ours, theirs)]
    np.testing.assert_allclose(*made, atol=2e-3)


READS_AND_EXPLAINS = """
import sys
import classify
reading = classify.read(sys.argv[1], models=sys.argv[2:] or None)
for one in {finding.model: finding for finding in reading.findings}.values():
    classify.explain(reading.radiograph, one.model, one.label, every_label=True)
assert reading.findings
print("tensorflow" in sys.modules, "keras" in sys.modules)
"""


def process(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_reading_and_explaining_need_no_tensorflow(cache, chest):  # noqa: ARG001
    predict.network(catalogue.get(pipeline.DETECTOR))  # fills its pass
    done = process("-c", READS_AND_EXPLAINS, str(chest), MODEL)
    assert done.stdout == "False False\n", done.stderr


@pytest.mark.slow
def test_a_chest_needs_no_tensorflow(cache, chest):  # noqa: ARG001
    assert process("-m", "xray_models", "warm").returncode == 0
    done = process("-c", READS_AND_EXPLAINS, str(chest))
    assert done.stdout == "False False\n", done.stderr


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "of another model"])
def test_a_file_that_is_no_good_is_made_anew(cache, film, caplog, harm):
    (path,) = cache.glob(f"{MODEL}.reading.*")
    content = path.read_bytes()
    spoiled = {
        "cut": content[: len(content) // 2],
        "changed": content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
        "empty": b"",
        "of another model": next(cache.glob(f"{MODEL}.maps.*")).read_bytes(),
    }
    path.write_bytes(spoiled[harm])
    card = catalogue.get(MODEL)
    with caplog.at_level(logging.WARNING, "radlens"):
        _, logits = predict.network(card).forward(inputs(card, film))
    assert "is damaged, and is made anew" in caplog.text and str(cache) not in caplog.text
    assert np.isfinite(logits).all() and converted._read(card, "reading")


def test_a_file_is_named_by_what_it_was_made_from(cache, monkeypatch):  # noqa: ARG001
    card = catalogue.get(MODEL)
    other = [
        replace(card, weights=replace(card.weights, sha256="0" * 64)),
        replace(card, architecture="efficientnetb0"),
        replace(card, input_size=(224, 224)),
        replace(card, explanation=replace(card.explanation, layer="block5a_expand_activation")),
    ]
    assert all(converted.filled(card, step) for step in converted.STEPS)
    assert not any(converted.filled(one, step) for one in other for step in converted.STEPS)
    monkeypatch.setattr(converted, "_code", lambda: "another version")
    assert not any(converted.filled(card, step) for step in converted.STEPS)


def test_a_folder_that_cannot_be_written_leaves_tensorflow(cache, tmp_path, monkeypatch, caplog):  # noqa: ARG001
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RADLENS_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, "radlens"):
        for model in (MODEL, "body-part"):
            assert isinstance(predict.network(catalogue.get(model)), functions.Traced)
    (told,) = caplog.messages
    assert "cannot be used" in told and "RADLENS_CACHE" in told
    done = process("-m", "xray_models", "warm")
    assert (
        done.returncode == 2 and "RADLENS_CACHE" in done.stderr and "Traceback" not in done.stderr
    )


def test_off_is_off(cache, monkeypatch):  # noqa: ARG001
    monkeypatch.setenv("RADLENS_CACHE", "Off")
    assert converted.folder() is None
    assert isinstance(predict.network(catalogue.get(MODEL)), functions.Traced)
    assert process("-m", "xray_models", "warm").returncode == 2


@pytest.fixture
def detector_alone(cache, tmp_path, monkeypatch):
    """Assets with one model, and an empty cache."""
    shutil.rmtree(cache)
    assets = catalogue.assets()
    card = catalogue.get("body-part")
    for name, file in (("models", "body-part.json"), ("weights", card.weights.file)):
        (tmp_path / "assets" / name).mkdir(parents=True)
        shutil.copy(assets / name / file, tmp_path / "assets" / name)
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path / "assets"))
    return card


@pytest.mark.slow
def test_two_processes_fill_one_folder(detector_alone, cache):
    command = [sys.executable, "-m", "xray_models", "warm"]
    both = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [one.wait(600) for one in both] == [0, 0]
    assert len(list(cache.glob("*.network"))) == len(converted.STEPS)
    assert not list(cache.glob("*.tmp"))
    assert all(converted._read(detector_alone, step) for step in converted.STEPS)
    again = process("-m", "xray_models", "warm")
    assert again.returncode == 0 and again.stdout.startswith("1 models in"), "nothing to do"


def test_another_process_fills_what_is_asked_for(detector_alone, monkeypatch):
    made = filler.Filler()
    try:
        monkeypatch.setattr(converted, "_filler", made)
        assert isinstance(predict.network(detector_alone), converted.Converted)
        assert weights.held() == ["body-part"], "nothing was built here"
        assert made.wait(300) and (made.done, made.total) == (2, 2)
    finally:
        made.end()


def test_what_is_asked_for_is_filled_first():
    left = [(model, step) for step in converted.STEPS for model in "abcd"]
    left.sort(key=lambda one: filler._place(one, ["c", "b"]))
    words = [f"{model} {step}" for model, step in left[:5]]
    assert words == ["c reading", "b reading", "c maps", "b maps", "a reading"]


def test_old_files_are_deleted(cache):
    old, new = cache / "gone.reading.0.network", cache / "other.reading.0.network"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    mine = next(cache.glob(f"{MODEL}.reading.*"))
    os.utime(mine, (0, 0))
    converted.sweep(catalogue.catalogue().values())
    assert not old.exists() and new.exists() and mine.exists()
