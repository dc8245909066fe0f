"""Small accessible pieces of HTML that Streamlit has no element for: bars, intervals, a legend.

Their looks are in assets/style/radlens.css. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape


def facts(known: Mapping[str, str]) -> str:
    """What is known of something, as a list of names and values."""
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in known.items())
    return f'<dl class="rl-facts">{"".join(rows)}</dl>'


def percent(value: float) -> str:
    """A share in words: never "100 %" or "0 %" of something that is only nearly so."""
    if 0 < value < 0.001:
        return "< 0.1 %"
    if 0.999 < value < 1:
        return "> 99.9 %"
    return f"{value:.1%}".replace("%", " %")


def bar(label: str, probability: float, threshold: float | None = None) -> str:
    """A probability as a bar, with its operating threshold marked.

    Args:
        label: what is probable.
        probability: 0..1.
        threshold: 0..1, or None for a label that is no finding by itself.
    """
    over = threshold is not None and probability >= threshold
    mark = note = ""
    spoken = f"{label}: probability {percent(probability)}"
    if threshold is not None:
        side = "at or above" if over else "below"
        words = f"{side} the operating threshold of {percent(threshold)}"
        spoken += f", {words}"
        mark = f'<span class="rl-mark" style="left:{threshold:.2%}"></span>'
        note = f'<span class="rl-note">{words}</span>'
    return (
        f'<div class="rl-bar{" rl-over" if over else ""}">'
        f'<span class="rl-label">{escape(label)}</span>'
        f'<span class="rl-value">{escape(percent(probability))}</span>'
        f'<div class="rl-track" role="meter" aria-valuemin="0" aria-valuemax="1" '
        f'aria-valuenow="{probability:.3f}" aria-label="{escape(spoken)}">'
        f'<span class="rl-fill" style="width:{probability:.2%}"></span>{mark}</div>{note}</div>'
    )


def legend(colors: Iterable[str], threshold: float) -> str:
    """A color map from no heat to most, with the heat threshold marked.

    Args:
        colors: "#rrggbb", from no heat to most.
        threshold: 0..1.
    """
    stops = ", ".join(colors)
    return (
        f'<div class="rl-legend" role="img" aria-label="Colors from no heat to most heat; heat '
        f'below {threshold:.0%} is not shown">'
        f'<span>0 %</span><div class="rl-ramp" style="background:linear-gradient(90deg, {stops})">'
        f'<span class="rl-mark" style="left:{threshold:.2%}"></span></div><span>100 %</span>'
        f'<span class="rl-note">heat, relative to the hottest point</span></div>'
    )


def interval(name: str, value: float, low: float, high: float, start: float = 0.0) -> str:
    """A figure with its 95 % interval, as numbers and as a dot on a bar.

    Args:
        name: of the figure.
        value: at most 1.
        low: lower end of the interval, at least `start`.
        high: upper end, at most 1.
        start: where the scale begins, below 1; it ends at 1.
    """
    left, dot, right = ((at - start) / (1 - start) for at in (low, value, high))
    spoken = f"{name}: {value:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    return (
        f'<div class="rl-interval"><span class="rl-label">{escape(name)}</span>'
        f'<div class="rl-scale" role="img" aria-label="{escape(spoken)}">'
        f'<span class="rl-whisker" style="left:{left:.2%};width:{right - left:.2%}"></span>'
        f'<span class="rl-dot" style="left:{dot:.2%}"></span></div>'
        f'<span class="rl-value">{value:.3f} <small>{low:.3f}–{high:.3f}</small></span></div>'
    )
