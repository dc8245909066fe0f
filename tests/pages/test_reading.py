"""The Read page around its viewer: verdict, part, age, truth, queue, links, and what was waited."""

import hashlib
from dataclasses import replace

import numpy as np
import pooch
import pytest
from drawing import dicom, picture, ramp
from PIL import Image
from screens import NOTICE, checked, elements, html, named_part, opened, prose

from pages.reading.details import waited_words
from pages.shared import film_queue
from xray_models import radiograph
from xray_models.datasets import samples
from xray_models.datasets.samples import SAMPLES

pytestmark = pytest.mark.network


def verdict(page):
    (found,) = elements(page).every("h1")
    return found.text


def errors(page):
    return [one.value for one in page.error]


def keys(page):
    return {one.key for one in page.button}


def drawn(seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 30)).astype(np.uint8)
    return picture(Image.fromarray(pixels), "PNG")


def upload(page, *contents):
    for number, content in enumerate(contents):
        page.file_uploader(key="upload").upload(f"{number}.png", content, "image/png")
    return checked(page.run())


@pytest.fixture
def fetched(tmp_path, monkeypatch, chest):
    """A cache in which the first chest of the NIH lies: the packaged one in its place."""
    name, content = "chest-1", chest.read_bytes()
    file, sha256 = SAMPLES[name].file, hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(
        SAMPLES, name, replace(SAMPLES[name], sha256=sha256, boxes=((0.1, 0.2, 0.3, 0.4),))
    )
    fetcher = pooch.create(
        path=tmp_path, base_url="http://127.0.0.1:9/", registry={file: f"sha256:{sha256}"}
    )
    monkeypatch.setattr(samples, "_fetcher", fetcher)
    (tmp_path / file).write_bytes(content)
    return name


def test_the_start_offers_an_upload_and_every_sample_by_part_and_says_no_truth():
    page = opened()
    assert NOTICE in html(page)
    assert {f"sample {name}" for name in SAMPLES} <= keys(page)
    shelves = [one.text for one in elements(page).every("h3")]
    assert shelves == [part.capitalize() for part in samples.by_part()]
    said = (html(page) + prose(page)).lower()
    assert not any(word in said for word in ("fracture", "effusion", "cardiomegaly"))


def test_the_verdict_comes_first_and_the_notice_once():
    page = opened(sample="chest")
    assert verdict(page).endswith("model Fourteen chest findings") or "2 models" in verdict(page)
    assert html(page).count(NOTICE) == 1


def test_a_sample_that_cannot_be_fetched_says_so_and_offers_the_others(monkeypatch, tmp_path):
    file = SAMPLES["wrist-1"].file
    nowhere = pooch.create(
        path=tmp_path, base_url="http://127.0.0.1:9/", registry={file: f"sha256:{'0' * 64}"}
    )
    monkeypatch.setattr(samples, "_fetcher", nowhere)
    page = opened(sample="wrist-1")
    (problem,) = errors(page)
    assert "could not be fetched from github.com" in problem and "offline" in problem
    assert "sample chest" in keys(page)


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ({"sample": "knee"}, "There is no sample 'knee'"),
        ({"upload": "2"}, "This link names an upload. Uploads are not kept"),
        ({"sample": "lower-leg", "part": "knee"}, "The link names a part 'knee'"),
        ({"sample": "lower-leg", "age": "baby"}, "The link names an age 'baby'"),
        ({"sample": "lower-leg", "label": "gout"}, "The link asks about 'gout'"),
    ],
)
def test_a_bad_link_says_what_was_wrong_with_it(link, problem):
    page = opened(**link)
    assert any(one.startswith(problem) for one in errors(page)), errors(page)


@pytest.mark.usefixtures("fetched")
def test_a_link_under_an_older_name_opens_the_same_film():
    page = opened(sample="nih-no-finding")
    assert named_part(page).startswith("chest")
    assert page.query_params["sample"] == "chest-1"


def test_back_goes_to_the_start_by_button_and_by_the_browser():
    page = opened(sample="lower-leg")
    checked(page.button(key="back to the start").click().run())
    assert "sample" not in page.query_params and "sample chest" in keys(page)
    page = opened(sample="lower-leg")
    del page.query_params["sample"]  # as the browser goes back to before the film was opened
    checked(page.run())
    assert "sample chest" in keys(page) and "sample" not in page.query_params


def test_a_film_stays_open_while_other_pages_are_looked_at():
    page = opened(sample="lower-leg")
    checked(page.switch_page("pages/about.py").run())
    page.query_params.clear()
    checked(page.switch_page("pages/read.py").run())
    assert page.query_params["sample"] == "lower-leg" and named_part(page)


