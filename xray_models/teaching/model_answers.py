"""Answer of a model to a question of a set, and the wrong answer that may be shown in its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xray_models.pipeline import Finding, Reading
    from xray_models.teaching.sets import Question

__all__ = ["ModelAnswer", "answer_of", "on_common_scale", "shown_wrong"]


@dataclass(frozen=True)
class ModelAnswer:
    """Answer of a model.

    Attributes:
        model: id of the model.
        label: the finding that answers.
        probability: 0..1.
        threshold: 0..1; the answer is yes from there on.
        wrong: whether it is not the model's own answer, but a wrong one made on purpose.
    """

    model: str
    label: str
    probability: float
    threshold: float
    wrong: bool = False

    @property
    def yes(self) -> bool:
        """Whether the model says yes."""
        return self.probability >= self.threshold

    @property
    def score(self) -> float:
        """Probability on a scale on which every model's threshold is 0.5; see `on_common_scale`."""
        return on_common_scale(self.probability, self.threshold)


def on_common_scale(probability: float, threshold: float) -> float:
    """Probability stretched so that its threshold lies at 0.5, in 0..1.

    Models have thresholds of their own. So stretched, answers of several can be ranked together.

    Args:
        probability: 0..1.
        threshold: 0..1.
    """
    if probability >= threshold:
        return 0.5 + 0.5 * (probability - threshold) / max(1 - threshold, 1e-9)
    return 0.5 * probability / max(threshold, 1e-9)


def answer_of(reading: Reading, question: Question) -> ModelAnswer | None:
    """Answer of the models that read a film; None where none of them knows the question.

    Of several findings that answer it, the one farthest above its threshold speaks. Models that
    were made for other patients are left out.

    Args:
        reading: of the film.
        question: of the set.
    """
    aside = reading.set_aside
    found = _named(
        (one for one in reading.findings if one.model not in aside), set(question.labels)
    )
    return max(found, key=lambda one: one.score, default=None)


def shown_wrong(answer: ModelAnswer, truth: bool) -> ModelAnswer:
    """Answer that is wrong for certain: the model's own if it errs, else mirrored at the threshold.

    Args:
        answer: of the model.
        truth: the true answer.
    """
    if answer.yes != truth:
        return replace(answer, wrong=True)
    score = 1 - answer.score
    low = answer.threshold
    if truth:  # strictly below the threshold: the model must say no
        probability = min(2 * score * low, low * (1 - 1e-6))
    else:
        probability = max(low + (2 * score - 1) * (1 - low), low)
    return replace(answer, probability=probability, wrong=True)


def _named(findings: Iterable[Finding], labels: set[str]) -> list[ModelAnswer]:
    return [
        ModelAnswer(one.model, one.label, one.probability, one.threshold)
        for one in findings
        if one.label in labels
    ]
