"""Speed of evaluation, ours beside plain scikit-learn, in one run.

    python -m benchmarks.evaluate [--quick] [--json]

On the published predictions of reproduce-chexnet (22,312 films x 14 labels) where RADLENS_DATA
names the data folder, else on a drawn table of that size, which the output says.

- threshold move: confusion counts and all measures of all labels at a new threshold, in scores
  that are sorted once, against scikit-learn's functions on all films; also against its confusion
  matrices alone, the least it could do.
- bootstrap: 1,000 grouped replicates of the AUCs of all labels, one thread, against resampling the
  films and calling roc_auc_score; scikit-learn is timed on fewer replicates, the same ones, and
  must agree within 1e-12.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

from xray_models.evaluate.metrics.bootstrap import resamples
from xray_models.evaluate.metrics.counts import Counts
from xray_models.evaluate.metrics.ranking import Ranking
from xray_models.evaluate.metrics.thresholds import ThresholdIndex
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.predictions import Predictions

FILMS, LABELS, GROUPS = 22_433, 14, 6_000
REPLICATES = 1000


def table() -> tuple[str, Predictions]:
    """Table that is measured on: what it is, in words, and its films."""
    path = Path(os.environ.get("RADLENS_DATA", ""), "nih", "reproduce_chexnet_test.csv.gz")
    if path.is_file():
        cells = csv_import.read(path)
        predictions = csv_import.as_predictions(cells, csv_import.guess(cells), path.name)
        return (
            f"{path.name}, {predictions.films} films x {len(predictions.labels)} labels",
            predictions,
        )
    random = np.random.default_rng(0)
    share = np.geomspace(0.002, 0.18, LABELS)
    truth = (random.random((FILMS, LABELS)) < share).astype(np.float64)
    logits = random.normal(size=truth.shape) + 1.5 * truth + np.log(share)
    predictions = Predictions(
        name="drawn",
        labels=tuple(f"label {k + 1}" for k in range(LABELS)),
        truth=truth,
        scores=1 / (1 + np.exp(-logits)),
        groups=np.sort(random.integers(GROUPS, size=FILMS)).astype(str),
        images=np.arange(FILMS).astype(str),
    )
    return f"drawn at random, {FILMS} films x {LABELS} labels (no RADLENS_DATA)", predictions


def moves(predictions: Predictions, repeats: int) -> dict[str, float]:
    """Median milliseconds of a threshold move: ours, scikit-learn's, its matrices alone."""
    index = ThresholdIndex(predictions.labels, predictions.truth, predictions.scores)
    truth, scores = predictions.truth.astype(int), predictions.scores
    random = np.random.default_rng(1)
    # where readers drag a slider: among the scores, somewhere else each time
    shares = random.uniform(0.05, 0.95, (repeats + 1, 1))
    cuts = np.stack([np.quantile(scores, share[0], axis=0) for share in shares])

    def ours(cut: np.ndarray) -> Counts:
        counts = index.counts(cut)
        counts.measures()
        return counts

    def matrices(cut: np.ndarray) -> np.ndarray:
        return sk.multilabel_confusion_matrix(truth, scores >= cut)

    def theirs(cut: np.ndarray) -> np.ndarray:
        called = scores >= cut
        for known, calls in zip(truth.T, called.T, strict=True):
            sk.recall_score(known, calls, zero_division=np.nan)
            sk.recall_score(known, calls, pos_label=0, zero_division=np.nan)
            sk.precision_score(known, calls, zero_division=np.nan)
            sk.precision_score(known, calls, pos_label=0, zero_division=np.nan)
            sk.accuracy_score(known, calls)
            sk.f1_score(known, calls, zero_division=np.nan)
            sk.balanced_accuracy_score(known, calls, adjusted=True)
            sk.cohen_kappa_score(known, calls)
            sk.class_likelihood_ratios(known, calls)
        return sk.multilabel_confusion_matrix(truth, called)

    for cut in cuts[:2]:
        counts, expected = ours(cut), theirs(cut)
        if not (
            np.array_equal(counts.tp, expected[:, 1, 1])
            and np.array_equal(counts.fp, expected[:, 0, 1])
            and np.array_equal(counts.fn, expected[:, 1, 0])
        ):
            raise SystemExit("Our counts differ from scikit-learn's.")
    found = {}
    for name, function in (("ours", ours), ("theirs", theirs), ("matrices", matrices)):
        times = [_milliseconds(function, cut) for cut in cuts]
        found[name] = statistics.median(times[1:])
    return found