def test_the_next_film_of_several_is_a_step_away_and_its_corrections_are_its_own():
    page = upload(opened(), drawn(1), drawn(2), drawn(3))
    assert page.query_params["upload"] == "1" and "Film 1 of 3" in prose(page)
    assert page.button(key="previous film").disabled
    checked(page.selectbox(key="part").select("hand").run())
    assert named_part(page) == "hand named by hand"
    first = page.session_state.film.pixels
    checked(page.button(key="next film").click().run())
    assert page.query_params["upload"] == "2" and "Film 2 of 3" in prose(page)
    assert "named by hand" not in named_part(page)
    assert (page.session_state.film.pixels != first).any()
    checked(page.button(key="next film").click().run())
    assert page.button(key="next film").disabled
    page.query_params["upload"] = "1"  # as the browser goes back
    checked(page.run())
    assert "Film 1 of 3" in prose(page) and (page.session_state.film.pixels == first).all()


def test_a_refused_film_among_others_can_be_stepped_over():
    page = upload(opened(), b"%PDF-1.7 whatever", drawn(1))
    assert "This is a PDF" in errors(page)[0]
    checked(page.button(key="next film").click().run())
    assert not page.error and named_part(page)


def test_only_so_many_films_are_taken_at_once(monkeypatch):
    monkeypatch.setattr(film_queue, "MOST", 2)
    page = upload(opened(), drawn(1), drawn(2), drawn(3))
    assert "Film 1 of 2" in prose(page)
    assert "The first 2 of 3 films are here. Batch reads more." in prose(page)


def test_a_leg_is_no_part_and_offers_what_it_could_be_read_as():
    page = opened(sample="lower-leg")
    assert verdict(page) == "No part that RadLens reads, so no model was asked"
    offers = [one for one in page.button if one.label.startswith("Read as ")]
    assert len(offers) == 2
    part = offers[0].label.removeprefix("Read as ")
    checked(offers[0].click().run())
    assert named_part(page) == f"{part} named by hand"
    assert not [one for one in page.button if one.label.startswith("Read as ")]
    assert page.selectbox(key="part").value == part


def test_a_model_of_children_is_folded_away_until_the_patient_is_said_to_be_a_child():
    page = opened(sample="chest")
    folded = [one.label for one in page.expander]
    assert "Set aside: Pneumonia in children" in folded
    assert "this patient's age is not known" in prose(page)
    checked(page.segmented_control(key="age").set_value("child").run())
    assert "Set aside: Pneumonia in children" not in [one.label for one in page.expander]
    assert page.session_state.reading.age_group == "child"
    linked = opened(sample="chest", age="adult")
    assert "this is an adult's film" in prose(linked)


def test_the_age_is_not_asked_where_the_file_tells_it_or_no_model_minds(fetched):
    page = opened(sample=fetched)
    assert not [one for one in page.segmented_control if one.key == "age"]
    assert "this is an adult's film" in prose(page)
    leg = opened(sample="lower-leg", part="hand")
    assert not [one for one in leg.segmented_control if one.key == "age"]


def test_the_truth_of_a_sample_is_hidden_until_it_is_asked_for(fetched):
    page = opened(sample=fetched)
    assert not page.info and "No finding, says" not in prose(page)
    checked(page.toggle(key="truth").set_value(True).run())
    assert page.info[0].value == (
        "Truth: No finding, says its report, mined by a program. The boxes are theirs."
    )
    checked(page.button(key="back to the start").click().run())
    checked(page.button(key="sample lower-leg").click().run())
    assert not page.toggle(key="truth").value and not page.info


def test_where_no_truth_is_known_none_is_offered():
    for page in (upload(opened(), drawn(1)), opened(sample="chest")):
        assert not [one for one in page.toggle if one.key == "truth"]


def test_what_the_visitor_waited_for_is_told_by_stage():
    page = opened(sample="lower-leg")
    waited = page.session_state.waited
    assert list(waited) == ["opening", "models", "picture"] and all(waited.values())
    said = [one.value for one in page.caption if one.value.startswith("You waited ")]
    assert said == [waited_words(waited)]
    again = checked(page.run()).session_state.waited
    assert again == waited, "a film that is there is not waited for again"
    assert waited_words({"opening": 0.44, "models": 1.91}) == (
        "You waited 2.4 s: opening 0.4 s, models 1.9 s."
    )


def test_the_age_of_a_dicom_file_is_told_as_a_band():
    page = opened()
    film = dicom(ramp(64, 64).astype(np.uint8), PatientAge="045Y")
    page.file_uploader(key="upload").upload("film", film, "application/dicom")
    checked(page.run())
    assert "40 to 64 years" in [one.text for one in elements(page).every("dd")]
    assert radiograph.read(film).age_group == "adult"
