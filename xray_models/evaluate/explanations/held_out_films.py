"""Held-out films again, with the network that may explain them without having seen them.

Tables hold no films, so explaining held-out films needs the data folder. Of an out-of-fold table
the shipped weights are those of one fold and have seen the films of the others: for these it takes
the networks of their folds, from the training's run folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xray_models import catalogue, explain, networks
from xray_models.catalogue import Card
from xray_models.datasets import Film
from xray_models.evaluate.predictions import held_out_table
from xray_models.explain import MethodSpec
from xray_models.explain.heatmap import Heatmap
from xray_models.explain.targets import Target
from xray_models.inference import weights
from xray_models.radiograph import Radiograph
from xray_models.radiograph.preprocess import Placement, resize, scale

if TYPE_CHECKING:
    import keras

__all__ = ["FOLD_WEIGHTS", "Explained", "HeldOutFilm", "Networks", "held_out", "splits"]

FOLD_WEIGHTS = "half.safetensors"
"""In RUN/fold-1, RUN/fold-2...: what `publish` writes, the weights behind the out-of-fold table."""


@dataclass(frozen=True, eq=False)
class HeldOutFilm:
    """A film, and how it was held out.

    Attributes:
        film: the film, or the crop of one.
        split: of the held-out table; empty where the model's training never held the film's
            collection at all.
    """

    film: Film
    split: str = ""


@dataclass(frozen=True, eq=False)
class Explained:
    """A film as a network's input, ready to be explained.

    Attributes:
        cache: network and input.
        placement: where the film lies in the input.
        seen: whether the network was trained on this film.
    """

    cache: explain.PassCache
    placement: Placement
    seen: bool

    def heat(self, target: Target, spec: MethodSpec | str, seed: int = 0) -> Heatmap:
        """The map of a target by a method at its layers."""
        values = explain.maps(self.cache, [target], spec, seed=seed)[0]
        return Heatmap(values, self.placement, self.cache.size)

    def heat_of(
        self, inputs: np.ndarray, target: Target, spec: MethodSpec | str, seed: int = 0
    ) -> np.ndarray:
        """The map of another input (height, width, channels) of the same network, on its grid."""
        network = self.cache.network
        other = explain.PassCache(lambda: network, inputs[None], self.cache.baseline)
        return np.asarray(explain.maps(other, [target], spec, seed=seed)[0])


class Networks:
    """The network for each held-out film of a model."""

    def __init__(self, card: Card, run: Path | None = None) -> None:
        """Prepare.

        Args:
            card: of the model.
            run: folder of its training, for the networks of the folds; without it films of an
                out-of-fold table are explained by the shipped weights, which have seen those of
                other folds than their own.
        """
        self._card = card
        self._run = run
        self._of_fold: dict[str, keras.Model] = {}

    def seen(self, split: str) -> bool:
        """Whether films of a split are explained by a network that was trained on them."""
        of_another_fold = split != self._card.held_out.shipped_fold
        return split.startswith("fold") and of_another_fold and self._run is None

    def explained(self, one: HeldOutFilm) -> Explained:
        """A held-out film with its network.

        Raises:
            DataSetError: the film cannot be read.
            WeightsError: the weights, shipped or of the fold, cannot be used.
        """
        card, pixels = self._card, one.film.pixels()
        gray, placement = resize(pixels, card.input_size, card.geometry)
        if self._run is not None and one.split.startswith("fold"):
            from xray_models.inference import functions

            cache = explain.PassCache(
                partial(functions.traced, self._network(one.split), frozen=True),
                scale(gray, card.scaling, card.mean_std)[None],
                baseline=scale(np.zeros_like(gray), card.scaling, card.mean_std)[None],
            )
        else:
            cache = explain.pass_cache_of(card, Radiograph(pixels, one.film.path.suffix))
        return Explained(cache, placement, self.seen(one.split))

    def _network(self, split: str) -> keras.Model:
        if split not in self._of_fold:
            assert self._run is not None
            file = self._run / split.replace(" ", "-") / FOLD_WEIGHTS
            try:
                content = file.read_bytes()
            except OSError as error:
                raise weights.WeightsError(
                    f"{file} cannot be read ({error.strerror}). `publish` writes it; without --run "
                    "the shipped weights are explained."
                ) from error
            card = self._card
            network = networks.build(card.architecture, card.input_size, len(card.labels))
            weights.fill(network, content, file.name)
            self._of_fold[split] = network
        return self._of_fold[split]


def held_out(card: Card, films: Iterable[Film]) -> list[HeldOutFilm]:
    """Those of some films that are in a model's held-out table, in the order of the films.

    Raises:
        TableError: the table cannot be used.
    """
    split = splits(card)
    return [HeldOutFilm(film, split[film.image]) for film in films if film.image in split]


def splits(card: Card) -> dict[str, str]:
    """Image -> split, of a model's held-out table; empty for a model that was not measured.

    Raises:
        TableError: the table cannot be used.
    """
    if not card.measured:
        return {}
    rows = held_out_table.load(catalogue.table_path(card), card.labels, card.multi_label)
    return dict(zip(rows["image"], rows["split"], strict=True))
