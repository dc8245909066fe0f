"""Segmentation of lungs: masks and their sides, the loss, batches, and a training that goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xray_models.datasets import DataSetError, Film, lung_masks
from xray_models.datasets.lung_masks import EITHER, IGNORED, LEFT, OUTSIDE, RIGHT, LungFilm
from xray_models.train.recipe import Augmentation
from xray_models.train.recipes.chest_lungs import RECIPE
from xray_models.train.segmentation.recipe import Stage


def two_lungs() -> np.ndarray:
    mask = np.zeros((40, 50), bool)
    mask[8:32, 6:20] = True
    mask[8:32, 30:44] = True
    return mask


def test_two_pieces_are_the_right_lung_on_the_pictures_left_and_the_left_one():
    kinds = lung_masks.sides(two_lungs())
    assert (kinds[8:32, 6:20] == RIGHT).all() and (kinds[8:32, 30:44] == LEFT).all()
    assert (kinds[~two_lungs()] == OUTSIDE).all()


def test_lungs_that_touch_and_a_lung_alone_are_of_either_side():
    touching = two_lungs()
    touching[20, 20:30] = True
    assert set(np.unique(lung_masks.sides(touching))) == {OUTSIDE, EITHER}
    alone = two_lungs()
    alone[:, 25:] = False
    alone[10:12, 40:42] = True  # a speck is no lung
    assert set(np.unique(lung_masks.sides(alone))) == {OUTSIDE, EITHER}


def test_what_a_mask_ignores_counts_as_neither():
    ignored = np.zeros((40, 50), bool)
    ignored[10:14, 8:12] = True
    kinds = lung_masks.sides(two_lungs() & ~ignored, ignored)
    assert (kinds[ignored] == IGNORED).all() and (kinds[8:32, 30:44] == LEFT).all()


def written(folder: Path, count: int = 12) -> list[LungFilm]:
    """Films with two dark lungs on a gray chest, and their masks."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    found = []
    for index in range(count):
        lungs = np.roll(two_lungs(), random.integers(-4, 5), axis=0)
        gray = np.where(lungs, 50, 150) + random.integers(0, 20, lungs.shape)
        Image.fromarray(gray.astype(np.uint8)).save(folder / f"{index}.png")
        Image.fromarray((255 * lungs).astype(np.uint8)).save(folder / f"{index}-mask.png")
        film = Film(
            folder / f"{index}.png",
            f"{index}.png",
            f"g{index}",
            facts={"source": ("adults", "children")[index % 2]},
        )
        found.append(LungFilm(film, folder / f"{index}-mask.png"))
    return found


def test_a_damaged_mask_is_named(tmp_path):
    (one, *_) = written(tmp_path, 1)
    one.mask.write_bytes(b"no picture")
    with pytest.raises(DataSetError, match=r"0-mask\.png: cannot be read as a mask"):
        one.kinds()


def test_no_patient_is_on_two_sides_of_the_split(tmp_path, monkeypatch):
    films = [
        replace(one, film=replace(one.film, group=f"g{k % 7}"))
        for k, one in enumerate(written(tmp_path, 40))
    ]
    monkeypatch.setattr(lung_masks, "children", lambda _: films[:20])
    monkeypatch.setattr(lung_masks, "adults", lambda _: films[20:])
    parts = lung_masks.films(tmp_path)
    groups = [{one.film.group for one in part} for part in parts.values()]
    assert sum(map(len, parts.values())) == 40 and sum(map(len, groups)) == 7


