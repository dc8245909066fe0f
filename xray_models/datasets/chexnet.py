"""ChestX-ray14 with its 14 labels, and a published network's opinion of some of the films.

The opinions are the test predictions of jrzech/reproduce-chexnet (DenseNet121, BSD-3). They were
made for the natural mix of findings; here the films are enriched, so they are shifted to the mix at
hand (Saerens et al. 2002) before they soften the labels mined from reports.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from xray_models.datasets import nih
from xray_models.datasets.films import Film
from xray_models.datasets.problems import DataSetError

__all__ = ["TRUST_IN_LABELS", "films", "opinions", "softened"]

TRUST_IN_LABELS = 0.6
"""Share of the mined label in a softened one: above one half, so that it can be told back."""

_OPINIONS = "reproduce_chexnet_test.csv.gz"


def films(folder: Path) -> list[Film]:
    """Every film with its 14 labels as targets, 0 or 1.

    Raises:
        DataSetError: the label table is missing or malformed.
    """
    found = []
    for film in nih.films(folder):
        present = film.facts["findings"].split("|")
        targets = tuple(float(label in present) for label in nih.LABELS)
        facts = {name: value for name, value in film.facts.items() if name != "findings"}
        found.append(replace(film, targets=targets, facts=facts))
    return found


def opinions(folder: Path) -> pd.DataFrame:
    """Published predictions: a row per film, indexed by its name without ending.

    Returns:
        A column per label, in the order of `nih.LABELS`, float in 0..1.

    Raises:
        DataSetError: the table is missing or malformed.
    """
    return _published(folder)[_columns("prob")].set_axis(nih.LABELS, axis=1)


def softened(films: list[Film], folder: Path) -> list[Film]:
    """Films with targets between the mined labels and the published opinion, if any.

    Args:
        films: with targets 0 or 1.
        folder: with the table of published predictions.

    Raises:
        DataSetError: the table is missing or malformed.
    """
    table = _published(folder)
    columns, truths = _columns("prob"), _columns("true")
    opinion = dict(zip(table.index, table[columns].to_numpy(float), strict=True))
    known = [film for film in films if Path(film.image).stem in opinion]
    if not known:
        return films
    natural = table[truths].to_numpy(float).mean(axis=0)
    here = np.clip(np.mean([film.targets for film in known], axis=0), 0.005, 0.995)
    shift = logit(here) - logit(natural)
    softer = []
    for film in films:
        seen = opinion.get(Path(film.image).stem)
        if seen is not None:
            soft = expit(logit(np.clip(seen, 1e-5, 1 - 1e-5)) + shift)
            mixed = TRUST_IN_LABELS * np.array(film.targets) + (1 - TRUST_IN_LABELS) * soft
            film = replace(film, targets=tuple(float(value) for value in mixed))
        softer.append(film)
    return softer


def _columns(kind: str) -> list[str]:
    return [f"{kind}_{label}" for label in nih.LABELS]


def _published(folder: Path) -> pd.DataFrame:
    path = folder / _OPINIONS
    columns = ["image", *_columns("prob"), *_columns("true")]
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            table = pd.read_csv(file, usecols=columns)
        table[columns[1:]] = table[columns[1:]].astype(float)
        return table.set_index(table.pop("image").str.removesuffix(".png"))
    except (OSError, EOFError, ValueError) as error:
        raise DataSetError(f"{path}: cannot be read ({error}). Download it again.") from error
