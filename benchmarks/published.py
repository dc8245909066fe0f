"""Comparison of our chest models with a published CheXNet retrain, on the same held-out films.

    python -m benchmarks.published --data FOLDER [--json]

The published predictions are those of jrzech/reproduce-chexnet (DenseNet121, trained on all of
ChestX-ray14) on its test films; FOLDER holds them in `nih/`. Ours are out of fold. Intervals are
paired, over patients. Of the retrain the score for "nodule or mass" is the higher of the two.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from xray_models.catalogue import get
from xray_models.datasets import chexnet, nih
from xray_models.evaluate.metrics.bootstrap import Estimate, bootstraps
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.predictions.predictions import films_of_test, from_table

COLLECTION = "jrzech/reproduce-chexnet"


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADLENS_DATA"))
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is missing: the folder with the data sets.")
    opinions = chexnet.opinions(options.data / "nih")
    every = fourteen(opinions)
    one = nodules(opinions)
    for name, (films, found) in {"chest-14, mean AUC": every, "chest-nodule, AUC": one}.items():
        if options.json:
            figures = {what: [each.value, each.low, each.high] for what, each in found.items()}
            print(json.dumps({"name": name, "films": films, **figures}))
            continue
        print(f"{name}, {films} films")
        for what, each in found.items():
            print(f"  {what:<11}{each.value:.3f} ({each.low:.3f} to {each.high:.3f})")


def fourteen(opinions: pd.DataFrame) -> tuple[int, dict[str, Estimate]]:
    """Mean AUC over the labels of chest-14, on the films with a published prediction."""
    rows, theirs = _both("chest-14", opinions)
    predictions = from_table(rows, get("chest-14"))
    assert predictions.labels == nih.LABELS
    pairs = [
        (
            Ranking(predictions.truth[:, i], predictions.scores[:, i]),
            Ranking(predictions.truth[:, i], theirs[:, i]),
        )
        for i in range(len(predictions.labels))
    ]
    return len(rows), _compared(pairs, rows)


def nodules(opinions: pd.DataFrame) -> tuple[int, dict[str, Estimate]]:
    """AUC of a nodule or mass, on the films of the collection that was drawn alike for both."""
    rows, theirs = _both("chest-nodule", opinions)
    chosen = (rows["collection"] == COLLECTION).to_numpy()
    rows, theirs = rows[chosen], theirs[chosen]
    predictions = from_table(rows, get("chest-nodule"))
    columns = [nih.LABELS.index("Nodule"), nih.LABELS.index("Mass")]
    truth = predictions.truth[:, predictions.index("nodule")]
    own = Ranking(truth, predictions.scores[:, predictions.index("nodule")])
    return len(rows), _compared([(own, Ranking(truth, theirs[:, columns].max(axis=1)))], rows)


def _both(model: str, opinions: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    rows = films_of_test(get(model))
    names = rows["image"].map(lambda name: Path(name).stem)
    known = names.isin(opinions.index).to_numpy()
    return rows[known], opinions.loc[names[known]].to_numpy(float)


def _compared(pairs: list[tuple[Ranking, Ranking]], rows: pd.DataFrame) -> dict[str, Estimate]:
    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        def mean(which: Callable[[tuple[Ranking, Ranking]], Ranking]) -> np.ndarray:
            return np.asarray(np.nanmean([which(pair).auc(weights) for pair in pairs], axis=0))

        own, other = mean(lambda pair: pair[0]), mean(lambda pair: pair[1])
        return {"own": own, "published": other, "difference": own - other}

    return bootstraps(measure, rows["group"].to_numpy())


if __name__ == "__main__":
    main()
