"""Text on doubt: what a model cannot tell, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xray_models.pipeline import Finding

__all__ = ["BOTH_SIDES", "TOO_FEW", "lines"]

BOTH_SIDES = "Cannot tell: films like this one fall on both sides."
TOO_FEW = "Cannot tell: too few films with it were ever measured."


def lines(finding: Finding) -> tuple[str, ...]:
    """Sentence on a finding that the model cannot tell; none where its answer is clear."""
    if not finding.unsure or finding.band is None:
        return ()
    return (TOO_FEW if finding.band.everything else BOTH_SIDES,)
