"""The page that compares explanations, run by Streamlit's own test runner with the real models."""

import pytest
from screens import (
    NOTICE,
    checked,
    elements,
    html,
    map_of,
    opened,
    prose,
    same_map,
    strip_of,
    viewer,
)
from ways_in import watched

from pages.comparing import faithfulness
from pages.explaining.queries import Question
from pages.shared.open_film import ELSEWHERE
from xray_models import catalogue, explain
from xray_models.catalogue.display_names import display_name
from xray_models.explain.queries import Query

pytestmark = pytest.mark.network


@pytest.fixture(autouse=True, scope="module")
def few_passes():
    """Faithfulness from a handful of passes: enough to see that it works."""
    from xray_models.evaluate.explanations import single_film

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(single_film, "STEPS", 1)
        patch.setattr(single_film, "SAMPLES", 16)
        patch.setattr(single_film, "NOISY", 1)
        faithfulness._of_sample.clear()
        yield
    faithfulness._of_sample.clear()  # these are no figures for anybody else


@pytest.fixture
def unmeasured():
    """The sample as on a new server; what was measured of it is there again for later tests."""
    cached = faithfulness.scores("chest")
    before = dict(cached)
    cached.clear()
    yield
    cached.update(before)


def compared(**link):
    """The page on a sample, asked about a finding that every method has a map for."""
    asked = Question("chest-14", "Pneumonia").words
    return opened("compare.py", **{"sample": "chest", "labels": asked} | link)


@pytest.fixture(scope="module")
def first_page():
    """The page on the sample, for tests that look at it and touch nothing.

    Its maps are measured once, for the tests that follow as for a server's next visitor.
    """
    return measured(compared())


def titles(page):
    """What stands under each map, a line each."""
    return ["\n".join(one["lines"]) for one in viewer(page)["tiles"]]


def first_map(page):
    return map_of(page, viewer(page)["tiles"][0]["id"])


def measured(page):
    """The page once the faithfulness of the maps is measured."""
    for job in page.session_state.jobs.values():
        job.wait(300)
    return checked(page.run())


def measures(page):
    return page.dataframe[0].value.set_index("Map")


def test_without_a_film_the_page_says_what_it_is_for():
    page = opened("compare.py")
    assert "One film, several explanations" in prose(page) and NOTICE in html(page)
    assert not page.get("bidi_component")


def test_maps_lie_beside_the_film_under_one_zoom_with_their_cost(first_page):
    page = first_page
    chosen = page.multiselect(key="methods-chest-14").value
    for name, title in zip(chosen, titles(page), strict=True):
        assert title.startswith(explain.METHODS[name].name) and " ms\n" in title
        assert "pass" in title
    words = viewer(page)
    assert [one["ids"] for one in words["sprites"]] == [[one["id"]] for one in words["tiles"]]
    film = page.session_state.film
    assert (words["film"]["height"], words["film"]["width"]) == film.pixels.shape
    assert all("the film" in one or "zone" in one for one in words["where"].values())
    assert NOTICE in html(page)


@pytest.mark.usefixtures("unmeasured")
def test_every_map_is_measured_on_this_film_and_so_is_noise():
    page = measured(compared())
    table = measures(page)
    names = [explain.METHODS[one].name for one in page.multiselect(key="methods-chest-14").value]
    assert list(table.index) == [*names, "Noise, for comparison"]
    assert table.notna().drop(columns=["ms", "Stability"]).all(axis=None)
    assert table["Stability"].notna().tolist() == [True] * len(names) + [False]  # noise has none
    assert table["Stability"].dropna().between(-1, 1).all()
    # shown without the rest of the film, the probability rises or some of it is lost
    assert set(table["Probability rose"]) <= {"yes", "no"}
    assert ((table["Probability rose"] == "no") | (table["Probability lost"] == 0)).all()
    assert (
        table["Insertion − deletion"] - table["Insertion"] + table["Deletion"]
    ).abs().max() < 1e-9


