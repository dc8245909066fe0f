"""Order of findings, the verdict, the rows of the panel, and what a call is worth."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from xray_models import NONE_OF_THESE, catalogue
from xray_models.catalogue import Band
from xray_models.evaluate.predictions.predictions import Predictions, from_card
from xray_models.pipeline import ChosenModel, Finding, Reading
from xray_models.radiograph import Radiograph
from xray_models.report import finding_rows, worth_text
from xray_models.report.doubt_text import BOTH_SIDES, TOO_FEW
from xray_models.report.finding_order import strongest_first
from xray_models.report.model_line import gravest, held_out
from xray_models.report.verdict_text import verdict

FILM = Radiograph(np.zeros((8, 8), np.float32), "drawn")
BAND = Band(0.3, 0.7)
ASIDE = "It was made for children, and this is an adult's film."


def reading(*findings, part="wrist", also=None, aside=()):
    models = dict.fromkeys(one.model for one in findings)
    return Reading(
        radiograph=FILM,
        part=part,
        part_probability=0.9,
        part_probabilities={"wrist": 0.9, "hand": 0.1},
        part_forced=False,
        chosen=tuple(
            ChosenModel(model, "seen", ASIDE if model in aside else "") for model in models
        ),
        findings=findings,
        warnings=(),
        also=also,
    )


def found(model, label, probability, threshold=0.5, band=None):
    return Finding(model, label, probability, threshold, band)


def in_doubt(model, label, band=BAND):
    return found(model, label, 0.6, band=band)


def test_findings_of_a_model_are_ordered_by_how_far_they_are_over_their_thresholds():
    sure, over, at, under = (
        found("chest-nodule", f"{probability}", probability, threshold)
        for probability, threshold in ((0.95, 0.5), (0.3, 0.1), (0.2, 0.2), (0, 0.1))
    )
    assert strongest_first([under, at, over, sure]) == [sure, over, at, under]


def test_findings_of_a_model_stay_together_and_the_better_model_comes_first():
    own = [found("chest-14", "Effusion", 0.9), found("chest-14", "Mass", 0.1)]
    other = found("chest-nodule", "nodule or mass", 0.6)
    assert strongest_first([own[1], other, own[0]]) == [*own, other]
    assert strongest_first([*own, other], set_aside=["chest-14"]) == [other, *own]


def test_what_a_weaker_model_claims_counts_for_less():
    def pair(strong, weak):
        return (
            found("chest-pneumonia", "pneumonia", strong),
            found("chest-nodule", "nodule or mass", weak),
        )

    for claims in (pair(0.88, 0.9), pair(0.45, 0.45)):
        assert strongest_first(reversed(claims)) == list(claims)
    unsure = pair(0.51, 0.99)
    assert strongest_first(unsure) == list(reversed(unsure))


def test_a_kind_of_pneumonia_does_not_come_before_pneumonia():
    whole = found("chest-pneumonia", "pneumonia", 0.8, 0.88)
    viral = found("chest-pneumonia", "viral pneumonia", 0.5, 0.15)
    assert strongest_first([whole, viral]) == [whole, viral]
    called = replace(whole, probability=0.95)
    surer = replace(viral, probability=0.16)
    assert strongest_first([surer, called]) == [called, surer]


@pytest.mark.parametrize(
    ("of_film", "line"),
    [
        (reading(found("bone-wrist", "fracture", 0.9)), "Fracture called, wrist model"),
        (reading(found("bone-wrist", "fracture", 0.1)), "No fracture called, wrist model"),
        (
            reading(in_doubt("bone-wrist", "fracture")),
            "Cannot tell: fracture or not, wrist model",
        ),
        (
            reading(found("bone-wrist", "fracture", 0.8, band=BAND)),
            "Fracture called, wrist model",
        ),
        (
            reading(found("bone-hand", "fracture", 0.1), found("bone-wrist", "fracture", 0.9)),
            "Fracture called by the wrist model, not by the hand model",
        ),
        (
            reading(found("bone-hand", "fracture", 0.1), found("bone-wrist", "fracture", 0.2)),
            "No fracture called, hand model and wrist model",
        ),
        (
            reading(found("chest-14", "Effusion", 0.9), found("chest-14", "Mass", 0.6)),
            "Effusion and mass called, model Fourteen chest findings",
        ),
        (
            reading(in_doubt("chest-14", "Effusion"), in_doubt("chest-14", "Mass")),
            "Not clear: effusion and mass possible, model Fourteen chest findings",
        ),
        (
            reading(in_doubt("chest-14", "Effusion"), found("chest-14", "Mass", 0.9, band=BAND)),
            "Mass called, model Fourteen chest findings",
        ),
        (
            reading(found("chest-14", "Mass", 0.9), in_doubt("chest-nodule", "nodule or mass")),
            "Mass called, model Fourteen chest findings",
        ),
        (
            reading(found("chest-14", "Mass", 0.2), found("chest-nodule", "nodule or mass", 0.1)),
            "No finding called by 2 models",
        ),
        (
            reading(
                *(found("chest-14", one, 0.9) for one in ("Edema", "Mass", "Nodule", "Effusion")),
                found("chest-pneumonia", "pneumonia", 0.99),
                aside=["chest-pneumonia"],
            ),
            "Edema, mass and 2 more called, model Fourteen chest findings",
        ),
        (
            reading(found("chest-pneumonia", "pneumonia", 0.9), aside=["chest-pneumonia"]),
            "No model here was made for this patient",
        ),
        (
            replace(reading(part=None), part_probabilities={NONE_OF_THESE: 0.9, "hand": 0.1}),
            "No part that RadLens reads, so no model was asked",
        ),
        (reading(part=None), "Not sure what this shows, so no model was asked"),
        (reading(part="finger"), "No model reads the finger yet"),
    ],
)
def test_the_verdict_is_one_line(of_film, line):
    assert verdict(of_film) == line


def test_kinds_of_a_finding_are_not_named_beside_it():
    called = reading(
        found("chest-pneumonia", "pneumonia", 0.95, 0.88),
        found("chest-pneumonia", "viral pneumonia", 0.9, 0.15),
        part="chest",
    )
    assert verdict(called) == "Pneumonia called, model Pneumonia in children"


def test_rows_stand_in_order_without_models_set_aside_and_lead_to_performance():
    of_film = reading(
        found("chest-pneumonia", "pneumonia", 0.99, 0.88),
        found("chest-14", "Pleural_Thickening", 0.05, 0.1093),
        found("chest-14", "Mass", 0.2, 0.0938),
        aside=["chest-pneumonia"],
    )
    first, second = finding_rows.rows(of_film, lambda finding: (f"worth of {finding.label}",))
    assert (first.label, first.called, first.lines) == ("Mass", True, ("worth of Mass",))
    assert (second.name, second.called) == ("Pleural thickening", False)
    assert first.group == "Fourteen chest findings" and first.id == "chest-14:Mass"
    link = urlsplit(second.link)
    assert link.path == "performance"
    assert parse_qs(link.query) == {
        "model": ["chest-14"],
        "label": ["Pleural_Thickening"],
        "threshold": ["0.1093"],
        "film": ["0.05"],
    }


def table(positives, called_positives, negatives, called_negatives):
    films = positives + negatives
    scores = np.zeros(films)
    scores[:called_positives] = 0.5
    scores[positives : positives + called_negatives] = 0.9
    truth = np.r_[np.ones(positives), np.zeros(negatives)]
    names = np.arange(films).astype(str)
    return Predictions("drawn", ("Mass",), truth[:, None], scores[:, None], names, names)


def test_a_call_is_told_in_natural_frequencies():
    said = worth_text.worth(table(200, 142, 300, 27), "Mass", 0.5)
    assert said == (
        "Of 100 films with it this model calls 71; of 100 without it 9.",
        "Measured on 200 films with it and 300 without.",
    )


def test_few_films_and_missing_ones_are_told():
    assert worth_text.worth(table(19, 10, 300, 0), "Mass", 0.5)[1] == (
        "Measured on 19 films with it and 300 without. So few say little."
    )
    assert worth_text.worth(table(0, 0, 50, 5), "Mass", 0.5)[0] == (
        "Of 100 films without it this model calls 10."
    )
    assert worth_text.worth(table(50, 5, 0, 0), "Mass", 0.5)[0] == (
        "Of 100 films with it this model calls 10."
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0"), (0.001, "fewer than 1"), (0.714, "71"), (0.999, "more than 99"), (1.0, "100")],
)
def test_what_is_nearly_none_or_all_is_not_told_as_such(share, words):
    assert worth_text.of_hundred(share) == words


@pytest.mark.parametrize("model", ["bone-wrist", "chest-14", "chest-pneumonia"])
def test_frequencies_are_those_of_the_stored_table(model):
    card = catalogue.get(model)
    rows = pd.read_csv(catalogue.table_path(card), keep_default_na=False)
    if (rows["split"] == "test").any():
        rows = rows[rows["split"] == "test"]
    label = card.labels[-1]
    truth = np.array([label in one.split("|") for one in rows["truth"]])
    score = rows[f"p:{label}"].astype(float).to_numpy()
    called = score >= card.thresholds[label]
    expected = [f"{100 * called[which].mean():.0f}" for which in (truth, ~truth)]
    said, base = worth_text.worth(from_card(card), label, card.thresholds[label])
    assert said.endswith(f"calls {expected[0]}; of 100 without it {expected[1]}.")
    assert f"{truth.sum():,} films with it" in base


@pytest.mark.parametrize("model", [one for one in catalogue.catalogue() if one != "body-part"])
def test_a_model_is_told_in_short_sentences(model):
    card = catalogue.get(model)
    for sentence in (held_out(card), gravest(card)):
        assert sentence.endswith(".") and len(sentence.split()) <= 20
    assert f"{card.held_out.films:,}" in held_out(card) or card.held_out.crops


def test_a_finding_in_doubt_says_so_first_and_why():
    of_film = reading(
        in_doubt("bone-wrist", "fracture"),
        in_doubt("bone-finger", "fracture", Band(0.0, 1.0001)),
        found("bone-hand", "fracture", 0.9, band=BAND),
    )
    rows = {one.model: one for one in finding_rows.rows(of_film, lambda _: ("Worth.",))}
    assert rows["bone-wrist"].lines == (BOTH_SIDES, "Worth.") and rows["bone-wrist"].unsure
    assert rows["bone-finger"].lines == (TOO_FEW, "Worth.")
    assert rows["bone-hand"].lines == ("Worth.",) and not rows["bone-hand"].unsure
    told = {one["model"]: one["answer"] for one in of_film.as_dict()["findings"]}
    assert told == {"bone-wrist": "cannot tell", "bone-finger": "cannot tell", "bone-hand": "yes"}
