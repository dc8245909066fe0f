"""Teaching page: a session from its start to its results."""

import hashlib
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import screens
from PIL import Image

from pages.shared.plain import plain
from xray_models.teaching.keeping.store import VARIABLE, new_code
from xray_models.teaching.lessons import lessons
from xray_models.teaching.session import CONFIDENCES
from xray_models.teaching.sets import Box, Question, TeachingFilm, TeachingSet, as_toml


@pytest.fixture
def start(visitor, monkeypatch, tmp_path):  # noqa: ARG001 - it sits at the server
    """The page as a visitor at the server finds it, with a set of two drawn films on offer."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("RADLENS_SETS", str(tmp_path))
    offered(tmp_path / "drawn")
    return lambda: screens.opened("teach.py")


def offered(folder):
    """Write a set of which no model knows the question, so none is loaded."""
    folder.mkdir()
    films = []
    for number, there in enumerate((False, True), 1):
        gray = np.full((60, 50), 40 + number, np.uint8)
        gray[20:30, 10:20] += np.uint8(150 * there)
        Image.fromarray(gray).save(folder / f"{number}.png")
        digest = hashlib.sha256((folder / f"{number}.png").read_bytes()).hexdigest()
        boxes = (Box("square", 0.2, 1 / 3, 0.2, 1 / 6),) if there else ()
        film = TeachingFilm(str(number), digest, f"{number}.png", truth={"square": there})
        films.append(replace(film, boxes=boxes, note="Squares are rare in nature."))
    made = TeachingSet(
        id="squares",
        title="Squares",
        license="CC0",
        source="",
        about="",
        questions=(Question("square", "Is there a square?", ()),),
        films=tuple(films),
    )
    (folder / "set.toml").write_text(as_toml(made), encoding="utf-8")


def choose(page, chosen):
    screens.checked(page.radio(key="teaching set").set_value(chosen).run())


def begin(page, mode="alone", films=2, chosen=""):
    choose(page, chosen or f"file {os.environ['RADLENS_SETS']}/drawn/set.toml")
    page.radio(key="teaching mode").set_value(mode)
    page.selectbox(key="teaching order").set_value("as listed")
    (count,) = [one for one in page.number_input if one.label == "Films"]
    count.set_value(films)
    return press(page, "Begin")


def press(page, label):
    (button,) = [one for one in page.button if one.label == label]
    return screens.checked(button.click().run())


def answer(page, level):
    (button,) = [one for one in page.button if one.label == CONFIDENCES[level].capitalize()]
    screens.checked(button.click().run())
    return press(page, "Commit")


def test_a_session_alone_goes_from_answer_to_truth_to_results(start):
    page = begin(start(), "aided")  # no model answers, so there is no second answer
    words = screens.viewer(page)
    assert words["marking"] is True and words["boxes"] == [] and words["sprites"] == []
    (commit,) = [one for one in page.button if one.label == "Commit"]
    assert commit.disabled, "there is no answer yet"
    assert "truth" not in screens.prose(page).lower()
    page = answer(page, 1)
    assert "Right. The truth is no." in page.success[0].value
    assert "No model here answers" in screens.prose(page)
    page = press(page, "Next film")
    assert "Film 2 of 2" in screens.prose(page)
    page = answer(page, 2)
    assert "The truth is yes." in page.error[0].value
    assert "Squares are rare" in page.info[0].value
    assert [one["kind"] for one in screens.viewer(page)["boxes"]] == ["truth"]
    page = press(page, "Results")
    table = page.dataframe[0].value
    assert table.loc[table.iloc[:, 0] == "accuracy", "you alone"].item().startswith("0.50")
    page = press(page, "Read these again")
    assert "Film 1 of 1" in screens.prose(page)


@pytest.mark.slow  # the chest models are loaded and explained
def test_with_the_model_the_second_answer_comes_first_and_wrong_ones_are_told_at_the_end(start):
    page = answer(begin(start(), "aided", 1, "starter drawn-spots"), 1)
    assert "Your second answer" in screens.prose(page)
    assert "The model says" in screens.prose(page) and not page.success and not page.error
    assert screens.viewer(page)["sprites"], "the model's map"
    page = answer(page, 5)
    assert "You said: surely." in page.error[0].value
    assert "0 answers became right, 1 became wrong" in screens.prose(press(page, "Results"))
    page = begin(start(), "doubted", 1, "starter drawn-spots")
    page = answer(page, 1)
    assert "The model says yes." in screens.prose(page), "the truth is no"
    page = answer(page, 5)
    assert "purpose" not in screens.prose(page)
    page = press(page, "Results")
    assert "On 1 of these films a wrong answer" in page.warning[0].value


def test_a_film_that_is_not_the_right_one_is_told_and_can_be_left_out(start, tmp_path):
    (tmp_path / "drawn" / "1.png").write_bytes(b"another")
    page = begin(start())
    assert "SHA-256" in page.error[0].value
    page = press(page, "Leave this film out")
    assert "Film 1 of 1" in screens.prose(page)
    page = press(page, "End here")
    assert "No film was answered" in page.info[0].value


def test_progress_is_kept_under_a_code_resumed_taken_along_and_deleted(
    start, monkeypatch, tmp_path
):
    page = start()
    assert "Nothing is kept" in screens.prose(page)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "progress.db"))
    code = new_code()
    page = screens.opened("teach.py")
    page.text_input(key="teaching code").set_value(code)
    page = answer(begin(page), 1)
    del page
    page = screens.opened("teach.py")
    choose(page, f"file {tmp_path}/drawn/set.toml")
    screens.checked(page.text_input(key="teaching code").set_value(code).run())
    page = press(page, "Go on at film 2 of 2")
    page = press(answer(page, 1), "Results")
    assert "two readers or more" in screens.prose(page)
    page = press(page, "Back to the start")
    page = press(page, "Delete it")
    assert not [one for one in page.button if one.label == "Delete it"]
    assert code not in (tmp_path / "progress.db").read_bytes().decode("latin-1")


def test_a_folder_with_a_table_is_a_set_only_at_the_server_itself(start, visitor, tmp_path):
    page = start()
    screens.checked(page.radio(key="teaching set").set_value("own").run())
    screens.checked(page.text_input(key="teaching folder").set_value(str(tmp_path)).run())
    assert "truth.csv" in page.error[0].value
    visitor("10.0.0.7")
    page = screens.opened("teach.py")
    assert "computer" not in json.dumps(page.radio(key="teaching set").options)


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("lesson", [one.id for one in lessons()])
def test_a_lesson_shows_its_figures_and_tells_why_after_an_answer(lesson):
    page = screens.opened("teach.py", lesson=lesson)
    assert not page.warning, "a figure lacks its table"
    assert not page.success
    for question in page.radio:
        right = next(
            step.choices[step.right]
            for one in lessons()
            for step in one.steps
            if step.question and plain(step.question) == question.label
        )
        question.set_value(right)
    screens.checked(page.run())
    assert len(page.success) == len(page.radio) > 1
    assert f"{len(page.radio)} of {len(page.radio)} questions" in screens.prose(page)
    press(page, "Back to the start")
    assert "lesson" not in page.query_params
