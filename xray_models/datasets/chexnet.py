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
from xray_models.datasets.films import DataSetError, Film

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
        unknown = set(present) - {*nih.LABELS, nih.NO_FINDING}
        if unknown:
            raise DataSetError(
                f"{folder / 'labels.csv'}: {film.image} has the unknown finding "
                f"{', '.join(sorted(unknown))}. Known: {', '.join(nih.LABELS)}."
            )
        targets = tuple(float(label in present) for label in nih.LABELS)
        facts = {name: value for name, value in film.facts.items() if name != "findings"}
        found.append(replace(film, targets=targets, facts=facts))
    return found


def softened(films: list[Film], folder: Path) -> list[Film]:
    """The same films, with targets between the mined labels and the published opinion, if any.

    Args:
        films: with targets 0 or 1.
        folder: with the table of published predictions.

    Raises:
        DataSetError: the table is missing or malformed.
    """
    path = folder / _OPINIONS
    columns = [f"prob_{label}" for label in nih.LABELS]
    truths = [f"true_{label}" for label in nih.LABELS]
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            table = pd.read_csv(file, usecols=["image", *columns, *truths])
    except (OSError, ValueError) as error:
        raise DataSetError(f"{path}: cannot be read ({error}).") from error
    opinion = dict(
        zip(table["image"].str.removesuffix(".png"), table[columns].to_numpy(float), strict=True)
    )
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
