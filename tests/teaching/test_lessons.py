"""Lessons: their files, and the numbers of their live figures against the tables themselves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xray_models.catalogue import assets, get
from xray_models.evaluate.predictions.predictions import from_card
from xray_models.explain import MethodSpec
from xray_models.teaching import lesson_numbers as numbers
from xray_models.teaching.lessons import LIVE, LessonError, lessons, parsed

LESSONS = lessons()


def test_there_are_five_lessons_with_questions_and_every_live_figure():
    assert [one.id for one in LESSONS] == [
        "threshold",
        "prevalence",
        "heatmap",
        "shortcut",
        "far-from-home",
    ]
    for one in LESSONS:
        assert sum(bool(step.question) for step in one.steps) >= 2
    assert {step.live for one in LESSONS for step in one.steps} - {""} == set(LIVE)


def test_sentences_of_lessons_are_short():
    texts = [text for one in LESSONS for step in one.steps for text in (step.text, step.why)]
    long = [
        sentence
        for text in texts
        for sentence in text.replace("? ", ". ").replace(": ", ". ").split(". ")
        if len(sentence.split()) > 20
    ]
    assert long == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = 'x'\nminutes = 1", "lacks 'steps'"),
        ("title = 'x'\nminutes = 1\nsteps = [{text = 'a', live = 'magic'}]", "no figure"),
        ("title = 'x'\nminutes = 1\nsteps = [{text = 'a', lvie = 'b'}]", "no field 'lvie'"),
        (
            "title = 'x'\nminutes = 1\n"
            "steps = [{question = 'q', choices = ['a', 'b'], right = 2, why = 'w'}]",
            "right one",
        ),
        ("title = 'x'\nminute = 1\nsteps = []", "minutes"),
        ("title", "x.toml"),
    ],
)
def test_what_is_wrong_with_a_lesson_is_told(text, said):
    with pytest.raises(LessonError, match=said):
        parsed(text.encode(), Path("1-x.toml"))


def table(name):
    return pd.read_csv(assets() / "held_out" / f"{name}.csv", keep_default_na=False)


def test_the_threshold_counts_are_those_of_the_table():
    films = from_card(get("bone-wrist")).of("fracture")
    found = numbers.counts_at(films, 0.3)
    assert found.tp == (films.truth & (films.scores >= 0.3)).sum()
    assert found.fp == (~films.truth & (films.scores >= 0.3)).sum()
    assert found.films == len(films.truth)
    shown = numbers.spread(films)
    assert shown.positive.sum() == films.positives


def test_people_follow_bayes_rule():
    found = numbers.people(0.8, 0.9, 0.1)
    assert (found.tp, found.fn, found.fp, found.tn) == (80, 20, 90, 810)
    rare = numbers.people(0.8, 0.9, 0.01)
    assert rare.ppv == pytest.approx(8 / 107)


def test_the_sanity_check_is_that_of_the_map_shown_first():
    card = get("bone-wrist")
    stages = numbers.cascade(card.id, str(MethodSpec.of_card(card)))
    assert stages[0][1] == 1.0 and stages[-1][1] < 0.8, "the lesson says that the map must change"
    with pytest.raises(ValueError, match="No sanity check"):
        numbers.cascade(card.id, "tea-leaves")


def test_metal_nearly_always_means_fracture_in_the_forearm_table_as_the_lesson_says():
    card = get("bone-forearm")
    predictions = from_card(card)
    found = numbers.with_and_without(
        predictions.of("fracture"),
        predictions.subgroups["hardware"],
        card.thresholds["fracture"],
    )
    assert found["with"].films + found["without"].films == predictions.films
    assert found["with"].prevalence > 0.9 > 0.5 > found["without"].prevalence


def test_the_pneumonia_model_ranks_adults_worse_as_the_lesson_says():
    card = get("chest-pneumonia")
    children, adults = numbers.collections(card, from_card(card).of("pneumonia"))
    rows = table("chest-pneumonia.adults")
    assert adults.films == len(rows) and adults.ill == (rows["truth"] == "pneumonia").sum()
    assert adults.auc.high < children.auc.low
    healthy = rows.loc[rows["truth"] != "pneumonia", "p:pneumonia"].to_numpy(float)
    share = np.mean(healthy >= card.thresholds["pneumonia"])
    assert adults.called_healthy == pytest.approx(share)
