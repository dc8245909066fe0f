"""Questions to a model: for a finding, against it, for it over another."""

from dataclasses import replace

import numpy as np
import pytest

from xray_models import catalogue
from xray_models.catalogue import Calibration
from xray_models.explain.queries import Query, rivals

CARD = replace(
    catalogue.get("body-part"),
    labels=("normal", "bacterial", "viral"),
    combined={"pneumonia": ("bacterial", "viral")},
    calibration=Calibration(1.0, (0.0, 0.0, 0.0)),
    activation="softmax",
)
LOGITS = np.log([[0.5, 0.3, 0.2]])


@pytest.mark.parametrize(
    ("query", "weights", "probability", "words"),
    [
        (Query("viral"), (0, 0, 1), 0.2, "what speaks for viral"),
        (Query("viral", "against"), (0, 0, -1), 0.8, "what speaks against viral"),
        (
            Query("viral", "over", "bacterial"),
            (0, -1, 1),
            0.4,
            "what speaks for viral rather than bacterial",
        ),
        (Query("pneumonia"), (-1, 0.5, 0.5), 0.5, "what speaks for pneumonia"),
        (
            Query("pneumonia", "over", "normal"),
            (-1, 0.5, 0.5),
            0.5,
            "what speaks for pneumonia rather than normal",
        ),
        (
            Query("normal", "over", "pneumonia"),
            (1, -0.5, -0.5),
            0.5,
            "what speaks for normal rather than pneumonia",
        ),
    ],
)
def test_aims_worked_out_by_hand(query, weights, probability, words):
    assert query.target(CARD).weights == pytest.approx(weights)
    assert query.probability(CARD, LOGITS) == pytest.approx([probability])
    assert query.words == words


def test_a_label_stands_against_the_others_only():
    assert rivals(CARD, "viral") == ("normal", "bacterial")
    assert rivals(CARD, "pneumonia") == ("normal",)
    with pytest.raises(ValueError, match="cannot be set against viral"):
        Query("pneumonia", "over", "viral").target(CARD)
    with pytest.raises(ValueError, match="viral cannot be set against pneumonia, which it is a"):
        Query("viral", "over", "pneumonia").target(CARD)
    with pytest.raises(ValueError, match=r"viral cannot be set against itself.*normal, bacterial"):
        Query("viral", "over", "viral").target(CARD)
    with pytest.raises(ValueError, match="no label 'knee'"):
        Query("viral", "over", "knee").target(CARD)
    with pytest.raises(ValueError, match="no direction 'near'"):
        Query("viral", "near")
    with pytest.raises(ValueError, match="no label 'knee'"):
        Query("knee").target(CARD)
