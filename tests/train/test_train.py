"""Training: splits by group, resuming, reproducible draws, and the data sets' complaints."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np
import pytest
import tiny_training
from PIL import Image

from xray_models import BONE_PARTS, catalogue, networks
from xray_models.commands import training
from xray_models.datasets import (
    DataSetError,
    Film,
    body_parts,
    chexnet,
    drawn,
    fracatlas,
    kermany,
    split_of,
)
from xray_models.evaluate.predictions.held_out_table import TableError
from xray_models.report import model_text
from xray_models.train import epoch, fused, loop, losses, model, pretrained, publishing
from xray_models.train.data import (
    augmentation,
    class_balance,
    cross_validation,
    histogram_matching,
    lesions,
    pipeline,
)
from xray_models.train.recipe import Augmentation, Recipe
from xray_models.train.recipes.registry import RECIPES, named
from xray_models.train.run_folder.checkpoint import BEST, State


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Films with a bright left or right half: easy, if images and truth stay together."""
    monkeypatch.setitem(networks._BACKBONES, tiny_training.ARCHITECTURE, tiny_training.TINY)
    films = tiny_training.halves(tmp_path, 48)
    return Recipe(
        model="toy",
        films=lambda _: {"train": films[:32], "validation": films[32:40], "test": films[40:]},
        labels=("right",),
        two_class=True,
        architecture=tiny_training.ARCHITECTURE,
        input_size=(32, 32),
        geometry="fit",
        scaling="unit",
        start=None,
        epochs=2,
        batch=8,
        learning_rate=1e-3,
        augmentation=Augmentation(flip_horizontal=False, rotation=0, shift=0, zoom=(1, 1)),
    )


@pytest.mark.network
def test_a_killed_training_goes_on_where_it_was(toy, tmp_path):
    run = tmp_path / "run"
    loop.train(replace(toy, epochs=1), tmp_path, run)
    assert json.loads((run / "state.json").read_text())["epoch"] == 1
    first = (run / "history.csv").read_text()
    best = loop.train(toy, tmp_path, run, resume=True)
    history = (run / "history.csv").read_text()
    assert history.startswith(first) and len(history.splitlines()) == 3
    assert best.is_file() and json.loads((run / "config.json").read_text())["model"] == "toy"


@pytest.mark.network
def test_a_cross_validation_predicts_every_film_once_and_keeps_the_last_epoch(toy, tmp_path):
    films = toy.films(tmp_path)
    every = films["train"] + films["validation"] + films["test"]
    crossed = replace(toy, folds=2, epochs=1, films=lambda _: {"folds": every}, averaging=0.5)
    second = loop.train(crossed, tmp_path, tmp_path / "run", fold=2)
    assert second == tmp_path / "run" / "fold-2" / "best.weights.h5"
    assert not (tmp_path / "run" / "fold-1").exists()
    alone = (tmp_path / "run" / "fold-2" / "best.weights.h5").stat().st_mtime_ns
    kept = loop.train(crossed, tmp_path, tmp_path / "run", fold=1)
    assert (tmp_path / "run" / "fold-2" / "best.weights.h5").stat().st_mtime_ns == alone
    assert kept == tmp_path / "run" / "fold-1" / "best.weights.h5"
    for name in ("fold-1", "fold-2"):
        assert (tmp_path / "run" / name / "best.weights.h5").is_file()
        assert "validation_auc" not in (tmp_path / "run" / name / "history.csv").read_text()
    again = replace(crossed, start="run:run", model="next")
    network = networks.build(toy.architecture, (32, 32), 1)
    said = pretrained.start(network, again.start, tmp_path / "next" / "fold-2")
    assert "random initialization" in said
    donor = networks.build(toy.architecture, (32, 32), 1)
    donor.load_weights(tmp_path / "run" / "fold-2" / "best.weights.h5")
    ours, theirs = (one.get_layer("conv").get_weights()[0] for one in (network, donor))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.network
