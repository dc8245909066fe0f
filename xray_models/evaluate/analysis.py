"""Everything that is computed of one table of films, made when first asked for and then kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from xray_models.evaluate import label_measures, subgroups, summary
from xray_models.evaluate.label_measures import Detail
from xray_models.evaluate.metrics import curves
from xray_models.evaluate.metrics.bootstrap import REPLICATES
from xray_models.evaluate.metrics.calibration import Reliability, reliability
from xray_models.evaluate.metrics.curves import Band, Curve
from xray_models.evaluate.metrics.decision_curve import DecisionCurve, decision_curve
from xray_models.evaluate.metrics.histogram import Distribution, distribution
from xray_models.evaluate.metrics.thresholds import Choice, ThresholdIndex, youden
from xray_models.evaluate.predictions.predictions import LabelPredictions, Predictions
from xray_models.evaluate.subgroups import Subgroup
from xray_models.evaluate.summary import LabelRow
from xray_models.evaluate.threshold_intervals import ThresholdIntervals

__all__ = ["FEWER_REPLICATES", "LARGE", "LabelAnalysis", "T"]

LARGE = 5_000
"""With more films than this, tables of many intervals are made of fewer replicates."""
FEWER_REPLICATES = 200

T = TypeVar("T")


class LabelAnalysis:
    """One model on its films: curves, bands, intervals, ready for a threshold that moves."""

    def __init__(self, predictions: Predictions) -> None:
        """Nothing is computed yet."""
        self.predictions = predictions
        self._kept: dict[tuple[str, ...], Any] = {}

    @cached_property
    def index(self) -> ThresholdIndex:
        """Counts at any threshold."""
        return ThresholdIndex(
            self.predictions.labels, self.predictions.truth, self.predictions.scores
        )

    def of(self, label: str) -> LabelPredictions:
        """The films of known truth of one label."""
        return self._once(("of", label), lambda: self.predictions.of(label))

    def roc(self, label: str) -> Curve:
        """The ROC curve of one label."""
        return self._once(("roc", label), lambda: curves.roc(self.of(label)))

    def roc_band(self, label: str) -> Band:
        """The ROC curve's 95 % band."""
        return self._once(
            ("roc band", label),
            lambda: curves.roc_band(self.of(label), self.replicates),
        )

    def precision_recall(self, label: str) -> Curve:
        """The precision-recall curve of one label."""
        return self._once(("pr", label), lambda: curves.precision_recall(self.of(label)))

    def precision_recall_band(self, label: str) -> Band:
        """The precision-recall curve's 95 % band."""
        return self._once(
            ("pr band", label),
            lambda: curves.precision_recall_band(self.of(label), self.replicates),
        )

    def resampled(self, label: str) -> ThresholdIntervals:
        """Intervals of calls at any threshold."""
        return self._once(("resampled", label), lambda: ThresholdIntervals(self.of(label)))

    def details(self, label: str) -> dict[str, Detail]:
        """Measures of the scores of one label, those that need no threshold."""
        return self._once(
            ("details", label),
            lambda: label_measures.details(self.predictions, label, replicates=self.replicates),
        )

    def reliability(self, label: str) -> Reliability:
        """The calibration curve; where all scores are low, in bins of equally many films."""
        one = self.of(label)
        low = self.scale(label) < 1
        return self._once(
            ("reliability", label), lambda: reliability(one.truth, one.scores, quantiles=low)
        )

    def decision(self, label: str) -> DecisionCurve:
        """The decision curve."""
        one = self.of(label)
        return self._once(("decision", label), lambda: decision_curve(one.truth, one.scores))

    def distribution(self, label: str, top: float) -> Distribution:
        """Histograms of the scores by truth, from 0 to `top` (see `scale`)."""
        one = self.of(label)

        def made() -> Distribution:
            found = distribution(one.truth, one.scores / top)
            return Distribution(found.edges * top, found.positive, found.negative)

        return self._once(("distribution", label, str(top)), made)

    @cached_property
    def summary(self) -> list[LabelRow]:
        """All labels in one table."""
        return summary.summary(self.predictions, self.replicates)

    def subgroups(self, label: str, column: str) -> list[Subgroup]:
        """The AUC in each subgroup of a column."""
        return self._once(
            ("subgroups", label, column),
            lambda: subgroups.by(self.predictions, label, column, self.replicates),
        )

    def scale(self, label: str) -> float:
        """The upper end of a slider for this label: scores of rare findings crowd near 0."""
        most = float(self.of(label).scores.max(initial=0.0))
        return next(top for top in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if most < top or top == 1)

    def start(self, label: str) -> Choice:
        """The threshold to begin with: the model's operating point, else the best on these films.

        Where neither exists it is one half.
        """
        if (own := self.predictions.thresholds.get(label)) is not None:
            return Choice(own, "The model's operating point.")
        found = youden(self.index, label)
        if found.threshold is None:
            return Choice(0.5, "")
        return found

    @property
    def replicates(self) -> int:
        """How many resamples the tables and bands are made of."""
        return REPLICATES if self.predictions.films <= LARGE else FEWER_REPLICATES

    def _once(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found
