"""Numbers as text: rounding, what is not defined, and intervals."""

from __future__ import annotations

import numpy as np
import pytest

from xray_models import number_text
from xray_models.evaluate.metrics.bootstrap import Estimate

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number_text.decimals(0.91249), "0.912"),
        (number_text.decimals(np.array(0.5), 1), "0.5"),
        (number_text.decimals(NAN), "–"),
        (number_text.spoken(0.25, 2), "0.25"),
        (number_text.spoken(NAN), "no value"),
        (number_text.any_size(99.94), "99.940"),
        (number_text.any_size(-137.6), "-138"),
        (number_text.any_size(NAN), "–"),
        (number_text.percent(0.914), "91 %"),
        (number_text.percent(0.914, 1, sign=""), "91.4"),
        (number_text.percent(NAN), "–"),
        (number_text.in_percent(0.004), "less than 1 %"),
        (number_text.in_percent(0.0), "0 %"),
        (number_text.p_value(0.0004), "< 0.001"),
        (number_text.p_value(0.0312), "0.031"),
        (number_text.p_value(NAN), "no value"),
    ],
)
def test_a_number_is_rounded_or_said_not_to_be_defined(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize(
    ("one", "plain", "percent", "signed"),
    [
        (
            Estimate(0.812, 0.773, 0.847),
            "0.812 (0.773 to 0.847)",
            "81 % (77 to 85)",
            "+0.812 (+0.773 to +0.847)",
        ),
        (
            Estimate(1.0, 1.0, 1.0),
            "1.000 (no spread)",
            "100 % (no spread)",
            "+1.000 (+1.000 to +1.000)",
        ),
        (Estimate(0.5, NAN, NAN), "0.500", "50 %", "+0.500"),
        (Estimate(NAN, NAN, NAN), "–", "–", "no value"),
    ],
)
def test_an_interval_stands_behind_its_figure(
    one: Estimate, plain: str, percent: str, signed: str
) -> None:
    assert number_text.with_interval(one) == plain
    assert number_text.percent_with_interval(one) == percent
    assert number_text.signed_with_interval(one) == signed