def replicates(predictions: Predictions, ours: int, theirs: int) -> dict[str, float]:
    """Seconds for 1,000 replicates of all AUCs: ours, scikit-learn's (from fewer), largest gap."""
    blocks = list(resamples(predictions.groups, theirs))
    began = time.perf_counter()
    rankings = [
        Ranking(truth, scores)
        for truth, scores in zip(predictions.truth.T, predictions.scores.T, strict=True)
    ]
    found = [
        [ranking.auc(block) for ranking in rankings]
        for block in resamples(predictions.groups, ours)
    ]
    own = (time.perf_counter() - began) * REPLICATES / ours
    began = time.perf_counter()
    expected = []
    for weights in blocks[0][:theirs]:
        drawn = np.repeat(np.arange(predictions.films), weights.astype(int))
        truth, scores = predictions.truth[drawn], predictions.scores[drawn]
        expected.append([_auc(one, two) for one, two in zip(truth.T, scores.T, strict=True)])
    other = (time.perf_counter() - began) * REPLICATES / theirs
    gap = np.nanmax(np.abs(np.array(found[0])[:, :theirs].T - np.array(expected)))
    if gap > 1e-12:
        raise SystemExit(f"Our AUCs differ from scikit-learn's by {gap}.")
    return {"ours": own, "theirs": other, "gap": float(gap)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=UndefinedMetricWarning)
    words, predictions = table()
    move = moves(predictions, 3 if options.quick else 15)
    bootstrap = replicates(
        predictions, 100 if options.quick else REPLICATES, 2 if options.quick else 20
    )
    rows: list[dict[str, object]] = [
        {"name": "table", "words": words},
        {"name": "threshold_move_ms", "milliseconds": move["ours"]},
        {"name": "sklearn_threshold_ms", "milliseconds": move["theirs"]},
        {"name": "sklearn_over_ours_threshold", "ratio": move["theirs"] / move["ours"]},
        {"name": "sklearn_matrices_over_ours_threshold", "ratio": move["matrices"] / move["ours"]},
        {"name": "bootstrap_1000_ms", "milliseconds": bootstrap["ours"] * 1000},
        {"name": "sklearn_over_ours_bootstrap", "ratio": bootstrap["theirs"] / bootstrap["ours"]},
        {"name": "bootstrap_largest_gap", "difference": bootstrap["gap"]},
    ]
    for row in rows:
        print(json.dumps(row) if options.json else _words(row))


def _milliseconds(function: Callable[[np.ndarray], object], cut: np.ndarray) -> float:
    began = time.perf_counter()
    function(cut)
    return (time.perf_counter() - began) * 1000


def _auc(truth: np.ndarray, scores: np.ndarray) -> float:
    return float(sk.roc_auc_score(truth, scores)) if 0 < truth.mean() < 1 else float("nan")


def _words(row: dict[str, object]) -> str:
    if "words" in row:
        return f"on {row['words']}"
    if "difference" in row:
        return f"{row['name']!s:<46}{row['difference']:10.1e}"
    value = row.get("ratio", row.get("milliseconds"))
    unit = "x" if "ratio" in row else "ms"
    return f"{row['name']!s:<46}{value:10.2f} {unit}"


if __name__ == "__main__":
    main()