def test_a_run_is_published_and_another_network_beside_it(toy, tmp_path, monkeypatch):
    """The words of the card stay; weights, figures and table are the run's own."""
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path / "assets"))
    words = {
        "name": "A toy",
        "task": "bone",
        "parts": ["wrist"],
        "weights": {"origin": "a test", "license": "none"},
        "training": {"data": ["drawn films"], "note": ""},
        "intended_use": "To test.",
        "limits": ["It reads halves."],
        "references": [],
    }
    card_path = tmp_path / "assets" / "models" / "toy.json"
    card_path.parent.mkdir(parents=True)
    card_path.write_text(json.dumps(words))
    films = [one for part in toy.films(tmp_path).values() for one in part]
    toy = replace(toy, architecture="vgg16")  # a card names networks of the house
    crossed = replace(toy, folds=2, epochs=1, films=lambda _: {"folds": films})
    loop.train(crossed, tmp_path, tmp_path / "run")
    card = publishing.publish(crossed, tmp_path, tmp_path / "run")
    assert card.intended_use == "To test." and card.held_out.films == 48
    assert (
        hashlib.sha256(catalogue.weights_path(card).read_bytes()).hexdigest() == card.weights.sha256
    )
    assert model_text.report(card).rstrip().endswith("The card quotes the same figures.")

    with pytest.raises(ValueError, match="ships vgg16 itself"):
        publishing.publish_alternative(crossed, tmp_path, tmp_path / "run")
    other = replace(crossed, architecture="mobilenetv2")
    fewer = replace(other, films=lambda _: {"folds": films[:40]})
    for name in ("fold-1", "fold-2"):  # as good as a training of no steps
        folder = tmp_path / "other" / name
        folder.mkdir(parents=True)
        networks.build("mobilenetv2", (32, 32), 1).save_weights(folder / BEST)
        (folder / "config.json").write_text(json.dumps({"start": "random initialization"}))
    shipped = catalogue.weights_path(card).read_bytes()
    with pytest.raises(TableError, match=r"not the films of toy\.csv"):
        publishing.publish_alternative(fewer, tmp_path, tmp_path / "other")
    assert [one.name for one in catalogue.table_path(card).parent.iterdir()] == ["toy.csv"]
    beside = publishing.publish_alternative(other, tmp_path, tmp_path / "other")
    assert beside.weights == card.weights and catalogue.weights_path(card).read_bytes() == shipped
    assert beside.held_out == card.held_out
    (tried,) = beside.alternatives
    assert tried.architecture == "mobilenetv2" and "random" in tried.start
    assert tried.own == pytest.approx(tried.other + tried.difference.value)
    assert "mobilenetv2 by the same recipe" in model_text.report(beside, 20)


@pytest.mark.parametrize(("folds", "fold", "message"), [(3, 4, "folds 1 to 3"), (0, 1, "no folds")])
def test_a_fold_that_a_recipe_does_not_have_is_refused(toy, tmp_path, folds, fold, message):
    with pytest.raises(ValueError, match=message):
        loop.train(replace(toy, folds=folds), tmp_path, tmp_path / "run", fold=fold)
    assert not (tmp_path / "run").exists()


@pytest.mark.network
def test_a_run_that_gets_no_better_stops_and_slows_down(toy, tmp_path):
    stuck = replace(toy, learning_rate=0.0, epochs=5, patience=2, plateau=0.5)
    loop.train(stuck, tmp_path, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "state.json").read_text())["epoch"] == 3
    for name in ("curves.png", "metrics.json", "classes.png", "tensorboard"):
        assert (tmp_path / "run" / name).exists()
    assert "right,16," in (tmp_path / "run" / "classes.csv").read_text()
    assert keras.mixed_precision.global_policy().name == "float32"
    slower = epoch.next_state(
        State(epoch=1, best=0.9, learning_rate=0.1), {"epoch": 2, "validation_auc": 0.8}, stuck, 0.1
    )
    assert slower.learning_rate == pytest.approx(0.05) and not slower.stopped


def test_unknown_labels_teach_nothing():
    targets = np.array([[1.0, np.nan], [0.0, 1.0]], np.float32)
    logits = np.array([[2.0, 50.0], [1.0, -1.0]], np.float32)
    expected = np.mean([np.log1p(np.exp(-2)), np.log1p(np.exp(1)), np.log1p(np.exp(1))])
    assert float(losses.sigmoid(targets, logits)) == pytest.approx(expected, rel=1e-5)
    nothing = np.full((2, 2), np.nan, np.float32)
    assert float(losses.sigmoid(nothing, logits)) == 0
    assert epoch.mean_auc(targets, np.array([[0.9, 0.2], [0.1, 0.3]])) == 1.0


