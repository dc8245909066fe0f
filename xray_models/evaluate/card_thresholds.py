"""Thresholds of a card, chosen on validation films: one chosen on test films would flatter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from xray_models import NONE_OF_THESE, PARTS
from xray_models.catalogue import add_combined
from xray_models.evaluate.metrics import thresholds
from xray_models.evaluate.metrics.thresholds import Choice, ThresholdIndex
from xray_models.evaluate.predictions.held_out_table import probabilities, truths

__all__ = ["NORMAL", "Rule", "choose", "refusal", "sensitive", "specific"]

Rule = Callable[[ThresholdIndex, str], Choice]
"""Sorted scores and one of their labels -> a threshold; see `metrics.thresholds`."""

NORMAL = "normal"
"""The label of a model with several that means no finding."""

# thresholds are stored with four decimals, strictly between 0 and 1
_STEP = 1e-4


def choose(
    validation: pd.DataFrame,
    labels: Sequence[str],
    combined: Mapping[str, Sequence[str]],
    task: str,
    rule: Rule | None = None,
    multi_label: bool = False,
) -> dict[str, float]:
    """Choose the thresholds of a card, from its validation films or out-of-fold predictions.

    A body-part model gets one for "none of these": the highest that still refuses 98 % of the
    films that show none of the parts. Others get one by `rule` for each combined finding and each
    label but "normal", which is the absence of findings. A multi-label model gets none for a label
    that too few films speak of: the label is then no finding.

    Args:
        validation: held-out table, validation films only, or all films of an out-of-fold table.
        labels: the model's labels.
        combined: finding -> labels whose probabilities add up to it.
        task: "body-part", "bone" or "chest".
        rule: `thresholds.youden` by default: unlike the most accurate threshold, Youden's does not
            depend on how many of the validation films are positive. A multi-label model's is
            `specific`.
        multi_label: whether a film may have several of the labels, or none.

    Returns:
        Finding -> threshold, four decimals, between 0 and 1.

    Raises:
        ValueError: a class has no validation film.
    """
    rule = rule or (specific if multi_label else thresholds.youden)
    truth = validation["truth"].to_numpy()
    values = probabilities(validation, labels)
    if task == "body-part":
        cut = refusal(values[:, list(labels).index(NONE_OF_THESE)], np.isin(truth, PARTS))
        # downwards, so that no film that was to be refused is let in by rounding
        return {NONE_OF_THESE: _storable(math.floor(cut / _STEP) * _STEP)}
    if multi_label:
        known = truths(validation, labels)
        return {
            label: _chosen(rule, column[films] == 1, values[films, k])
            for k, (label, column) in enumerate(zip(labels, known.T, strict=True))
            if len(np.unique(column[films := ~np.isnan(column)])) == 2
        }
    if len(labels) == 1:
        return {labels[0]: _chosen(rule, truth == labels[0], values[:, 0])}
    scores = add_combined(dict(zip(labels, values.T, strict=True)), combined)
    findings = (*combined, *(label for label in labels if label != NORMAL))
    return {
        finding: _chosen(rule, np.isin(truth, combined.get(finding, (finding,))), scores[finding])
        for finding in findings
    }


def specific(index: ThresholdIndex, label: str) -> Choice:
    """Lowest threshold that spares nine in ten of the films without the finding.

    For models with many findings: a film is asked about each of them, and Youden's threshold, which
    may well call half of the films without a finding, would call several on every normal film.
    """
    return thresholds.at_specificity(index, label, 0.9)


def sensitive(index: ThresholdIndex, label: str) -> Choice:
    """Highest threshold that finds nine in ten of the films with the finding.

    For models whose validation films are easier than the films they will meet: where the two
    classes hardly overlap, Youden's threshold may lie next to the normal ones, and normal films
    from elsewhere, of which the model is less sure, fall on the wrong side of it.
    """
    return thresholds.at_sensitivity(index, label, 0.9)


def refusal(none: np.ndarray, supported: np.ndarray, refused: float = 0.98) -> float:
    """Highest threshold of "none of these" that still refuses enough of the other films.

    Args:
        none: probability of "none of these", shape (films,).
        supported: whether a film shows one of the parts, bool of shape (films,).
        refused: share of the others to refuse, in 0..1.

    Returns:
        A probability; a film is refused from there on.

    Raises:
        ValueError: there are no others, or they cannot be told apart from nothing.
    """
    others = np.sort(np.asarray(none)[~np.asarray(supported)])[::-1]
    needed = math.ceil(refused * len(others) - 1e-9)
    if needed < 1:
        raise ValueError("A threshold of refusal needs films that show none of the parts.")
    return float(others[needed - 1])


def _chosen(rule: Rule, truth: np.ndarray, scores: np.ndarray) -> float:
    if truth.all() or not truth.any():
        raise ValueError("A threshold needs positive and negative films; here is only one class.")
    index = ThresholdIndex(("finding",), truth[:, None].astype(np.float64), scores[:, None])
    found = rule(index, "finding").threshold
    assert found is not None, "there are films of both classes"
    # nobody needs a threshold that calls no film: the highest that calls one is the best there is
    return _storable(min(found, float(index.cuts("finding")[-2])))


def _storable(threshold: float) -> float:
    return round(min(max(threshold, _STEP), 1 - _STEP), 4)
