"""Order of findings: model by model, and of each model the strongest first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from xray_models import catalogue

if TYPE_CHECKING:
    from xray_models.pipeline import Finding

__all__ = ["ORDER", "strongest_first"]

ORDER = "Strongest against its own threshold first."
"""What the order is, for people."""

_UNKNOWN_SKILL = 0.5  # of imported weights without held-out films


def strongest_first(findings: Iterable[Finding], set_aside: Iterable[str] = ()) -> list[Finding]:
    """Findings in the order in which they are shown.

    Of one model by their odds in odds at the threshold, so those that reach it come first. That
    makes findings of different rarity comparable; a ratio of probabilities would not, for it can't
    rise above 1 over the threshold and so favors rare findings. A kind of a finding, such as viral
    pneumonia, counts no more than the finding as a whole.

    Models stand by the strongest that they claim, which counts as much as they rank films: one that
    ranks them no better than chance comes last. Those that are set aside come after all others.

    Args:
        findings: of any models.
        set_aside: ids of models whose answers must not come first.
    """
    findings, aside = list(findings), set(set_aside)
    over = {(one.model, one.label): _over(one) for one in findings}

    def capped(finding: Finding) -> float:
        wholes = [
            over[finding.model, whole]
            for whole, kinds in catalogue.get(finding.model).combined.items()
            if finding.label in kinds and (finding.model, whole) in over
        ]
        return min(over[finding.model, finding.label], *wholes, math.inf)

    def claim(finding: Finding) -> float:
        strength, skill = capped(finding), _skill(finding)
        return strength * skill if strength >= 0 else strength / skill

    claims: dict[str, float] = {}
    for one in findings:
        claims[one.model] = max(claims.get(one.model, -math.inf), claim(one))
    models = sorted(claims, key=lambda model: (model in aside, -claims[model]))
    place = {model: number for number, model in enumerate(models)}
    return sorted(findings, key=lambda one: (place[one.model], -capped(one)))


def _over(finding: Finding) -> float:
    """Log-odds of the probability over log-odds of the threshold."""
    return _log_odds(finding.probability) - _log_odds(finding.threshold)


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))


def _skill(finding: Finding) -> float:
    """How well the model ranks films by this label: 2 AUC - 1 (Gini), at least 0.05."""
    figures = catalogue.get(finding.model).held_out.figures
    names = ("AUC", f"AUC, {finding.label}")
    for name, figure in figures.items():
        if name in names or name.startswith(f"AUC, {finding.label} vs "):
            return max(2 * figure.value - 1, 0.05)
    return _UNKNOWN_SKILL
