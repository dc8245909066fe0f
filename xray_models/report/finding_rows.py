"""Rows of the findings panel: what each says, and where it leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.report import doubt_text
from xray_models.report.finding_order import strongest_first
from xray_models.viz.viewer_data import FindingRow

if TYPE_CHECKING:
    from xray_models.pipeline import Finding, Reading

__all__ = ["LINK_WORDS", "finding_id", "performance_link", "rows"]

LINK_WORDS = "This film among the held-out films"


def rows(reading: Reading, worth: Callable[[Finding], tuple[str, ...]]) -> tuple[FindingRow, ...]:
    """Rows of the models that fit the film, in the order of `strongest_first`.

    Args:
        reading: of the film.
        worth: of a finding, the sentences on what its call is worth; see `worth_text.worth`.
    """
    aside = reading.set_aside
    shown = [one for one in strongest_first(reading.findings) if one.model not in aside]
    return tuple(_row(one, worth(one)) for one in shown)


def _row(finding: Finding, lines: tuple[str, ...]) -> FindingRow:
    card = catalogue.get(finding.model)
    return FindingRow(
        id=finding_id(finding),
        model=finding.model,
        label=finding.label,
        name=display_name(finding.label),
        probability=finding.probability,
        threshold=finding.threshold,
        called=finding.positive,
        unsure=finding.unsure,
        group=card.name,
        lines=(*doubt_text.lines(finding), *lines),
        link=f"performance?{urlencode(performance_link(finding))}" if card.measured else "",
        link_words=LINK_WORDS if card.measured else "",
    )


def finding_id(finding: Finding) -> str:
    """Id of a finding, and of its map."""
    return f"{finding.model}:{finding.label}"


def performance_link(finding: Finding) -> dict[str, str]:
    """Query that opens Performance at a finding: the model, label, threshold, and this film.

    Of the film nothing goes into the link but its probability.
    """
    return {
        "model": finding.model,
        "label": finding.label,
        "threshold": f"{finding.threshold:.6g}",
        "film": f"{finding.probability:.6g}",
    }
