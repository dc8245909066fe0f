"""Judging of a network for the 22 findings: predictions, AUC per finding, maps, and a card.

Films are read a batch at a time, so any number can be judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tensorflow  # noqa: F401 - before keras: see pyproject.toml
import keras
import numpy as np
from PIL import Image
from scipy.special import expit

from xray_models import networks
from xray_models.catalogue import Card
from xray_models.datasets import DataSetError, Film
from xray_models.datasets.findings22 import FINDINGS, NORMAL, OTHER
from xray_models.evaluate.label_table import LabelRow, label_table
from xray_models.evaluate.metrics.thresholds import ThresholdIndex, youden
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.importers import user_models
from xray_models.networks import unified
from xray_models.radiograph.preprocess import resize
from xray_models.train.data import pipeline
from xray_models.train.recipe import Recipe
from xray_models.train.run_folder.checkpoint import BEST
from xray_models.viz.overlay import Style, overlay

__all__ = ["class_maps", "into_folder", "network_of", "predictions", "rows", "write_maps"]

_BATCH = 32


def network_of(recipe: Recipe, run: Path) -> keras.Model:
    """The trained network of a run."""
    network = networks.build(recipe.architecture, recipe.input_size, len(recipe.labels))
    network.load_weights(run / BEST)
    return network


def predictions(network: keras.Model, films: list[Film], recipe: Recipe, name: str) -> Predictions:
    """Predictions of a network for films, with what is known of them.

    Raises:
        DataSetError: a film cannot be read.
    """
    scores = [expit(network.predict_on_batch(batch)) for _, batch in _batches(films, recipe)]
    return Predictions(
        name=name,
        labels=recipe.labels,
        truth=np.array([film.targets for film in films], np.float64),
        scores=np.concatenate(scores).astype(np.float64),
        groups=np.array([film.group for film in films]),
        images=np.array([film.image for film in films]),
        subgroups={
            fact: np.array([film.facts.get(fact, "") for film in films])
            for fact in ("source", "projection", "labeled_by")
        },
    )


def rows(found: Predictions, replicates: int) -> list[LabelRow]:
    """AUC and average precision of each finding with intervals by patient, and their means."""
    return label_table(found, replicates)


def class_maps(network: keras.Model, recipe: Recipe, film: Film) -> tuple[np.ndarray, np.ndarray]:
    """Gray pixels as the network sees them, and a map for each finding.

    Maps are class activations: of the transition's maps, or of the last activation of a network
    that takes their mean. What speaks against a finding is 0.

    Returns:
        float32 in 0..1, (height, width); float32 in 0..1, (findings, height, width), each of which
        has 1 somewhere unless it is 0 everywhere.

    Raises:
        ValueError: neither fits the network.
    """
    names = {layer.name for layer in network.layers}
    if unified.TRANSITION in names:
        both = unified.class_activation(network)
    else:
        both = _mean_activation(network)
    gray, _ = resize(film.pixels(), recipe.input_size, recipe.geometry)
    _, heat = both.predict_on_batch(pipeline.inputs(np.rint(gray * 255)[None], recipe))
    heat = np.maximum(np.moveaxis(heat[0], -1, 0), 0.0)
    tops = heat.max(axis=(1, 2), keepdims=True)
    heat = np.divide(heat, tops, out=np.zeros_like(heat), where=tops > 0)
    large = [
        np.asarray(Image.fromarray(one).resize(gray.shape[::-1], Image.Resampling.BILINEAR))
        for one in heat.astype(np.float32)
    ]
    return gray.astype(np.float32), np.stack(large)


def write_maps(
    network: keras.Model,
    recipe: Recipe,
    films: list[Film],
    found: Predictions,
    out: Path,
    each: int,
) -> int:
    """Draw the class activation over the films that have a finding most surely.

    Args:
        network: as `network_of` gives it.
        recipe: of the network.
        films: those of the predictions, in their order.
        found: their predictions.
        out: folder to write; made if absent. Pictures are called FINDING-1.png and so on.
        each: films for each finding.

    Returns:
        How many pictures were written.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = 0
    for index, finding in enumerate(FINDINGS):
        if finding in (NORMAL, OTHER):
            continue  # there is no place to show
        have = np.flatnonzero(found.truth[:, index] == 1)
        surest = have[np.argsort(-found.scores[have, index], kind="stable")][:each]
        for number, place in enumerate(surest, 1):
            gray, maps = class_maps(network, recipe, films[place])
            picture = overlay(gray, np.clip(maps[index], 0, 1), Style())
            Image.fromarray(picture).save(out / f"{finding.replace(' ', '-')}-{number}.png")
            written += 1
    return written


