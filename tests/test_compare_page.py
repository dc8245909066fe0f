"""The page that compares explanations, run by Streamlit's own test runner with the real models."""

import json

import pytest
from screens import NOTICE, checked, html, opened, prose

from pages.reading.asking import Question
from xray_models import catalogue, explain


@pytest.fixture(autouse=True)
def few_passes(monkeypatch):
    """Judging takes as many passes as it is told: a handful is enough to see that it works."""
    from pages.comparing import judging
    from xray_models.evaluate import side_by_side

    monkeypatch.setattr(side_by_side, "STEPS", 1)
    monkeypatch.setattr(side_by_side, "SAMPLES", 16)
    judging._of_sample.clear()


def compared(**link):
    """The page on a sample, asked about a finding that every method has a map for."""
    asked = Question("chest-14", "Pneumonia").words
    return opened("compare.py", **{"sample": "chest", "labels": asked} | link)


def figure(page):
    (chart,) = page.get("plotly_chart")
    return json.loads(chart.proto.spec or chart.proto.figure.spec)


def titles(page):
    """What stands under each picture."""
    return [note["text"] for note in figure(page)["layout"]["annotations"]]


def judged(page):
    """The page once the maps are judged."""
    for job in page.session_state.jobs.values():
        job.wait(300)
    return checked(page.run())


def measures(page):
    return page.dataframe[0].value.set_index("Map")


def test_without_a_film_the_page_says_what_it_is_for():
    page = opened("compare.py")
    assert "One film, several explanations" in prose(page) and NOTICE in html(page)
    assert not page.get("plotly_chart")


def test_maps_lie_beside_the_film_under_one_zoom_with_their_cost():
    page = compared()
    shown = figure(page)
    chosen = page.multiselect(key="methods").value
    assert len(shown["data"]) == len(chosen) + 1 == len(shown["layout"]["images"])
    assert titles(page)[0].startswith("<b>Radiograph</b>")
    for name, title in zip(chosen, titles(page)[1:], strict=True):
        assert explain.METHODS[name].name in title and " ms<br>" in title and "pass" in title
    for number in range(2, len(chosen) + 2):
        assert shown["layout"][f"xaxis{number}"]["matches"] == "x"
        assert shown["layout"][f"yaxis{number}"]["matches"] == "y"
    for trace in shown["data"]:  # pointing at one picture tells every map there
        assert all(explain.METHODS[name].name in trace["hovertemplate"] for name in chosen)
    (chart,) = page.get("plotly_chart")
    assert "of the heat in" in chart.proto.alt
    assert NOTICE in html(page)


def test_every_map_is_judged_on_this_film_and_so_is_noise():
    page = judged(compared())
    table = measures(page)
    names = [explain.METHODS[one].name for one in page.multiselect(key="methods").value]
    assert list(table.index) == [*names, "Noise, for comparison"]
    assert table.notna().drop(columns="ms").all(axis=None)
    assert table["Where the heat is"].str.endswith(".").all()
    assert (
        table["Insertion − deletion"] - table["Insertion"] + table["Deletion"]
    ).abs().max() < 1e-9


def test_judging_can_be_stopped_and_taken_up_again():
    page = compared()
    (job,) = page.session_state.jobs.values()
    job.stop()
    job.wait(300)
    checked(page.run())
    again = [one for one in page.button if one.label == "Judge the maps"]
    assert len(again) == job.stopped
    if again:
        checked(again[0].click().run())
        assert judged(page).dataframe[0].value.notna().drop(columns="ms").all(axis=None)


def test_agreement_is_a_table_with_ones_on_its_diagonal():
    page = compared()
    text = html(page)
    count = len(page.multiselect(key="methods").value)
    assert text.count('<th scope="row">') == text.count('<th scope="col">') == count
    assert text.count(">1.00</td>") >= count
    assert "Rank correlation" in prose(page)


def test_a_slow_method_waits_for_a_click():
    page = compared()
    checked(page.multiselect(key="methods").set_value(["grad-cam", "rise"]).run())
    assert len(titles(page)) == 2
    (button,) = [one for one in page.button if one.label.startswith("Run RISE (1,000 forward")]
    checked(button.click().run())
    (stop,) = [one for one in page.button if one.key == "stop tile 0"]
    checked(stop.click().run())
    for job in page.session_state.jobs.values():
        job.stop()
        job.wait(300)
    checked(page.run())
    assert len(titles(page)) == 2
    assert any(one.label.startswith("Run RISE") for one in page.button)


def test_methods_that_do_not_fit_are_named_with_the_reason():
    page = compared()
    model = page.multiselect(key="labels").value[0].model
    offered = page.multiselect(key="methods").options
    for one in explain.offers(catalogue.get(model)):
        words = f"{one.method.name} (slow)" if one.slow else one.method.name
        assert (words in offered) == one.fits
        assert one.fits or one.why in prose(page)


def test_models_and_layers_stand_beside_each_other_with_names_that_tell_them_apart():
    page = compared()
    checked(page.multiselect(key="methods").set_value(["grad-cam"]).run())
    labels = page.multiselect(key="labels")
    first = labels.value[0]
    detector = next(one for one in labels.options if catalogue.get("body-part").name in one)
    label, _, _ = detector.rpartition(" (")
    question = type(first)("body-part", label)
    checked(labels.set_value([first, question]).run())
    assert len(titles(page)) == 3
    assert catalogue.get("body-part").name in titles(page)[2]
    checked(page.multiselect(key="labels").set_value([first]).run())
    layers = page.multiselect(key=f"layers-{first.model}")
    from pages.reading import asking

    names = asking.layers(catalogue.get(first.model))
    checked(layers.set_value(names[:3]).run())
    assert len(titles(page)) == 4
    assert all(name in title for name, title in zip(names[1:3], titles(page)[2:], strict=True))


def test_maps_start_at_the_layer_that_the_card_chose_and_cam_where_it_can_be_had():
    page = compared()
    model = page.multiselect(key="labels").value[0].model
    chosen = catalogue.get(model).explanation.layer
    assert chosen and page.multiselect(key=f"layers-{model}").value == [chosen]
    checked(page.multiselect(key="methods").set_value(["cam", "grad-cam"]).run())
    assert len(titles(page)) == 3
    assert "no further pass" in titles(page)[1]  # the pass that read the film left it behind
    assert "pass" in titles(page)[2] and "no further" not in titles(page)[2]


def test_two_pictures_take_turns_where_asked():
    page = compared()
    assert html(page).count("<figure>") == 1
    (show,) = [one for one in page.segmented_control if one.label == "Show"]
    checked(show.set_value("in turns").run())
    assert html(page).count("<figure>") == 2 and "rl-turns" in html(page)


def test_the_film_and_the_choices_live_in_the_link():
    page = compared(methods="Eigen-CAM", opacity="0.8", speaks="against")
    assert page.multiselect(key="methods").value == ["eigen-cam"]
    assert page.slider(key="opacity").value == 0.8
    assert page.segmented_control(key="speaks").value == "against"
    assert len(titles(page)) == 2


def test_nothing_chosen_is_answered_in_a_sentence():
    page = compared()
    checked(page.multiselect(key="methods").set_value([]).run())
    assert "Choose at least one label and one method." in page.info[0].value
    assert not page.get("plotly_chart")
