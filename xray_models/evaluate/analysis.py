"""Analysis of a model on one table of films: each figure is computed when first asked for, once.

A threshold that moves asks again and again for the same curves, bands and draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from xray_models.evaluate import label_measures, label_table, subgroups
from xray_models.evaluate.label_measures import LabelMeasure
from xray_models.evaluate.label_table import LabelRow
from xray_models.evaluate.metrics import curves
from xray_models.evaluate.metrics.bootstrap import REPLICATES
from xray_models.evaluate.metrics.calibration import Reliability, reliability
from xray_models.evaluate.metrics.curves import Band, Curve
from xray_models.evaluate.metrics.decision_curve import DecisionCurve, decision_curve
from xray_models.evaluate.metrics.histogram import Distribution, distribution
from xray_models.evaluate.metrics.thresholds import Choice, ThresholdIndex, youden
from xray_models.evaluate.predictions.predictions import LabelPredictions, Predictions
from xray_models.evaluate.subgroups import Subgroup
from xray_models.evaluate.threshold_intervals import ThresholdIntervals

__all__ = ["FEWER_REPLICATES", "LARGE", "LabelAnalysis", "ModelAnalysis", "analyze"]

LARGE = 5_000
"""With more films than this, tables of many intervals are made of fewer replicates."""
FEWER_REPLICATES = 200

_SLIDER_ENDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, eq=False)
class LabelAnalysis:
    """Figures of one label of a model.

    Attributes:
        films: those whose truth is known for the label.
        predictions: all films and labels of the model.
        index: counts of every label at any threshold.
        replicates: how many resamples the bands and intervals are made of.
    """

    films: LabelPredictions
    predictions: Predictions
    index: ThresholdIndex
    replicates: int
    _by_column: dict[str, list[Subgroup]] = field(default_factory=dict, init=False, repr=False)

    @property
    def label(self) -> str:
        """Name of the label."""
        return self.films.label

    @cached_property
    def roc(self) -> Curve:
        """ROC curve."""
        return curves.roc(self.films.truth, self.films.scores)

    @cached_property
    def roc_band(self) -> Band:
        """95 % band of the ROC curve."""
        one = self.films
        return curves.roc_band(one.truth, one.scores, one.groups, self.replicates)

    @cached_property
    def precision_recall(self) -> Curve:
        """Precision-recall curve."""
        return curves.precision_recall(self.films.truth, self.films.scores)

    @cached_property
    def precision_recall_band(self) -> Band:
        """95 % band of the precision-recall curve."""
        one = self.films
        return curves.precision_recall_band(one.truth, one.scores, one.groups, self.replicates)

    @cached_property
    def threshold_intervals(self) -> ThresholdIntervals:
        """Intervals of the calls at any threshold."""
        return ThresholdIntervals(self.films)

    @cached_property
    def measures(self) -> dict[str, LabelMeasure]:
        """Measures of the scores by name: those that need no threshold."""
        return label_measures.measure(self.predictions, self.label, replicates=self.replicates)

    @cached_property
    def reliability(self) -> Reliability:
        """Calibration curve; where all scores are low, in bins of equally many films."""
        return reliability(self.films.truth, self.films.scores, quantiles=self.slider_end < 1)

    @cached_property
    def decision_curve(self) -> DecisionCurve:
        """Net benefit at each threshold."""
        return decision_curve(self.films.truth, self.films.scores)

    @cached_property
    def score_distribution(self) -> Distribution:
        """Histograms of the scores by truth, from 0 to `slider_end`."""
        found = distribution(self.films.truth, self.films.scores / self.slider_end)
        return Distribution(found.edges * self.slider_end, found.positive, found.negative)

    @cached_property
    def slider_end(self) -> float:
        """Upper end of a slider of thresholds: scores of rare findings crowd near 0."""
        most = float(self.films.scores.max(initial=0.0))
        return next(end for end in _SLIDER_ENDS if most < end or end == 1)

    @cached_property
    def start(self) -> Choice:
        """Threshold to begin with: the model's operating point, else the best on these films.

        Where neither exists it is one half.
        """
        if (own := self.predictions.thresholds.get(self.label)) is not None:
            return Choice(own, "The model's own threshold.")
        found = youden(self.index, self.label)
        return Choice(0.5, "") if found.threshold is None else found

    def subgroups(self, column: str) -> list[Subgroup]:
        """AUC in each subgroup of a column.

        Raises:
            ValueError: no such column.
        """
        if column not in self._by_column:
            self._by_column[column] = subgroups.by(
                self.predictions, self.label, column, self.replicates
            )
        return self._by_column[column]


@dataclass(frozen=True, eq=False)
class ModelAnalysis:
    """Analyses of all labels of a model on its films.

    Attributes:
        predictions: films, truth and scores.
        labels: name -> its analysis, in the order of the labels.
        index: counts of every label at any threshold.
        replicates: how many resamples the bands and tables are made of.
    """

    predictions: Predictions
    labels: Mapping[str, LabelAnalysis]
    index: ThresholdIndex
    replicates: int

    @cached_property
    def table(self) -> list[LabelRow]:
        """All labels in one table."""
        return label_table.label_table(self.predictions, self.replicates)


def analyze(predictions: Predictions) -> ModelAnalysis:
    """Prepare the analysis of a model; nothing is resampled yet.

    Args:
        predictions: films, truth and scores.

    Raises:
        ValueError: a score of a film of known truth is not a finite number.
    """
    index = ThresholdIndex(predictions.labels, predictions.truth, predictions.scores)
    replicates = REPLICATES if predictions.films <= LARGE else FEWER_REPLICATES
    labels = {
        label: LabelAnalysis(predictions.of(label), predictions, index, replicates)
        for label in predictions.labels
    }
    return ModelAnalysis(predictions, labels, index, replicates)