def test_weighted_classes_weigh_the_same_in_the_loss():
    rare = np.repeat(np.float32([1, 0, np.nan]), [2, 8, 3])[:, None]
    weights = losses.class_weights(rare, "sigmoid")
    np.testing.assert_allclose(weights, [[10 / 16], [10 / 4]])
    undecided = tf.zeros((13, 1))
    loss = losses.weighted_sigmoid(weights)
    assert float(loss(tf.constant(rare), undecided)) == pytest.approx(np.log(2), rel=1e-5)
    # two films missed cost as much as eight false alarms
    missed = loss(tf.constant(rare), tf.fill((13, 1), -20.0))
    alarms = loss(tf.constant(rare), tf.fill((13, 1), 20.0))
    assert float(missed) == pytest.approx(float(alarms), rel=1e-5) and float(missed) > 5
    assert float(losses.sigmoid(tf.constant(rare), tf.fill((13, 1), -20.0))) == pytest.approx(4)
    assert float(loss(tf.fill((2, 1), np.nan), tf.zeros((2, 1)))) == 0

    kinds = np.eye(3, dtype=np.float32)[[0, 0, 0, 1]]
    weights = losses.class_weights(kinds, "softmax")
    np.testing.assert_allclose(weights, [4 / 9, 4 / 3, 0], rtol=1e-6)
    raw = np.float32([[0, 0, 0]] * 3 + [[2, 1, 0]])
    own = -np.log(np.exp(1) / np.exp([2, 1, 0]).sum())
    expected = (3 * 4 / 9 * np.log(3) + 4 / 3 * own) / 4
    found = losses.weighted_softmax(weights)(tf.constant(kinds), tf.constant(raw))
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.network
def test_class_weights_decide_what_a_network_says_that_sees_nothing(tmp_path, monkeypatch):
    """It says how often a class is drawn, or, with weights, that both are as likely."""
    monkeypatch.setitem(networks._BACKBONES, tiny_training.ARCHITECTURE, tiny_training.TINY)
    tiny = tiny_training.recipe(tmp_path / "films")
    blank = tmp_path / "blank.png"
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(blank)
    films = [Film(blank, f"{n}", f"{n}", int(n < 3)) for n in range(24)]
    plain = replace(
        tiny,
        films=lambda _: {"train": films},
        balance=0.0,
        dropout=0.0,
        epochs=8,
        learning_rate=0.2,
        augmentation=replace(tiny.augmentation, noise=0.0),
    )
    said = {}
    for weights in (False, True):
        run = tmp_path / f"{weights}"
        loop.train(replace(plain, class_weights=weights), tmp_path, run)
        network = networks.build(tiny_training.ARCHITECTURE, (32, 32), 1)
        network.load_weights(run / BEST)
        said[weights] = 1 / (1 + np.exp(-network(np.zeros((1, 32, 32, 3))).numpy().item()))
    assert said[False] < 0.25 and said[True] == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("part", BONE_PARTS)
def test_another_network_of_a_part_trains_as_long_as_what_the_part_goes_on_from(part):
    own, regions = named(f"bone-{part}"), named("bone-regions")
    other = own.with_architecture("densenet169")
    assert (other.architecture, other.start, other.scaling) == (
        "densenet169",
        "imagenet",
        "imagenet",
    )
    for name in ("epochs", "learning_rate", "films_per_epoch", "averaging"):
        assert getattr(other, name) == getattr(regions, name)
    assert other.frozen_until is None and other.input_size == own.input_size
    # a start that knows fractures needs the few steps only, and the recipe's own stays as it is
    briefly = own.with_architecture("densenet169", "run:bone-regions-densenet169")
    assert (briefly.epochs, briefly.learning_rate) == (own.epochs, own.learning_rate) == (2, 1e-4)
    assert own.with_architecture(own.architecture) == own
    assert json.loads(json.dumps(other.as_dict()))["epochs"] == regions.epochs


def test_a_random_start_freezes_nothing_and_general_starts_take_the_longer_way():
    wrist, whole = named("bone-wrist"), named("chest-pneumonia-whole")
    assert wrist.with_start("lite0").epochs == 8 and wrist.with_start("lite0").frozen_until is None
    assert wrist.with_start("bone-general").frozen_until == wrist.frozen_until
    assert whole.frozen_until == "block3_conv3" == whole.with_start("imagenet").frozen_until
    assert whole.with_start(None).frozen_until is None and whole.with_start(None).epochs == 7
    local = named("bone-general").with_architecture("efficientnetb0-local")
    assert local.start == "lite0"