@pytest.mark.usefixtures("unmeasured")
def test_measuring_faithfulness_can_be_stopped_and_taken_up_again():
    page = compared()
    (job,) = page.session_state.jobs.values()
    job.stop()
    job.wait(300)
    checked(page.run())
    again = [one for one in page.button if one.label == "Measure how faithful the maps are"]
    assert len(again) == job.stopped
    if again:
        checked(again[0].click().run())
        table = measured(page).dataframe[0].value
        assert table.notna().drop(columns=["ms", "Stability"]).all(axis=None)


def test_agreement_is_a_table_with_ones_on_its_diagonal(first_page):
    page = first_page
    count = len(page.multiselect(key="methods-chest-14").value)
    (table,) = elements(page).every("table")
    rows = [row.every("td") for row in table.every("tr") if row.every("th", scope="row")]
    assert len(rows) == count
    for place, row in enumerate(rows):
        assert len(row) == count and row[place].text == "1.00"
    assert "Rank correlation" in prose(page)


def test_a_slow_method_waits_for_a_click():
    page = compared()
    checked(page.multiselect(key="methods-chest-14").set_value(["grad-cam", "rise"]).run())
    assert len(titles(page)) == 1
    (button,) = [one for one in page.button if one.label.startswith("Run RISE (1,000 forward")]
    checked(button.click().run())
    (stop,) = [one for one in page.button if one.key == "stop tile 0"]
    checked(stop.click().run())
    for job in page.session_state.jobs.values():
        job.stop()
        job.wait(300)
    checked(page.run())
    assert len(titles(page)) == 1
    assert any(one.label.startswith("Run RISE") for one in page.button)


def test_methods_that_do_not_fit_are_named_with_the_reason(first_page):
    page = first_page
    model = page.multiselect(key="labels").value[0].model
    listed = page.multiselect(key="methods-chest-14").options
    for one in explain.method_supports(catalogue.get(model)):
        words = f"{one.method.name} (slow)" if one.slow else one.method.name
        assert (words in listed) == one.fits
        assert one.fits or one.why in prose(page)


def test_models_and_layers_stand_beside_each_other_with_names_that_tell_them_apart():
    page = compared()
    checked(page.multiselect(key="methods-chest-14").set_value(["grad-cam"]).run())
    labels = page.multiselect(key="labels")
    first = labels.value[0]
    detector = next(one for one in labels.options if catalogue.get("body-part").name in one)
    label, _, _ = detector.rpartition(" (")
    question = type(first)("body-part", label)
    checked(labels.set_value([first, question]).run())
    assert len(titles(page)) == 2
    assert catalogue.get("body-part").name in titles(page)[1]
    checked(page.multiselect(key="labels").set_value([first]).run())
    layers = page.multiselect(key=f"layers-{first.model}")
    from pages.explaining import queries

    names = queries.layers(catalogue.get(first.model))
    checked(layers.set_value(names[:3]).run())
    assert len(titles(page)) == 3
    assert all(name in title for name, title in zip(names[1:3], titles(page)[1:], strict=True))


def test_maps_start_at_the_layer_that_the_card_chose_and_cam_where_it_can_be_had():
    page = compared()
    model = page.multiselect(key="labels").value[0].model
    chosen = catalogue.get(model).explanation.layer
    assert chosen and page.multiselect(key=f"layers-{model}").value == [chosen]
    checked(page.multiselect(key="methods-chest-14").set_value(["cam", "grad-cam"]).run())
    assert len(titles(page)) == 2
    assert "no further pass" in titles(page)[0]  # the pass that read the film left it behind
    assert "pass" in titles(page)[1] and "no further" not in titles(page)[1]