def into_folder(
    network: keras.Model,
    recipe: Recipe,
    validation: Predictions,
    folder: Path,
    replace: bool = False,
) -> Card:
    """Put a network into a user's folder of models, where the app finds it.

    Args:
        network: as `network_of` gives it.
        recipe: of the network.
        validation: predictions that thresholds are chosen on (Youden); 0.5 where they tell none.
        folder: that RADLENS_MODELS names.
        replace: overwrite a model of the same id.

    Raises:
        UserModelError: the folder has such a model.
    """
    index = ThresholdIndex(validation.labels, validation.truth, validation.scores)
    chosen = {one: youden(index, one).threshold for one in FINDINGS if one not in (NORMAL, OTHER)}
    groups = len(set(validation.groups))
    fields = {
        "id": recipe.model,
        "name": "22 chest findings (your training)",
        "task": "chest",
        "parts": ["chest"],
        "architecture": recipe.architecture,
        "input_size": list(recipe.input_size),
        "geometry": recipe.geometry,
        "scaling": recipe.scaling,
        "activation": "sigmoid",
        "labels": list(recipe.labels),
        "thresholds": {one: 0.5 if cut is None else cut for one, cut in chosen.items()},
        "calibration": {"temperature": 1.0, "bias": [0.0] * len(recipe.labels)},
        "weights": {"origin": "trained here by `train padchest`", "license": "not stated"},
        "training": {
            "data": ["PadChest, Open-i or both, as joined by the user"],
            "films": 0,
            "groups": 0,
            "start": "see the run folder",
            "note": f"Thresholds: Youden on {validation.films} films of {groups} patients.",
        },
        "intended_use": "A user's own model for 22 chest findings. For teaching and research, not "
        "for diagnosis.",
        "limits": [
            "Labels were mined from reports, most of them by a program.",
            "Its test figures lie in its run folder, not in the app.",
            "Its probabilities are not calibrated: classes weighed the same in its training.",
        ],
        "references": ["arXiv:1901.07441", "arXiv:1705.02315"],
    }
    return user_models.add(folder, network, fields, replace)


def _mean_activation(network: keras.Model) -> keras.Model:
    head = network.get_layer("logits")
    pooled = network.get_layer("pooled")
    if not isinstance(pooled, keras.layers.GlobalAveragePooling2D):
        raise ValueError(f"{network.name} takes no mean, so it has no class activation.")
    kernel = np.asarray(head.kernel)
    weighted = keras.layers.Conv2D(kernel.shape[1], 1, use_bias=False, dtype="float32")
    heat = weighted(pooled.input)
    weighted.set_weights([kernel[None, None]])
    return keras.Model(network.input, [network.output, heat])


def _batches(films: list[Film], recipe: Recipe) -> Iterator[tuple[list[Film], np.ndarray]]:
    if not films:
        raise DataSetError("There is no film to judge.")
    for first in range(0, len(films), _BATCH):
        some = films[first : first + _BATCH]
        grays = [resize(film.pixels(), recipe.input_size, recipe.geometry)[0] for film in some]
        yield some, pipeline.inputs(np.rint(np.stack(grays) * 255), recipe)
