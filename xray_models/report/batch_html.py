"""A report of a run as one HTML file: figures inside as SVG, nothing to fetch, ready to print.

It holds the names of files as the user gave them, and nothing else of any film.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterable, Sequence
from html import escape

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from xray_models import catalogue
from xray_models.batch.summary import BINS, FindingCounts, Tally
from xray_models.evaluate.metrics.curves import precision_recall, roc
from xray_models.evaluate.predictions.predictions import Predictions
from xray_models.evaluate.summary import performance, share, with_interval

__all__ = ["report"]

_INK, _BELOW, _ABOVE = "#14212c", "#8aa0b2", "#d97706"
_ACROSS = 3  # small figures beside each other
_SIDE = 2.4  # inches of a small figure
_FONT = "'Helvetica Neue', Helvetica, Arial, sans-serif"

_STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font: 15px/1.5 {_FONT}; color: {_INK}; background: #fff; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.7rem; margin: 0 0 .5rem; }}
h2 {{ font-size: 1.25rem; margin: 2.2rem 0 .5rem; padding-top: 1rem;
  border-top: 1px solid #d3dbe2; }}
h3 {{ font-size: 1.05rem; margin: 1.4rem 0 .4rem; }}
.notice {{ border-left: 3px solid {_ABOVE}; padding-left: .6rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ text-align: right; padding: .3rem .5rem; border-bottom: 1px solid #d3dbe2; }}
th {{ vertical-align: bottom; }}
th:first-child, td:first-child, .words td, .words th {{ text-align: left; }}
td {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
td:first-child {{ white-space: normal; }}
.words td {{ white-space: normal; overflow-wrap: anywhere; }}
figure {{ margin: 1rem 0; }}
figure svg {{ max-width: 100%; height: auto; }}
figcaption, .small {{ font-size: .87rem; color: #45566a; }}
@media print {{
  body {{ margin: 0; max-width: none; font-size: 10.5pt; }}
  h2, h3 {{ break-after: avoid; }}
  figure, tr {{ break-inside: avoid; }}
  thead {{ display: table-header-group; }}
  .wide {{ overflow: visible; }}
  table {{ font-size: .75rem; }}
  td {{ white-space: normal; }}
}}
"""


def report(
    counted: Tally, predictions: Sequence[Predictions] = (), notes: Sequence[str] = ()
) -> str:
    """The report.

    Args:
        counted: what came of the run.
        predictions: the models on films of known truth, if there are any.
        notes: sentences on the truth.
    """
    body = [
        "<h1>RadLens: scoring report</h1>",
        '<p class="notice">For teaching and research, not for diagnosis.</p>',
        _files(counted),
    ]
    if predictions or notes:
        body += ["<h2>Compared with the truth</h2>", *(_paragraph(note) for note in notes)]
    body += [_performance(one) for one in predictions]
    models = list(dict.fromkeys(model for model, _ in counted.findings))
    body += [_model(model, counted) for model in models]
    if counted.failed:
        body.append(_failures(counted))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>RadLens: scoring report</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{chr(10).join(body)}\n</body></html>\n"
    )


def _files(counted: Tally) -> str:
    read = counted.files - counted.failed
    rows = [
        (part or "not recognized", f"{films:,}", share(films / read))
        for part, films in counted.parts.most_common()
    ]
    return (
        f"<h2>Files</h2><p>{counted.files:,} files; {read:,} were read, {counted.failed:,} could "
        "not be.</p>" + (_table(("Body part", "Films", "Share"), rows) if rows else "")
    )


def _model(model: str, counted: Tally) -> str:
    found = {label: one for (by, label), one in counted.findings.items() if by == model}
    rows = [
        (
            label,
            f"{one.films:,}",
            f"{one.threshold:.3f}",
            f"{one.positive:,}",
            share(one.positive / one.films),
        )
        for label, one in found.items()
    ]
    head = ("Finding", "Films read", "Threshold", "Called positive", "Share")
    card = catalogue.catalogue().get(model)
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in card.limits) if card else ""
    spoken = "; ".join(f"{label}: {one.positive} of {one.films}" for label, one in found.items())
    return (
        f"<h2>{escape(card.name if card else model)}</h2>{_table(head, rows)}"
        + _figure(
            _histograms(found),
            f"Films by probability. Called positive: {spoken}.",
            "Films by probability, on a logarithmic scale; at and above the threshold (line) a "
            "film is called positive.",
        )
        + (f"<h3>What this model can't do</h3><ul>{limits}</ul>" if limits else "")
    )