def test_what_a_slow_method_costs_can_be_set_as_on_read():
    page = compared(**{"methods-chest-14": "RISE (slow)"})
    assert any(one.label.startswith("Run RISE (1,000 forward") for one in page.button)
    checked(page.selectbox(key="rise-masks").set_value(100).run())
    (button,) = [one for one in page.button if one.label.startswith("Run RISE, 100 masks (100")]
    checked(button.click().run())
    measured(page)
    assert titles(page)[0].startswith("RISE\n100 masks\n")
    card, film = catalogue.get("chest-14"), page.session_state.film
    true = explain.heat(card, film, Query("Pneumonia").target(card), "rise, masks=100")
    assert same_map(first_map(page), true)


def test_the_film_and_the_choices_live_in_the_link():
    page = compared(methods="Eigen-CAM", speaks="against")
    assert page.multiselect(key="methods-chest-14").value == ["eigen-cam"]
    assert page.segmented_control(key="speaks").value == "against"
    assert len(titles(page)) == 1


def test_a_link_shared_before_each_model_had_its_own_methods_still_works(caplog):
    page = compared(methods="Eigen-CAM")
    assert page.multiselect(key="methods-chest-14").value == ["eigen-cam"]
    assert page.query_params["methods-chest-14"] == "Eigen-CAM"
    assert "methods" not in page.query_params
    assert not [one for one in caplog.messages if "default value" in one]
    page = compared(methods="Sorcery")
    assert "hirescam" in page.multiselect(key="methods-chest-14").value


def test_each_model_begins_with_the_methods_of_its_card():
    page = compared()
    checked(page.multiselect(key="methods-chest-14").set_value(["eigen-cam"]).run())
    other = Question("chest-pneumonia", "pneumonia")
    checked(page.multiselect(key="labels").set_value([other]).run())
    own = catalogue.get("chest-pneumonia").explanation.method
    assert {own, "layercam"} <= set(page.multiselect(key="methods-chest-pneumonia").value)
    first = Question("chest-14", "Pneumonia")
    checked(page.multiselect(key="labels").set_value([first]).run())
    assert page.multiselect(key="methods-chest-14").value == ["eigen-cam"]
    # another model beside the first leaves alone what was chosen
    checked(page.multiselect(key="labels").set_value([first, other]).run())
    assert page.multiselect(key="methods-chest-14").value == ["eigen-cam"]


def test_a_new_film_is_asked_about_its_own_finding_unless_the_visitor_chose(lower_leg, chest):
    page = opened("compare.py", sample="chest")
    first = page.multiselect(key="labels").value
    assert first
    page.session_state[ELSEWHERE] = {"name": "leg", "content": lower_leg.read_bytes()}
    checked(page.run())
    (question,) = page.multiselect(key="labels").value
    assert question.model not in [one.model for one in first] and titles(page)
    page.session_state[ELSEWHERE] = {"name": "chest", "content": chest.read_bytes()}
    checked(page.run())
    assert page.multiselect(key="labels").value[0].model != question.model
    chosen = [Question("chest-14", "Hernia")]
    checked(page.multiselect(key="labels").set_value(chosen).run())
    page.query_params["sample"] = "chest"  # another key than the same film sent by a page
    checked(page.run())
    assert page.multiselect(key="labels").value == chosen


def test_labels_are_set_against_another_one_of_their_model():
    methods = {"methods-chest-14": "Grad-CAM"}
    page = compared(speaks="over", **methods)
    other = page.selectbox(key="other-chest-14")
    assert display_name("Pneumonia") not in other.options
    checked(other.set_value("Effusion").run())
    card, film = catalogue.get("chest-14"), page.session_state.film
    layer = card.explanation.layer
    target = Query("Pneumonia", "over", "Effusion").target(card)
    true = explain.heat(card, film, target, f"grad-cam@{layer}")
    assert same_map(first_map(page), true)
    # a second label of the same model: neither can be set against itself or the other
    both = [Question("chest-14", label) for label in ("Pneumonia", "Mass")]
    checked(page.multiselect(key="labels").set_value(both).run())
    assert not {"Pneumonia", "Mass"} & set(page.selectbox(key="other-chest-14").options)
    assert [one.split("\n")[1] for one in titles(page)] == [
        "Pneumonia over Effusion",
        "Mass over Effusion",
    ]
    measured(page)
    noise = [name for name in measures(page).index if name.startswith("Noise")]
    assert noise == [
        "Noise, for comparison (Pneumonia over Effusion)",
        "Noise, for comparison (Mass over Effusion)",
    ]