def test_mobilenet_reads_films_as_its_published_weights_do(toy):
    recipe = toy.with_architecture("mobilenetv2")
    assert recipe.start == "imagenet"
    film = np.random.default_rng(0).integers(0, 256, (1, 8, 8), np.uint8)
    published = keras.applications.mobilenet_v2.preprocess_input(
        np.repeat(film[..., None], 3, axis=-1).astype(np.float32)
    )
    np.testing.assert_allclose(pipeline.inputs(film, recipe), published, atol=1e-6)
    still = replace(recipe, augmentation=Augmentation(0, (1, 1), 0, False, False, 0, 0, 0, 0))
    images = np.full((8, 32, 32), 51, np.uint8)
    stream, _ = pipeline.batches(
        images, [np.zeros((0, 4), np.float32)] * 8, np.zeros((8, 1), np.float32), still, 0
    )
    np.testing.assert_allclose(next(iter(stream))[0], -0.6, atol=1e-5)


@pytest.mark.parametrize(("folds", "where"), [(0, ""), (3, "fold-1")])
def test_a_run_is_published_with_the_scaling_that_it_was_trained_with(toy, tmp_path, folds, where):
    recipe = replace(toy, folds=folds).with_architecture("mobilenetv2")
    config = tmp_path / where / "config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"scaling": "imagenet"}))
    assert training._scaling(recipe, tmp_path) == "imagenet" != recipe.scaling


def test_films_are_drawn_as_their_rarest_label():
    targets = np.array([[1, 0], [1, 0], [1, 1], [0, 0], [0, 0], [1, 0]], np.float32)
    classes = class_balance.strata(targets)
    assert classes[0] == classes[1] == classes[5] and classes[3] == classes[4]
    assert len({classes[0], classes[2], classes[3]}) == 3


def test_an_epoch_is_drawn_by_balance_and_seed(toy):
    truth = np.array([0] * 90 + [1] * 10)
    even = truth[class_balance.draw(truth, replace(toy, balance=1.0, films_per_epoch=4000), 0)]
    assert even.mean() == pytest.approx(0.5, abs=0.05)
    as_is = class_balance.draw(truth, replace(toy, balance=0.0), 0)
    assert sorted(as_is) == list(range(100))
    assert (as_is == class_balance.draw(truth, replace(toy, balance=0.0), 0)).all()
    assert (as_is != class_balance.draw(truth, replace(toy, balance=0.0), 1)).any()


def test_balance_tells_what_drawing_does_to_rare_classes(toy):
    rare = np.array([[1.0]] * 40 + [[0.0]] * 360, np.float32)
    names, films, drawn = class_balance.counts(rare, replace(toy, balance=1.0))
    assert names == ("right", "no right") and films.tolist() == [40, 360]
    assert drawn.sum() == 400 and drawn[0] == pytest.approx(200, abs=40)
    several = replace(toy, two_class=False, labels=("a", "b"), balance=0.0)
    assert class_balance.counts(np.eye(2, dtype=np.float32), several)[2].tolist() == [1, 1]


def test_augmentation_without_ranges_changes_nothing_and_a_flip_flips():
    gray = np.random.default_rng(0).random((4, 8, 10)).astype(np.float32)
    random = tf.random.Generator.from_seed(1)
    unmarked = tf.fill([4, 2], np.nan)
    nothing = Augmentation(0, (1, 1), 0, False, False, 0, 0, 0, 0)
    still = augmentation.move(tf.constant(gray)[..., None], unmarked, (8, 10), nothing, random)
    np.testing.assert_allclose(still[..., 0], gray, atol=1e-6)
    same = augmentation.expose(tf.constant(gray), nothing, random)
    np.testing.assert_allclose(same, np.maximum(gray, 1e-4), atol=1e-6)
    flips = replace(nothing, flip_horizontal=True, flip_vertical=True)
    both = tf.stack([gray, 1 - gray], axis=-1)
    flipped = augmentation.move(both, unmarked, (8, 10), flips, random).numpy()
    for image, moved in zip(gray, flipped, strict=True):
        ways = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
        assert any(np.allclose(way, moved[..., 0], atol=1e-3) for way in ways)
        np.testing.assert_allclose(moved.sum(axis=-1), 1, atol=1e-5)  # layers move together


def test_half_of_the_films_stay_clean():
    gray = tf.fill([200, 8, 8], 0.5)
    random = tf.random.Generator.from_seed(1)
    noisy = Augmentation(0, (1, 1), 0, False, False, 0, 0, noise=0.1)
    spread = augmentation.expose(gray, noisy, random).numpy().std(axis=(1, 2))
    assert 60 < (spread < 1e-6).sum() < 140 and spread.max() > 0.05


