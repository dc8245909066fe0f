"""Report of a batch as one HTML file: figures inside as SVG, nothing to fetch, ready to print.

It holds the names of files as the user gave them, and nothing else of any film. The page is in
`templates/`; everything that is put into it is escaped.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from xray_models import catalogue
from xray_models.batch.tally import BINS, MOST_FAILURES, FindingCounts, Tally
from xray_models.batch.verdict import HEAD, Verdict
from xray_models.evaluate.metrics.counts import Counts
from xray_models.evaluate.metrics.curves import precision_recall, roc
from xray_models.evaluate.performance import performance
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.number_text import decimals, percent, with_interval

__all__ = ["report"]

_INK, _BELOW, _ABOVE = "#14212c", "#8aa0b2", "#d97706"  # as in templates/batch.css
_ACROSS = 3  # small figures beside each other
_SIDE = 2.4  # inches of a small figure

_PERFORMANCE_HEAD = (
    "Finding",
    "Films",
    "With it",
    "AUC (95 % interval)",
    "Average precision",
    "Threshold",
    "Sensitivity",
    "Specificity",
    "PPV",
    "NPV",
    "TP / FP / FN / TN",
)

_TEMPLATES = Environment(
    loader=PackageLoader("xray_models.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    auto_reload=False,
)

_Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class _Drawn:
    svg: Markup
    caption: str


@dataclass(frozen=True)
class _Model:
    name: str
    rows: _Rows
    figure: _Drawn
    limits: Sequence[str]


@dataclass(frozen=True)
class _Performance:
    name: str
    rows: _Rows
    figure: _Drawn | None
    notes: Sequence[str]


def report(
    counted: Tally,
    predictions: Sequence[Predictions] = (),
    notes: Sequence[str] = (),
    over_all: Verdict | None = None,
) -> str:
    """Report as the content of an HTML file.

    Args:
        counted: what came of the run.
        predictions: the models on films of known truth, if there are any.
        notes: sentences on the truth.
        over_all: verdict over all films of known truth, those included that no model read.
    """
    read = counted.files - counted.failed
    parts = [
        (part or "not recognized", f"{films:,}", percent(films / read, 1))
        for part, films in counted.parts.most_common()
    ]
    models = dict.fromkeys(model for model, _ in counted.findings)
    return _TEMPLATES.get_template("batch.html.jinja").render(
        counted=counted,
        parts=parts,
        notes=notes,
        over_all=over_all,
        over_all_head=HEAD,
        most_unread=MOST_FAILURES,
        performances=[_performance(one) for one in predictions],
        performance_head=_PERFORMANCE_HEAD,
        models=[_model(model, counted) for model in models],
    )


def _model(model: str, counted: Tally) -> _Model:
    found = {label: one for (by, label), one in counted.findings.items() if by == model}
    rows: _Rows = [
        (
            label,
            f"{one.films:,}",
            decimals(one.threshold),
            f"{one.positive:,}" + (f" ({one.aside:,} set aside)" if one.aside else ""),
            percent(one.positive / one.judged, 1) if one.judged else "",
            f"{one.unsure:,}",
        )
        for label, one in found.items()
    ]
    card = catalogue.catalogue().get(model)
    spoken = "; ".join(f"{label}: {one.positive} of {one.judged}" for label, one in found.items())
    drawn = _drawn(
        _histograms(found),
        f"Films by probability. Called positive: {spoken}.",
        "Films by probability, on a logarithmic scale; at and above the threshold (line) a "
        "film is called positive.",
    )
    return _Model(card.name if card else model, rows, drawn, card.limits if card else ())


def _performance(predictions: Predictions) -> _Performance:
    every = performance(predictions)
    rows: _Rows = [
        (
            one.label,
            f"{one.films:,}",
            f"{one.positives:,}",
            one.auc_in_words,
            with_interval(one.average_precision),
            decimals(one.threshold),
            percent(one.counts.sensitivity, 1),
            percent(one.counts.specificity, 1),
            percent(one.counts.ppv, 1),
            percent(one.counts.npv, 1),
            f"{one.counts.tp} / {one.counts.fp} / {one.counts.fn} / {one.counts.tn}",
        )
        for one in every
    ]
    curves = {one.label: one.counts for one in every if not predictions.of(one.label).problem}
    spoken = "; ".join(f"{one.label}: AUC {one.auc_in_words}" for one in every)
    drawn = None
    if curves:
        drawn = _drawn(
            _curves(predictions, curves),
            f"ROC and precision-recall curves. {spoken}.",
            "ROC (left) and precision-recall curve (right) of each finding; AP is average "
            "precision, the dot is the card's threshold, the dashed line is no skill.",
        )
    notes = [*predictions.notes, *(one.note for one in every if one.note)]
    return _Performance(predictions.name, rows, drawn, notes)


def _drawn(figure: Figure, alt: str, caption: str) -> _Drawn:
    """A figure as SVG, which is matplotlib's and therefore not escaped."""
    file = io.StringIO()
    # text as text, so that it can be searched and read aloud; names without a random part
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()[file.getvalue().index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # ids are unique within a drawing only, and a report has several
    mark = f"f{zlib.crc32(alt.encode())}-"
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{mark}", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return _Drawn(Markup(svg), caption)  # noqa: S704 - matplotlib escapes the labels in it


def _grid(count: int, across: int) -> tuple[Figure, list[Axes]]:
    rows = -(-count // across)
    figure = Figure(figsize=(_SIDE * 1.25 * across, _SIDE * rows))
    figure.set_layout_engine("constrained", h_pad=0.1)
    axes = list(np.atleast_1d(figure.subplots(rows, across)).ravel())
    for one in axes:
        one.tick_params(labelsize=8, colors=_INK)
        for side in ("top", "right"):
            one.spines[side].set_visible(False)
    for one in axes[count:]:
        one.set_visible(False)
    return figure, axes[:count]


def _histograms(found: Mapping[str, FindingCounts]) -> Figure:
    figure, axes = _grid(len(found), min(_ACROSS, len(found)) if len(found) > 1 else 2)
    left = np.arange(BINS) / BINS
    for one, (label, finding) in zip(axes, found.items(), strict=True):
        colors = [_ABOVE if edge + 0.5 / BINS >= finding.threshold else _BELOW for edge in left]
        one.bar(left, finding.histogram, width=1 / BINS, align="edge", color=colors)
        one.axvline(finding.threshold, color=_INK, linewidth=1.2)
        one.set_yscale("symlog", linthresh=1)
        one.yaxis.set_major_formatter(ScalarFormatter())
        one.set_ylim(0, max(10, 1.3 * finding.histogram.max()))
        one.set_xlim(0, 1)
        one.set_title(label, fontsize=10, color=_INK)
        one.set_xlabel("probability", fontsize=8)
        one.set_ylabel("films", fontsize=8)
    return figure


def _curves(predictions: Predictions, at_threshold: Mapping[str, Counts]) -> Figure:
    figure, axes = _grid(2 * len(at_threshold), 2 if len(at_threshold) == 1 else 4)
    for k, (label, counts) in enumerate(at_threshold.items()):
        one = predictions.of(label)
        recall, precision = float(counts.sensitivity), float(np.nan_to_num(counts.ppv))
        points = (1 - float(counts.specificity), recall), (recall, precision)
        both = [curve(one.truth, one.scores).thinned() for curve in (roc, precision_recall)]
        pair = axes[2 * k : 2 * k + 2]
        for axis, name, curve, dot in zip(pair, ("AUC", "AP"), both, points, strict=True):
            axis.plot(curve.x, curve.y, color="#0a6580", linewidth=1.6)
            skill = (0, 1) if np.isnan(curve.no_skill) else (curve.no_skill,) * 2
            axis.plot((0, 1), skill, color=_BELOW, linewidth=1, linestyle="--")
            if counts.called:
                axis.plot(*dot, "o", color=_ABOVE, markersize=5)
            axis.set_xlim(-0.01, 1.01)
            axis.set_ylim(-0.01, 1.02)
            axis.set_title(f"{label}: {name} {decimals(curve.area)}", fontsize=9, color=_INK)
        axes[2 * k].set_xlabel("1 − specificity", fontsize=8)
        axes[2 * k].set_ylabel("sensitivity", fontsize=8)
        axes[2 * k + 1].set_xlabel("sensitivity (recall)", fontsize=8)
        axes[2 * k + 1].set_ylabel("PPV (precision)", fontsize=8)
    return figure
