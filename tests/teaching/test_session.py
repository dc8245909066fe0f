"""Reading session: the order of its steps, and what it refuses."""

import pytest

from xray_models.pipeline import ChosenModel, Finding, Reading
from xray_models.teaching import session as sessions
from xray_models.teaching.model_answers import ModelAnswer, answer_of, shown_wrong
from xray_models.teaching.places import Place
from xray_models.teaching.records import records_of
from xray_models.teaching.session import AIDED, DONE, TRUTH, UNAIDED, Answer, Session, SessionError
from xray_models.teaching.sets import Question
from xray_models.teaching.starter_sets import STARTER_SETS

SET = STARTER_SETS["drawn-spots"]()


def begun(mode, **more):
    return Session(SET, sessions.planned(SET, mode, **more))


def answer(session, confidence, **more):
    return session.answered(Answer(session.film.id, "spot", session.step, confidence, **more))


def test_alone_the_truth_follows_the_answer():
    session = begun(sessions.ALONE, count=2)
    assert session.step == UNAIDED
    session = answer(session, 5)
    assert session.step == TRUTH
    session = answer(session.went_on(), 1).went_on()
    assert session.step == DONE
    with pytest.raises(SessionError, match="done"):
        _ = session.film


def test_aided_the_second_answer_comes_before_the_truth():
    session = answer(begun(sessions.AIDED, count=1, order=sessions.LISTED), 2, seconds=3.0)
    assert session.step == AIDED
    own = ModelAnswer("chest-nodule", "nodule", 0.9, 0.2)
    session = session.with_models({"spot": own}, {"spot": own})
    with pytest.raises(SessionError, match="aided"):
        session.went_on()
    session = answer(session, 4, place=Place(0.5, 0.5))
    (found,) = records_of(session)
    assert (found.unaided, found.aided, found.shown, found.wrong) == (2, 4, own.score, False)
    assert found.seconds == 3.0


def test_a_film_on_which_no_model_answers_is_answered_once_and_can_be_left_out():
    session = answer(begun(sessions.AIDED, count=3), 2).with_models({}, {})
    assert session.step == TRUTH
    session = session.went_on()
    left_out = session.film.id
    session = session.skipped()
    assert left_out not in session.plan.films and session.step == UNAIDED
    ended = answer(session, 4).ended()
    assert ended.step == DONE and len(records_of(ended)) == 1


def test_where_the_model_may_be_wrong_some_films_are_and_the_same_seed_draws_the_same():
    plan = sessions.planned(SET, sessions.DOUBTED, seed=3)
    assert 0 < len(plan.wrong) < len(plan.films)
    assert plan == sessions.planned(SET, sessions.DOUBTED, seed=3)
    assert plan.films != sessions.planned(SET, sessions.DOUBTED, seed=4).films
    session = answer(Session(SET, plan), 3)
    own = ModelAnswer("chest-nodule", "nodule", 0.9, 0.2)
    shown = shown_wrong(own, session.film.truth["spot"])
    session = answer(session.with_models({"spot": own}, {"spot": shown}), 3)
    (found,) = records_of(session)
    assert found.model == own.score and found.wrong and (found.shown >= 0.5) != found.truth


def test_films_that_are_due_come_first_and_parts_are_chosen():
    last = SET.films[-1].id
    plan = sessions.planned(SET, count=3, first=[last, "gone"])
    assert plan.films[0] == last and len(plan.films) == 3
    with pytest.raises(SessionError, match="no film of these parts"):
        sessions.planned(SET, parts=["wrist"])
    with pytest.raises(SessionError, match="no mode"):
        sessions.planned(SET, "asleep")


def test_steps_out_of_turn_are_refused():
    session = begun(sessions.ALONE)
    with pytest.raises(SessionError, match="1 to 5"):
        answer(session, 6)
    with pytest.raises(SessionError, match="waits for 'unaided'"):
        session.answered(Answer(session.film.id, "spot", AIDED, 3))
    with pytest.raises(SessionError, match="another question"):
        session.answered(Answer("other", "spot", UNAIDED, 3))
    with pytest.raises(SessionError, match="waits for 'truth'"):
        answer(session, 3).answered(Answer(session.film.id, "spot", UNAIDED, 3))


def test_the_finding_farthest_above_its_threshold_answers_and_misfits_do_not():
    reading = Reading(
        radiograph=None,
        part="chest",
        part_probability=1.0,
        part_probabilities={"chest": 1.0},
        part_forced=True,
        chosen=(
            ChosenModel("chest-14", ""),
            ChosenModel("chest-nodule", ""),
            ChosenModel("chest-pneumonia", "", "for children"),
        ),
        findings=(
            Finding("chest-14", "Nodule", 0.2, 0.1),
            Finding("chest-nodule", "nodule", 0.15, 0.3),
            Finding("chest-pneumonia", "pneumonia", 0.99, 0.5),
        ),
        warnings=(),
    )
    question = Question("any", "Anything?", ("nodule", "Nodule", "pneumonia"))
    found = answer_of(reading, question)
    assert (found.model, found.label, found.yes) == ("chest-14", "Nodule", True)
    assert answer_of(reading, Question("x", "?", ("fracture",))) is None