def test_a_film_takes_on_the_gray_levels_of_another_and_keeps_its_picture():
    random = np.random.default_rng(3)
    dark, light = random.integers(0, 100, (2, 40, 40)), random.integers(60, 250, (2, 40, 40))
    films, others = dark.astype(np.uint8), light.astype(np.uint8)
    own, lent = histogram_matching.distributions(films), histogram_matching.distributions(others)
    one, half = histogram_matching.match(
        films[[0, 0]], own[[0, 0]], lent[[0, 0]], np.array([1.0, 0.5])
    )
    assert one.mean() == pytest.approx(others[0].mean(), abs=1)
    assert one.std() == pytest.approx(others[0].std(), rel=0.02)
    assert half.mean() == pytest.approx((films[0].mean() + others[0].mean()) / 2, abs=1)
    order = np.argsort(films[0], axis=None)
    assert (np.diff(one.ravel()[order].astype(int)) >= 0).all(), "darker stays darker"
    np.testing.assert_array_equal(histogram_matching.match(films, own, lent, np.zeros(2)), films)


def test_borrowed_gray_levels_reach_the_batches_and_leave_some_films_alone(toy):
    bands = np.repeat(np.array([40, 200], np.uint8), 50)[:, None, None]
    images = bands + np.random.default_rng(4).integers(0, 20, (100, 32, 32)).astype(np.uint8)
    truth = np.repeat(np.float32([0, 1]), 50)[:, None]
    unmarked = [np.zeros((0, 4), np.float32)] * 100
    still = Augmentation(0, (1, 1), 0, False, False, 0, 0, 0, 0)

    def brightness(tone):
        recipe = replace(toy, balance=0.0, batch=20, augmentation=replace(still, tone=tone))
        stream, _ = pipeline.batches(images, unmarked, truth, recipe, 0)
        pairs = [(x.numpy().mean(axis=(1, 2, 3)), y.numpy()[:, 0]) for x, y in stream]
        values, classes = (np.concatenate(both) for both in zip(*pairs, strict=True))
        return values[classes == 0], values[classes == 1]

    dark, light = brightness(0.0)
    assert dark.max() < light.min(), "brightness gives the class away"
    mixed, others = brightness(0.5)
    assert mixed.max() > others.min(), "and no longer does"
    assert 0.4 < (mixed <= dark.max()).mean() < 1