def _performance(predictions: Predictions) -> str:
    every = performance(predictions)
    rows = [
        (
            one.label,
            f"{one.films:,}",
            f"{one.positives:,}",
            with_interval(one.auc),
            with_interval(one.average_precision),
            f"{one.threshold:.3f}",
            share(one.counts.sensitivity),
            share(one.counts.specificity),
            share(one.counts.ppv),
            share(one.counts.npv),
            f"{one.counts.tp} / {one.counts.fp} / {one.counts.fn} / {one.counts.tn}",
        )
        for one in every
    ]
    head = (
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
    curves = [label for label in predictions.labels if not predictions.of(label).problem]
    spoken = "; ".join(f"{one.label}: AUC {with_interval(one.auc)}" for one in every)
    figure = (
        _figure(
            _curves(predictions, curves),
            f"ROC and precision-recall curves. {spoken}.",
            "ROC (left) and precision-recall curve (right) of each finding; AP is average "
            "precision, the dot is the card's threshold, the dashed line is no skill.",
        )
        if curves
        else ""
    )
    said = [*predictions.notes, *(one.note for one in every if one.note)]
    return (
        f"<h3>{escape(predictions.name)}</h3>{_table(head, rows)}"
        f"{''.join(_paragraph(note) for note in said)}{figure}"
    )


def _failures(counted: Tally) -> str:
    rows = list(counted.failures)
    more = counted.failed - len(rows)
    rest = _paragraph(f"{more:,} more are in the table of results.") if more else ""
    return (
        "<h2>Files that could not be read</h2>"
        + _table(("File", "Why"), rows, kind=' class="words"')
        + rest
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="wide"><table{kind}><thead><tr>{top}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _paragraph(sentence: str) -> str:
    return f'<p class="small">{escape(sentence)}</p>'


def _figure(figure: Figure, alt: str, caption: str) -> str:
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
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


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


def _histograms(found: dict[str, FindingCounts]) -> Figure:
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


def _curves(predictions: Predictions, labels: Sequence[str]) -> Figure:
    figure, axes = _grid(2 * len(labels), 2 if len(labels) == 1 else 4)
    for k, label in enumerate(labels):
        one, cut = predictions.of(label), predictions.thresholds[label]
        called = one.scores >= cut
        found, false = int((called & one.truth).sum()), int((called & ~one.truth).sum())
        recall, precision = found / one.positives, found / max(1, found + false)
        points = (false / one.negatives, recall), (recall, precision)
        both = (roc(one).thinned(), precision_recall(one).thinned())
        pair = axes[2 * k : 2 * k + 2]
        for axis, name, curve, dot in zip(pair, ("AUC", "AP"), both, points, strict=True):
            axis.plot(curve.x, curve.y, color="#0a6580", linewidth=1.6)
            skill = (0, 1) if np.isnan(curve.no_skill) else (curve.no_skill,) * 2
            axis.plot((0, 1), skill, color=_BELOW, linewidth=1, linestyle="--")
            if found or false:
                axis.plot(*dot, "o", color=_ABOVE, markersize=5)
            axis.set_xlim(-0.01, 1.01)
            axis.set_ylim(-0.01, 1.02)
            axis.set_title(f"{label}: {name} {curve.area:.3f}", fontsize=9, color=_INK)
        axes[2 * k].set_xlabel("1 − specificity", fontsize=8)
        axes[2 * k].set_ylabel("sensitivity", fontsize=8)
        axes[2 * k + 1].set_xlabel("sensitivity (recall)", fontsize=8)
        axes[2 * k + 1].set_ylabel("PPV (precision)", fontsize=8)
    return figure
