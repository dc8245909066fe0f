"""Results of readers: known ones are recovered, and the counts are right."""

import math

import numpy as np
import pytest
from simulated_readers import Reader

from xray_models.teaching import one_page, result_text, results
from xray_models.teaching.group import grouped
from xray_models.teaching.model_answers import ModelAnswer, shown_wrong
from xray_models.teaching.places import Place, compare
from xray_models.teaching.records import Record, table
from xray_models.teaching.sets import Box


def record(truth, unaided, aided=None, **more):
    return Record("f", "0" * 64, "q", truth, unaided, aided, **more)


@pytest.mark.parametrize("skill", [0.4, 1.5, 3.0])
def test_the_true_auc_and_kappa_of_simulated_readers_lie_in_their_intervals(skill):
    reader, random = Reader(skill), np.random.default_rng(int(10 * skill))
    truth = np.arange(60) % 2 == 0
    inside = []
    for _ in range(60):
        found = results.measures(truth, reader.ratings(truth, random), 3)
        inside.append(
            (
                found.auc.low <= reader.auc <= found.auc.high,
                found.kappa.low <= reader.kappa(0.5) <= found.kappa.high,
            )
        )
    # of 60 intervals of 95 %, 53 or fewer are right once in a thousand
    auc, kappa = np.sum(inside, axis=0)
    assert auc >= 53
    assert kappa >= 51  # percentiles of a bootstrap over 60 films are a little narrow


def test_a_short_session_without_an_error_has_an_interval_with_a_width():
    low, high = results.auc_interval(1.0, 5, 5)
    assert 0.5 < low < 0.9 and high == 1.0
    assert results.auc_interval(0.0, 5, 5) == pytest.approx((1 - high, 1 - low))
    assert all(math.isnan(one) for one in results.auc_interval(math.nan, 0, 5))


def test_switches_are_counted_in_both_directions():
    rows = [
        record(True, 1, 5, shown=0.9),  # to right
        record(False, 2, 4, shown=0.8),  # to wrong, following
        record(True, 4, 1, shown=0.2, wrong=True),  # to wrong, following
        record(False, 1, 1, shown=0.7),  # not misled
        record(True, 5, 5, shown=0.9),
    ]
    found = results.results(rows)
    assert found.switches == results.Switches(1, 2, 2, 3)
    assert [one.final for one in found.again] == [4, 1]
    assert found.unaided.accuracy.value == pytest.approx(4 / 5)
    assert found.aided.accuracy.value == pytest.approx(3 / 5)
    assert found.model is None


def test_films_of_one_kind_leave_out_what_is_not_defined():
    found = results.results([record(True, 5, model=0.9), record(True, 2, model=0.1)])
    assert math.isnan(found.unaided.auc.value) and math.isnan(found.unaided.specificity.value)
    assert found.model.sensitivity.value == 0.5
    with pytest.raises(ValueError, match="no results"):
        results.results([])


def test_confidence_is_set_against_how_often_it_was_right():
    rows = [record(n < 9, 5) for n in range(10)] + [record(n < 1, 1) for n in range(10)]
    found = results.results(rows).calibration
    assert found.share[[0, -1]] == pytest.approx([0.1, 0.9])
    assert found.error == pytest.approx(0.0, abs=1e-12)


def test_places_are_hit_by_their_middle():
    box = Box("q", 0.2, 0.2, 0.2, 0.2)
    assert compare(Place(0.3, 0.3), [box]).hit
    half = compare(Place(0.2, 0.2, 0.2, 0.1), [box])
    assert (half.hit, half.iou) == (True, pytest.approx(0.5))
    away = compare(Place(0.6, 0.3), [box], 1000, 500)
    assert (away.hit, away.distance) == (False, pytest.approx(300))
    with pytest.raises(ValueError, match="no true box"):
        compare(Place(0, 0), [])
    rows = [
        record(True, 5, place=half, boxed=True),
        record(True, 5, place=away, boxed=True),
        record(True, 5, boxed=True),
        record(True, 5),
    ]
    found = results.results(rows).places
    assert (found.films, found.marked, found.iou) == (3, 2, pytest.approx(0.5))
    assert found.hits.value == pytest.approx(1 / 3)


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("probability", [0.0, 0.05, 0.1, 0.1001, 0.6, 1.0])
def test_an_answer_that_is_shown_wrong_is_wrong(truth, probability):
    own = ModelAnswer("m", "l", probability, 0.1)
    shown = shown_wrong(own, truth)
    assert shown.yes != truth and shown.wrong and 0 <= shown.probability <= 1
    if own.yes == truth:
        assert shown.score == pytest.approx(1 - own.score, abs=1e-5)
    else:
        assert shown.probability == own.probability


def test_the_table_names_no_file_and_keeps_what_was_said():
    place = compare(Place(0.1, 0.1), [Box("q", 0, 0, 0.5, 0.5)])
    found = table([record(True, 4, 5, place=place, note="cortex", shown=0.9)])
    assert found.loc[0, "confidence with model"] == 5
    assert found.loc[0, "place hit"] == 1
    assert found.loc[0, "note"] == "cortex"


def test_a_group_is_judged_on_the_films_that_all_have_read():
    random = np.random.default_rng(1)

    def read(skill, films, aided=True):
        found = []
        for number in films:
            truth = number % 2 == 0
            alone, helped = (
                int(Reader(one).ratings(np.array([truth]), random)[0]) for one in (skill, 3.0)
            )
            hashed = f"{number:064d}"
            found.append(Record("f", hashed, "q", truth, alone, helped if aided else None))
        return found

    found = grouped([read(1.0, range(40)), read(1.2, range(10, 50)), read(0.8, range(40))])
    assert (found.readers, found.films) == (3, 30)
    assert found.table.means[1].value > found.table.means[0].value
    assert found.kappa.low < found.kappa.value < found.kappa.high
    alone = grouped([read(1.0, range(8), aided=False)] * 2)
    assert alone.table is None and "with the model" in alone.why
    assert alone.kappa.value == pytest.approx(1.0)
    with pytest.raises(ValueError, match="in common"):
        grouped([read(1.0, range(5)), read(1.0, range(5, 9))])
    with pytest.raises(ValueError, match="two readers"):
        grouped([read(1.0, range(5))])


def test_the_page_to_take_along_is_one_page_with_every_reading():
    rows = [record(n % 2 == 0, 1 + n % 5, 5 - n % 3, model=n / 10, shown=n / 10) for n in range(9)]
    content = one_page.as_pdf("A $title_ with 100 % of_odd{signs", results.results(rows), rows)
    assert content.startswith(b"%PDF") and content.count(b"/Type /Page\n") <= 1
    assert content.count(b"/Type /Page ") + content.count(b"/Type /Page\n") == 1
    assert set(result_text.curves(rows)) == {"you alone", "you with the model", "the model"}