def test_a_window_keeps_the_marked_lesion_in_view():
    gray = np.zeros((64, 40, 40), np.float32)
    marks = np.random.default_rng(2).uniform(0.05, 0.95, (64, 2)).astype(np.float32)
    for image, (x, y) in zip(gray, marks, strict=True):
        row, column = int(y * 40), int(x * 40)
        image[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = 1
    windows = Augmentation(0, (2, 2), 0, True, True, 0, 0, 0, 0)
    random = tf.random.Generator.from_seed(1)
    layers = tf.constant(gray)[..., None]
    seen = augmentation.move(layers, tf.constant(marks), (20, 20), windows, random)
    assert (seen.numpy().max(axis=(1, 2, 3)) > 0.3).all()
    nowhere = tf.fill([64, 2], np.nan)
    missed = augmentation.move(layers, nowhere, (20, 20), windows, random)
    assert (missed.numpy().max(axis=(1, 2, 3)) < 0.3).any()


def test_the_cells_of_a_local_map_follow_the_film(toy):
    """A film that is white in its marked box and nowhere else: cells and picture must agree."""
    images = np.zeros((40, 64, 64), np.uint8)
    random = np.random.default_rng(5)
    boxes = []
    for image in images[:20]:
        left, top = random.integers(0, 40, 2)
        image[top : top + 16, left : left + 16] = 255
        boxes.append(np.float32([[left, top, left + 16, top + 16]]) / 64)
    boxes += [np.zeros((0, 4), np.float32)] * 20
    truth = np.repeat(np.float32([1, 0]), 20)[:, None]
    truth[-1] = 1  # fractured, and nobody marked where
    turns = Augmentation(30, (0.8, 1.5), 0.1, True, True, 0, 0, 0, 0)
    recipe = replace(toy, input_size=(64, 64), batch=8, balance=0.0, augmentation=turns)
    stream, _ = pipeline.batches(images, boxes, truth, recipe, 0, cells=(4, 4))
    unknown = lit = 0
    for inputs, (target, cells) in stream:
        bright = inputs[..., :1].numpy().reshape(8, 4, 16, 4, 16).mean(axis=(2, 4))
        for shown, present, inside in zip(
            bright, target.numpy(), cells.numpy()[..., 0], strict=True
        ):
            if np.isnan(inside).any():
                assert present == 1 and shown.max() < 0.01
                unknown += 1
                continue
            # pixels without light are 1e-4 after the exposure
            np.testing.assert_allclose(np.minimum(2 * shown, 1), inside, atol=0.01)
            lit += inside.max() > 0.5
    assert unknown == 1 and lit >= 18


def test_a_lesion_of_any_size_and_place_covers_a_pixel():
    boxes = [np.float32([[0.999, 0.999, 1, 1], [0, 0, 0.5, 0.25]]), np.zeros((0, 4), np.float32)]
    found = lesions.covered(boxes, np.array([True, False]), (8, 4))
    assert found[0].sum() == 1 + 2 * 2 and found[0, 7, 3] == 1 and found[0, :2, :2].all()
    assert not found[1].any()
    assert np.isnan(lesions.covered(boxes[1:], np.array([True]), (8, 4))).all()


def test_the_loss_of_a_local_map_by_hand():
    targets = np.float32([[[1, 0], [np.nan, 0]]])[..., None]
    logits = np.float32([[[0, 0], [50, -100]]])[..., None]
    # weights 10, 1 and 1: log 2 twice, and a certain cell that costs nothing
    loss = losses.local_map(tf.constant(targets), tf.constant(logits))
    assert float(loss) == pytest.approx(11 * np.log(2) / 12)
    nothing = tf.fill([1, 2, 2, 1], np.nan)
    assert float(losses.local_map(nothing, tf.constant(logits))) == 0


@pytest.mark.network
@pytest.mark.parametrize(
    "architecture",
    [tiny_training.LOCAL, pytest.param("efficientnetb0-local", marks=pytest.mark.slow)],
)
def test_a_network_with_a_local_map_learns_where(toy, tmp_path, monkeypatch, architecture):
    """Boxes are all that tells it: films of both classes are equally bright."""
    monkeypatch.setitem(networks._WHOLE, tiny_training.LOCAL, tiny_training.TINY_LOCAL)
    films = []
    random = np.random.default_rng(6)
    for index in range(64):
        pixels = random.integers(0, 60, (64, 64)).astype(np.uint8)
        corner = random.integers(4, 44, 2)
        if index % 2:
            pixels[corner[1] : corner[1] + 16, corner[0] : corner[0] + 16] = 250
        path = tmp_path / f"{index}.png"
        Image.fromarray(pixels).save(path)
        box = (*(corner / 64), *((corner + 16) / 64))
        films.append(Film(path, path.name, path.name, index % 2, lesions=(box,) * (index % 2)))
    recipe = replace(
        toy,
        films=lambda _: {"train": films[8:]},
        architecture=architecture,
        input_size=(64, 64),
        scaling="imagenet",
        epochs=10,
        learning_rate=2e-3,
    )
    run = tmp_path / "run"
    loop.train(replace(recipe, epochs=9), tmp_path, run)
    loop.train(recipe, tmp_path, run, resume=True)
    network = networks.build(architecture, (64, 64), 1)
    network.load_weights(run / "best.weights.h5")
    images = pipeline.load(films[:8], recipe, "held out")
    inputs = pipeline.inputs(images, recipe)
    # 9 epochs settle the batch normalization's averages only partly
    cells = keras.Model(network.input, network.get_layer("local").output)(inputs, training=True)
    hits = 0
    for film, heat in zip(films[1:8:2], cells.numpy()[1::2, ..., 0], strict=True):
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        x0, y0, x1, y1 = np.array(film.lesions[0]) * 4
        hits += x0 - 1 < column < x1 and y0 - 1 < row < y1
    assert hits >= 3


def test_fused_operations_train_as_keras_does():
    def build() -> keras.Model:
        keras.utils.set_random_seed(3)
        layers = keras.layers
        x = inputs = keras.Input((16, 16, 3))
        for channels in (8, 12):
            x = layers.Conv2D(channels, 3, use_bias=False)(x)
            x = layers.Activation("swish")(layers.BatchNormalization(momentum=0.9)(x))
        return keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))

    own, quick = build(), build()
    fused.fuse(quick)
    films = np.random.default_rng(0).normal(2, 3, (8, 16, 16, 3)).astype(np.float32)
    gradients = []
    for network in (own, quick):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(films, training=True) - 1.0))
        gradients.append(tape.gradient(loss, network.trainable_variables))
    for one, other in zip(*gradients, strict=True):
        assert np.abs(one).max() > 0
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)
    for one, other in zip(own.non_trainable_variables, quick.non_trainable_variables, strict=True):
        # the fused variance is unbiased: n / (n - 1) of Keras's
        np.testing.assert_allclose(other.numpy(), one.numpy(), rtol=1e-3)
    np.testing.assert_allclose(quick(films), own(films), rtol=1e-3)