@pytest.mark.network
def test_the_loss_knows_sides_only_where_they_are_drawn():
    import tensorflow as tf

    from xray_models.train.segmentation.loss import lung_loss

    right, left, either, ignored = (np.eye(4, dtype=np.float32)[k] for k in range(4))
    sure = {"outside": [9.0, -9, -9], "right": [-9.0, 9, -9], "left": [-9.0, -9, 9]}

    def loss(target: np.ndarray, said: str) -> float:
        targets = np.broadcast_to(target, (1, 4, 4, 4)).astype(np.float32)
        logits = np.broadcast_to(np.array(sure[said], np.float32), (1, 4, 4, 3))
        return float(lung_loss(tf.constant(targets), tf.constant(logits)))

    nothing = np.zeros(4, np.float32)
    assert loss(right, "right") < 0.01 and loss(left, "left") < 0.01
    assert loss(nothing, "outside") < 0.01 < 10 < loss(nothing, "right")
    assert loss(right, "left") > 10 < loss(right, "outside")
    assert loss(either, "right") < 0.01 and loss(either, "left") < 0.01
    assert loss(ignored, "right") == pytest.approx(loss(ignored, "outside"), abs=0.01)


@pytest.mark.network
def test_dice_is_that_of_both_lungs_without_what_is_ignored():
    from xray_models.train.segmentation.loop import dice

    kinds = lung_masks.sides(two_lungs())[None]
    assert dice(two_lungs()[None], kinds).tolist() == [1.0]
    half = two_lungs()
    half[:, 25:] = False
    assert dice(half[None], kinds) == pytest.approx([2 / 3])
    kinds[0, :, 25:] = IGNORED
    assert dice(half[None], kinds).tolist() == [1.0]
    assert dice(np.zeros((1, 4, 4), bool), np.zeros((1, 4, 4), np.uint8)).tolist() == [1.0]


@pytest.mark.network
def test_a_mirrored_film_changes_right_and_left(tmp_path):
    from xray_models.train.segmentation import batches
    from xray_models.train.segmentation.films import decode

    still = Augmentation(
        rotation=0,
        zoom=(1, 1),
        shift=0,
        flip_horizontal=False,
        gamma=0,
        contrast=0,
        noise=0,
    )
    recipe = replace(
        RECIPE, stages=(Stage(1, 64, 8, 8),), augmentation=still, mirrored=1.0, border=0.0
    )
    films = decode(written(tmp_path), 64, "fit", "train")
    (inputs, targets), *_ = batches.batches(films, recipe, 0)[0]
    targets = targets.numpy()
    columns = np.arange(64)[None, None]
    right, left = (
        (targets[..., k] * columns).sum((1, 2)) / targets[..., k].sum((1, 2)) for k in (0, 1)
    )
    assert inputs.shape == (8, 64, 64, 3) and (right < 32).all() and (left > 32).all()
    assert set(np.unique(films.kinds)) == {OUTSIDE, RIGHT, LEFT}


@pytest.mark.network
def test_an_epoch_shows_as_many_adults_as_the_recipe_says_and_none_too_often():
    from xray_models.train.segmentation import batches

    sources = np.array(["adults"] * 10 + ["children"] * 90)
    recipe = replace(RECIPE, stages=(Stage(2, 64, 40, 8),), adults=0.5)
    drawn = batches.draw(sources, recipe, 0)
    counts = np.bincount(drawn, minlength=100)
    assert len(drawn) == 40 and (counts[:10] == 2).all() and counts[10:].max() == 1
    assert (drawn == batches.draw(sources, recipe, 0)).all()
    assert (drawn != batches.draw(sources, recipe, 1)).any()


@pytest.mark.slow
@pytest.mark.network
def test_a_training_of_two_sizes_goes_on_where_it_was(tmp_path):
    from xray_models.train.segmentation import loop

    films = written(tmp_path / "films", 24)
    stages = (Stage(1, 64, 16, 8), Stage(1, 96, 16, 8))
    recipe = replace(
        RECIPE,
        films=lambda _: {"train": films[:16], "validation": films[16:], "test": []},
        start=None,
        stages=stages,
        input_size=(96, 96),
        source_size=96,
    )
    run = tmp_path / "run"
    loop.fit(replace(recipe, stages=stages[:1]), tmp_path, run)
    first = (run / "history.csv").read_text()
    kept = loop.fit(recipe, tmp_path, run, resume=True)
    history = (run / "history.csv").read_text()
    assert history.startswith(first) and len(history.splitlines()) == 3
    assert kept.is_file() and "validation_dice_adults" in history