def test_a_model_that_knows_one_label_has_nothing_to_set_it_against():
    nodule = Question("chest-nodule", "nodule")
    page = compared(speaks="over", labels=nodule.words)
    assert page.multiselect(key="labels").value == [nodule]
    assert "There is nothing to set nodule against" in prose(page)
    assert titles(page)


def test_every_map_says_in_words_where_its_heat_is():
    page = compared()
    (message,) = [one.value for one in page.markdown if one.value.startswith("- **")]
    lines = message.splitlines()
    chosen = page.multiselect(key="methods-chest-14").value
    assert [line[2:].split(": ")[0] for line in lines] == [
        f"**{explain.METHODS[name].name}**" for name in chosen
    ]
    # the same sentences are the alternative texts of the pictures
    words = viewer(page)
    told = [words["where"][one["id"]] for one in words["tiles"]]
    assert told == [line.partition(": ")[2] for line in lines]


def test_heat_in_the_borders_that_made_the_film_square_is_told_for_each_map(chest):
    page = opened("compare.py")
    page.session_state[ELSEWHERE] = {"name": "strip", "content": strip_of(chest)}
    checked(page.run())
    question = Question("body-part", "chest")
    checked(page.multiselect(key="labels").set_value([question]).run())
    checked(page.multiselect(key="methods-body-part").set_value(["eigen-cam", "layercam"]).run())
    card, film = catalogue.get("body-part"), page.session_state.film
    (message,) = [one.value for one in page.markdown if one.value.startswith("- **")]
    for method, line in zip(("eigen-cam", "layercam"), message.splitlines(), strict=True):
        share = explain.heat(card, film, Query("chest").target(card), method).outside
        words = f"{share * 100:.0f} % of the heat lies in the black borders"
        assert (words in line) == (share > 1 / 3)
    assert "the black borders" in message
    assert "relative to its own hottest point on the film" in prose(page)


def test_another_label_or_direction_takes_no_pass(monkeypatch):
    page = compared()
    for job in page.session_state.jobs.values():
        job.stop()
        job.wait(300)
    page.session_state.made[faithfulness._STOPPED] = True  # measuring takes passes of its own
    checked(page.run())
    assert "back passes" in "".join(titles(page))
    ran = watched(monkeypatch)
    other = [Question("chest-14", "Effusion")]
    checked(page.multiselect(key="labels").set_value(other).run())
    assert all("no further pass" in title for title in titles(page))
    before = first_map(page)
    for direction in ("against", "over"):
        checked(page.segmented_control(key="speaks").set_value(direction).run())
        assert (first_map(page) != before).any()
        assert all("no further pass" in title for title in titles(page))
    assert not ran


def test_a_slow_method_that_has_run_answers_for_every_label(monkeypatch):
    page = compared(**{"methods-chest-14": "Occlusion (slow)"})
    (button,) = [one for one in page.button if one.label.startswith("Run Occlusion (225 forward")]
    checked(button.click().run())
    measured(page)
    assert "225 passes" in titles(page)[0]
    measured(page)
    ran = watched(monkeypatch)
    page.session_state.made[faithfulness._STOPPED] = True
    both = [Question("chest-14", "Pneumonia"), Question("chest-14", "Effusion")]
    checked(page.multiselect(key="labels").set_value(both).run())
    assert "225 passes" in titles(page)[0] and "no further pass" in titles(page)[1]
    assert not [one for one in page.button if one.label.startswith("Run Occlusion")]
    assert not ran


def test_nothing_chosen_is_answered_in_a_sentence():
    page = compared()
    checked(page.multiselect(key="methods-chest-14").set_value([]).run())
    assert "Choose at least one label and one method." in page.info[0].value
    assert not page.get("bidi_component")