@pytest.mark.network
def test_fused_operations_reach_every_layer_and_leave_the_answer(tmp_path):
    own, quick = (networks.build("efficientnetb0-local", (64, 64), 1) for _ in range(2))
    fused.fuse(quick)
    normalizations = [x for x in quick.layers if isinstance(x, keras.layers.BatchNormalization)]
    curves = [x for x in quick.layers if isinstance(x, keras.layers.Activation)]
    assert len(normalizations) == 49 and all("call" in vars(x) for x in normalizations)
    assert len(curves) == 33 and all(x.activation is fused.swish for x in curves)
    quick.save_weights(tmp_path / "fused.weights.h5")
    own.load_weights(tmp_path / "fused.weights.h5")
    film = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    np.testing.assert_allclose(quick(film), own(film), rtol=1e-4, atol=1e-5)


def test_only_the_layers_after_the_frozen_ones_learn():
    network = networks.build("vgg16", (32, 32), 1)
    model.freeze(network, "block3_conv3")
    names = {variable.path.split("/")[0] for variable in network.trainable_variables}
    assert names == {*(f"block{b}_conv{c}" for b in (4, 5) for c in (1, 2, 3)), "logits"}
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        model.freeze(networks.build("vgg16", (32, 32), 1), "conv9")


def test_an_unfitting_start_is_refused():
    with pytest.raises(ValueError, match="No pretrained start"):
        pretrained.start(networks.build("vgg16", (32, 32), 1), "lite0")


def test_splits_follow_the_group_and_the_shares():
    names = [split_of(f"g{index}") for index in range(4000)]
    assert names.count("train") / 4000 == pytest.approx(0.70, abs=0.03)
    assert names.count("test") / 4000 == pytest.approx(0.15, abs=0.03)
    assert split_of("g1") == split_of("g1")


def test_tables_say_where_they_are_wrong(tmp_path):
    with pytest.raises(DataSetError, match="no such file"):
        kermany.films(tmp_path, "train")
    (tmp_path / "fracture_boxes.csv").write_text("image,x,y,w,h\na.jpg,0.1,0.1,wide,0.2\n")
    with pytest.raises(DataSetError, match=r"fracture_boxes\.csv, line 2"):
        fracatlas.films(tmp_path)
    (tmp_path / "fracture_boxes.csv").write_text("image,x,y,w,h\n")
    header = "image,hand,leg,hip,shoulder,hardware,multiscan,fractured,group\n"
    (tmp_path / "labels.csv").write_text(header + "a.jpg,1,0,0,0,0,0,maybe,1\n")
    with pytest.raises(DataSetError, match="line 2: fractured must be 0 or 1"):
        fracatlas.films(tmp_path)
    (tmp_path / "labels.csv").write_text("image,split\na,b\n")
    with pytest.raises(DataSetError, match="line 1: missing column"):
        kermany.films(tmp_path, "train")
    with pytest.raises(DataSetError, match="cannot be read"):
        Film(tmp_path / "labels.csv", "x", "g", 0).pixels()


def test_region_boxes_follow_the_landmarks():
    points = {"W": np.array([0.5, 0.6]), "E": np.array([0.5, 0.2]), "M": np.array([0.5, 0.7])}
    x0, y0, x1, y1 = fracatlas.region("forearm", points, 400, 500)
    assert y0 < 0.2 < 0.6 < y1 and x0 < 0.5 < x1
    x0, y0, x1, y1 = fracatlas.region("wrist", points, 400, 500)
    assert (x0 + x1) / 2 == pytest.approx(0.5) and (y0 + y1) / 2 == pytest.approx(0.6)
    assert fracatlas.region("humerus", points, 400, 500) is None
    assert fracatlas.region("wrist", points, 40, 50) is None, "too small to see anything"


def test_drawn_inputs_are_the_same_for_the_same_seed():
    for kind in ("text", "noise"):
        one, two = drawn.films(kind, range(5, 7), 8)
        again = drawn.films(kind, range(5, 6), 8)[0]
        assert (one.pixels() == again.pixels()).all()
        assert one.pixels().shape != two.pixels().shape or (one.pixels() != two.pixels()).any()
        assert 0 <= one.pixels().min() <= one.pixels().max() <= 1


@pytest.mark.parametrize("name", RECIPES)
def test_no_group_is_on_two_sides_of_a_recipes_split(name, data):
    pytest.importorskip("skimage", reason="photographs come with requirements-train.txt")
    found = named(name)
    films = found.films(data)
    splits = [films]
    if found.folds:
        runs = cross_validation.splits(films, found.folds)
        assert set(runs) == {f"fold-{number + 1}" for number in range(found.folds)}
        tested = [film for run in runs.values() for film in run["test"]]
        assert len(tested) == len(films["folds"])
        splits = list(runs.values())
    for split in splits:
        groups = {one: {film.group for film in part} for one, part in split.items()}
        assert not groups["train"] & groups["test"]
        assert not groups.get("validation", set()) & (groups["train"] | groups["test"])
        for part in split.values():
            keys = [(film.image, film.box) for film in part]
            assert len(set(keys)) == len(keys)


def test_a_crop_is_fractured_where_it_shows_the_box(data):
    every = {film.image: film for film in fracatlas.films(data / "fracatlas")}
    crops = fracatlas.crops(data / "fracatlas", every)
    assert set(crops) == set(BONE_PARTS)
    for part, films in crops.items():
        assert all(film.facts["part"] == part for film in films)
        for film in films:
            assert every[film.image.split("#")[0]].truth >= film.truth
            assert bool(film.lesions) == bool(film.truth)
            assert all(
                0 <= low < high <= 1
                for x0, y0, x1, y1 in film.lesions
                for low, high in ((x0, x1), (y0, y1))
            )
    wrists = [film for film in crops["wrist"] if film.facts["framing"] == "region crop"]
    sound = [film for film in wrists if not film.truth and every[film.image.split("#")[0]].truth]
    assert sound, "a fractured film also gives sound crops"


def test_opinions_soften_labels_without_turning_them(data):
    films = chexnet.films(data / "nih")
    soft = chexnet.softened(films, data / "nih")
    before = np.array([film.targets for film in films])
    after = np.array([film.targets for film in soft])
    assert ((after > 0.5) == (before == 1)).all()
    changed = (after != before).any(axis=1)
    assert 600 < changed.sum() < len(films)


def test_no_class_of_the_detector_comes_from_one_source_alone(data):
    pytest.importorskip("skimage", reason="photographs come with requirements-train.txt")
    sources: dict[int, set[str]] = {}
    for film in body_parts.films(data)["train"]:
        sources.setdefault(film.truth, set()).add(film.facts["source"])
    several = [label for label, names in sources.items() if len(names) >= 2]
    assert len(several) == len(body_parts.LABELS)
    for name in ("kermany", "nih", "unifesp", "fracatlas"):
        assert sum(name in names for names in sources.values()) >= 2


def test_a_fold_of_many_findings_is_not_calibrated_down():
    """Pooled over folds, calibration by the other folds must keep the order of their films."""
    random = np.random.default_rng(8)
    share = np.repeat([0.5, 0.1, 0.1], 400)
    truth = (random.random(1200) < share).astype(int)
    raw = (truth * 1.5 + random.normal(size=1200))[:, None]
    films = [Film(Path(f"{i}.png"), f"{i}", f"{i}", int(one)) for i, one in enumerate(truth)]
    recipe = Recipe("toy", lambda _: {}, ("x",), "vgg16", (32, 32), "fit", "unit", None, True)
    split = np.repeat(["fold 1", "fold 2", "fold 3"], 400)
    _, probability = publishing._calibrated(publishing._HeldOut(films, split, raw), recipe)
    assert epoch.mean_auc(truth[:, None], probability) > epoch.mean_auc(truth[:, None], raw) - 0.005
    assert probability.mean() == pytest.approx(truth.mean(), abs=0.03)


def test_a_film_that_only_trains_leaves_the_fold_that_holds_its_patient_out():
    def of(names: str) -> list[Film]:
        return [Film(Path(name), name, f"g{name}") for name in names.split()]

    films = {"folds": of("a b c d e f"), "train": of("a x")}
    for part in cross_validation.splits(films, 3).values():
        trained, held_out = ({film.group for film in part[one]} for one in ("train", "test"))
        assert not trained & held_out and "gx" in trained
        assert len(part["train"]) == 6 - len(part["test"]) + 2 - ("ga" in held_out)
