"""Every page, run by Streamlit's own test runner on real films with the real models."""

import io
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from screens import (
    MAIN,
    NOTICE,
    checked,
    content,
    elements,
    html,
    map_of,
    map_words,
    named_part,
    opened,
    prose,
    same_map,
    strip_of,
    viewer,
)
from ways_in import watched

import classify
from pages.explaining import overlay as explaining
from pages.explaining.queries import Question
from pages.explaining.query_controls import usual_area
from xray_models import PARTS, catalogue, explain, radiograph
from xray_models.catalogue.display_names import display_name
from xray_models.datasets.samples import SAMPLES
from xray_models.explain import MethodSpec, box_files
from xray_models.explain.boxes import Rule
from xray_models.explain.queries import Query
from xray_models.radiograph import Radiograph
from xray_models.viz import overlay as overlay_of

pytestmark = pytest.mark.network

PNEUMONIA = Question("chest-14", "Pneumonia").words


def asked(page):
    """The label that is explained: the strongest finding, unless the link says otherwise."""
    return page.session_state.label.label


def headers(page):
    return [header.value for header in page.header]


def is_shown(page, true):
    """Whether the map in the viewer is this heatmap, as far as eight bits can tell."""
    return same_map(map_of(page), true)


def boxes(page):
    """Boxes of the map that is shown."""
    words = viewer(page)
    return [one for one in words["boxes"] if one["map"] == words["selected"]]


@pytest.fixture(scope="module")
def chest_page():
    """The page on the sample of a chest, for tests that look at it and touch nothing."""
    return opened(sample="chest")


def noise():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_the_pages_open_without_waiting_for_tensorflow():
    parts = sorted((MAIN.parent / "pages").glob("*/[a-z]*.py"))
    assert parts
    wanted = ", ".join(f"pages.{file.parent.name}.{file.stem}" for file in parts)
    code = f"import sys, {wanted}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=MAIN.parent).returncode == 0


def test_the_first_page_says_what_can_be_read_and_what_for():
    page = opened()
    assert NOTICE in html(page)
    assert all(part in page.markdown[0].value for part in PARTS)
    assert not page.error and not page.warning
    assert {one.title for one in SAMPLES.values()} <= {button.label for button in page.button}


def test_a_click_on_a_sample_opens_its_reading_and_puts_it_into_the_link():
    page = opened()
    checked(page.button(key="sample chest").click().run())
    assert page.query_params["sample"] == "chest"
    assert named_part(page).startswith("chest ")


def test_a_chest_shows_part_findings_overlay_facts_and_time(chest_page):
    page = chest_page
    reading = classify.read(page.session_state.film)
    text = html(page)
    assert "Next: " in prose(page) and NOTICE in text
    assert reading.findings
    # in pixels of the film: pointing at it tells them
    drawn = viewer(page)["film"]
    assert (drawn["height"], drawn["width"]) == reading.radiograph.pixels.shape
    told = {row["id"]: row for row in viewer(page)["findings"]}
    fitting = [one for one in reading.findings if one.model not in reading.set_aside]
    assert len(told) == len(fitting)
    for finding in fitting:
        row = told[f"{finding.model}:{finding.label}"]
        assert (row["probability"], row["threshold"]) == (finding.probability, finding.threshold)
        assert row["called"] == finding.positive
    assert any("You waited" in caption.value for caption in page.caption)
    missing = [one.value for one in page.caption if "chest-22" in one.value]
    assert len(missing) == 1 and "Its weights are not here." in missing[0]
    assert {"CR", "MONOCHROME1"} <= {one.text for one in elements(page).every("dd")}
    assert [button.label for button in page.get("download_button")] == ["Reading as JSON"]
    assert list(viewer(page)["saves"].values()) == [
        "Picture as PNG",
        "Boxes as JSON",
        "Boxes as text",
        "Boxes as COCO",
    ]


def test_the_maps_of_all_labels_of_the_model_go_over_at_once(chest_page):
    page = chest_page
    card = catalogue.get(page.session_state.label.model)
    (sprite,) = viewer(page)["sprites"]
    assert set(sprite["ids"]) == {f"{card.id}:{label}" for label in card.thresholds}
    film, spec = page.session_state.film, MethodSpec.of_card(card)
    for label in card.thresholds:
        true = explain.heat(card, film, Query(label).target(card), spec)
        shown = map_of(page, f"{card.id}:{label}")
        assert same_map(shown, true)


def test_the_heat_is_told_in_words_and_so_is_how_far_to_trust_it(chest_page):
    page = chest_page
    said = map_words(page)
    assert f"what speaks for {display_name(asked(page))}" in said
    assert ("of the film." in said or "lies in the lungs." in said) and "Hottest at x" in said
    trust = said.splitlines()[-1]
    assert trust.startswith("Place ") and trust.endswith(".")
    assert "threshold here" in prose(page), "the numbers are behind it"


def test_a_film_that_another_page_sends_is_opened_and_leaves_the_link(lower_leg):
    page = opened(sample="chest")
    page.session_state["film_from_elsewhere"] = {
        "name": "a film of the table",
        "content": lower_leg.read_bytes(),
    }
    checked(page.run())
    assert not named_part(page).startswith("chest")
    assert "sample" not in page.query_params
    assert "Opened from another page: a film of the table." in prose(page)
    assert "film_from_elsewhere" not in page.session_state
    checked(page.run())
    assert not named_part(page).startswith("chest")


def test_each_model_shows_a_held_out_figure_beside_its_findings(chest_page):
    page = chest_page
    for one in classify.read(page.session_state.film).chosen:
        held_out = catalogue.get(one.model).held_out
        assert f"on {held_out.films:,} films held out." in prose(page)


def test_an_upload_is_read_and_its_name_goes_nowhere(chest):
    page = opened()
    page.file_uploader[0].upload("Doe^Jane 1970.dcm", chest.read_bytes(), "application/dicom")
    checked(page.run())
    assert named_part(page).startswith("chest")
    shown = html(page) + "".join(one.value for one in (*page.markdown, *page.caption))
    assert "Doe" not in shown and "Doe" not in str(page.query_params)


def test_an_upload_takes_the_place_of_a_sample(chest):
    page = opened(sample="lower-leg")
    page.file_uploader[0].upload("film", chest.read_bytes(), "application/dicom")
    checked(page.run())
    assert "sample" not in page.query_params
    assert named_part(page).startswith("chest")
    checked(page.button(key="back to the start").click().run())
    checked(page.button(key="sample lower-leg").click().run())
    assert not named_part(page).startswith("chest")


def test_film_and_settings_are_still_there_after_a_look_at_another_page(chest):
    page = opened()
    page.file_uploader[0].upload("film", chest.read_bytes(), "application/dicom")
    checked(page.run())
    checked(page.segmented_control(key="direction").set_value("against").run())
    checked(page.switch_page("pages/models.py").run())
    checked(page.switch_page("pages/read.py").run())
    assert named_part(page).startswith("chest")
    assert page.segmented_control(key="direction").value == "against"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7 whatever", "This is a PDF"),
        (b"nothing that anyone knows", "not a picture that RadLens can read"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
    ],
)
def test_what_is_no_radiograph_is_refused_in_a_sentence(content, sentence):
    page = opened()
    page.file_uploader[0].upload("file", content, "application/octet-stream")
    checked(page.run())
    assert sentence in page.error[0].value
    assert not page.get("bidi_component")


def test_noise_is_read_by_no_model_and_no_map_of_the_detector_is_shown():
    page = opened()
    page.file_uploader[0].upload("noise.png", noise(), "image/png")
    checked(page.run())
    assert named_part(page).startswith("none of these ")
    assert "so no model was asked" in html(page) and not page.warning
    assert not viewer(page)["sprites"] and not viewer(page)["findings"]


def test_a_negative_is_said_and_one_click_inverts_it(chest):
    film = radiograph.read(chest)
    negative = overlay_of.encode(overlay_of.film(1 - film.pixels))
    page = opened()
    page.file_uploader[0].upload("film.png", negative, "image/png")
    checked(page.run())
    assert any("negative" in warning.value for warning in page.warning)
    checked(page.toggle(key="invert").set_value(True).run())
    assert not any("negative" in warning.value for warning in page.warning)
    assert "black and white were exchanged" in html(page)
    np.testing.assert_allclose(page.session_state.film.pixels, film.pixels, atol=0.003)


def test_the_part_can_be_corrected_by_hand_and_by_link():
    page = opened(sample="chest")
    checked(page.selectbox(key="part").select("hand").run())
    assert "named by hand" in html(page) and "fracture: probability" in html(page)
    linked = opened(sample="chest", part="hand")
    assert "named by hand" in html(linked) and "fracture: probability" in html(linked)


def test_a_new_film_is_not_given_the_correction_of_the_last():
    page = opened(sample="chest", part="hand")
    checked(page.button(key="back to the start").click().run())
    checked(page.button(key="sample lower-leg").click().run())
    assert page.selectbox(key="part").value == "as recognized"
    assert "named by hand" not in html(page)


def test_the_controls_of_the_overlay_live_in_the_link():
    page = opened(sample="chest", rule="Otsu's threshold", direction="against")
    assert page.selectbox(key="rule").value == "otsu"
    assert f"what speaks against {display_name(asked(page))}" in map_words(page)


def test_nonsense_in_a_link_is_ignored():
    page = opened(sample="chest", part="knee", rule="rainbow", label="x")
    assert page.selectbox(key="part").value == "as recognized"
    assert page.selectbox(key="rule").value == "fraction"
    assert [one.value[:24] for one in page.error] == [
        "The link names a part 'k",
        "The link asks about 'x',",
    ]


def test_an_unknown_sample_in_a_link_is_refused_in_a_sentence():
    page = opened(sample="knee")
    assert "There is no sample 'knee'" in page.error[0].value


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_labels_of_every_model_can_be_explained_for_and_against(every):
    page = opened(sample="chest")
    choices = page.selectbox(key="label").options
    assert len(choices) > 9
    if not every:
        choices = list({choice.rpartition(" (")[2]: choice for choice in choices}.values())
        assert len(choices) == 1 + len(catalogue.for_part("chest"))
    for direction in ("for", "against"):
        page.segmented_control(key="direction").set_value(direction)
        for choice in choices:
            page.selectbox(key="label").set_value(choice)
            checked(page.run())
            label = choice.rpartition(" (")[0]
            assert f"what speaks {direction} {label}" in map_words(page), choice


def test_a_label_can_be_explained_over_another_one():
    page = opened(sample="chest", direction="over", label=PNEUMONIA)
    other = page.selectbox(key="other").options[0]
    assert f"what speaks for {display_name(asked(page))} rather than {other}" in map_words(page)
    members = catalogue.get(page.session_state.label.model).members(asked(page))
    assert not set(map(display_name, (asked(page), *members))) & set(
        page.selectbox(key="other").options
    )


def test_only_methods_that_fit_are_offered_and_the_reason_for_the_others_is_given():
    page = opened(sample="chest", label=f"chest ({catalogue.get('body-part').name})")
    question = page.session_state.label
    listed = page.selectbox(key=f"method-{question.model}").options
    reasons = prose(page)
    for one in explain.method_supports(catalogue.get(question.model)):
        words = f"{one.method.name} (slow)" if one.slow else one.method.name
        assert (words in listed) == one.fits
        assert one.fits or one.why in reasons


def test_method_and_layer_live_in_the_link_and_change_the_map():
    page = opened(sample="chest", label=PNEUMONIA, **{"method-chest-14": "Eigen-CAM"})
    assert page.selectbox(key="method-chest-14").value == "eigen-cam"
    last = map_of(page)
    name = "layer-chest-14-eigen-cam"
    layer = page.multiselect(key=name).options[1]
    link = {"method-chest-14": "Eigen-CAM", name: layer}
    page = opened(sample="chest", label=PNEUMONIA, **link)
    assert layer.startswith(f"{page.multiselect(key=name).value[0]}, ")
    assert map_of(page).shape != last.shape or (map_of(page) != last).any()
    checked(page.multiselect(key=name).set_value([]).run())
    assert (map_of(page) == last).all(), "without a layer the last activation is shown"


def test_a_link_shared_before_settings_were_kept_for_each_model_still_works():
    layer = "block6a_expand_activation, 14 × 14 cells"
    page = opened(sample="chest", label=PNEUMONIA, method="Eigen-CAM", layer=layer)
    assert page.selectbox(key="method-chest-14").value == "eigen-cam"
    assert page.multiselect(key="layer-chest-14-eigen-cam").value == ["block6a_expand_activation"]
    # what is copied from the browser from now on says the same
    assert page.query_params["method-chest-14"] == "Eigen-CAM"
    assert page.query_params["layer-chest-14-eigen-cam"] == layer
    assert not {"method", "layer"} & set(page.query_params)
    page = opened(sample="chest", label=PNEUMONIA, method="Sorcery", layer="x")
    assert (
        page.selectbox(key="method-chest-14").value == catalogue.get("chest-14").explanation.method
    )
    assert not {"method", "layer"} & set(page.query_params)


def test_each_model_begins_with_the_method_and_layer_of_its_card():
    page = opened(sample="chest", label=PNEUMONIA)
    for part, model in ((None, "chest-14"), ("wrist", "bone-wrist"), ("chest", "chest-14")):
        if part:
            checked(page.selectbox(key="part").set_value(part).run())
            label = next(iter(catalogue.get(model).thresholds))
            checked(page.selectbox(key="label").set_value(Question(model, label)).run())
        own = catalogue.get(model).explanation
        assert page.selectbox(key=f"method-{model}").value == own.method
        assert page.multiselect(key=f"layer-{model}-{own.method}").value == [own.layer]
        assert f"{explain.METHODS[own.method].name} at {own.layer}" in prose(page)


def test_what_a_visitor_chose_for_a_model_is_there_when_it_comes_back():
    page = opened(sample="chest", label=PNEUMONIA)
    checked(page.selectbox(key="method-chest-14").set_value("eigen-cam").run())
    checked(page.selectbox(key="part").set_value("wrist").run())
    assert page.session_state.label.model != "chest-14"
    assert "Eigen-CAM at" not in prose(page)
    checked(page.selectbox(key="part").set_value("chest").run())
    checked(page.selectbox(key="label").set_value(Question("chest-14", "Pneumonia")).run())
    assert page.selectbox(key="method-chest-14").value == "eigen-cam"


def test_a_new_film_is_asked_about_its_own_strongest_finding(chest):
    page = opened(sample="chest")
    other = next(one for one in page.selectbox(key="label").options[1:] if "Fourteen" in one)
    checked(page.selectbox(key="label").set_value(other).run())
    page.session_state["label chosen"] = False  # as if a film before had it as its strongest
    page.session_state["film_from_elsewhere"] = {"name": "a", "content": chest.read_bytes()}
    checked(page.run())
    strongest = page.selectbox(key="label").options[0]
    assert page.session_state.label.words == strongest != other
    # what a visitor chose stays for the next film
    checked(page.selectbox(key="label").set_value(other).run())
    page.query_params["sample"] = "chest"
    checked(page.run())
    assert page.session_state.label.words == other


def test_the_usual_area_of_one_label_is_not_asked_of_another():
    page = opened(sample="chest", rule="A share of the film", label=PNEUMONIA)

    def share():
        (slider,) = [one for one in page.slider if one.label == "Hottest share of the film"]
        return slider

    areas = {}
    for label in ("Pneumonia", "Effusion", "Mass"):
        checked(page.selectbox(key="label").set_value(Question("chest-14", label)).run())
        areas[label] = usual_area(catalogue.get("chest-14"), label)
        assert share().value == areas[label]
    assert len(set(areas.values())) > 1
    checked(share().set_value(0.33).run())
    checked(page.selectbox(key="label").set_value(Question("chest-14", "Pneumonia")).run())
    assert share().value == areas["Pneumonia"]


def test_layers_are_fused_into_one_map_that_says_so():
    name = "layer-chest-14-grad-cam"
    page = opened(sample="chest", label=PNEUMONIA, method="Grad-CAM")
    layers = [one.partition(",")[0] for one in page.multiselect(key=name).options[1:3]]
    checked(page.multiselect(key=name).set_value(layers).run())
    assert f"Grad-CAM at {' + '.join(layers)}, fused by mean" in prose(page)
    card, film = catalogue.get("chest-14"), page.session_state.film
    target = Query("Pneumonia").target(card)
    for fusion in ("mean", "max"):
        checked(page.segmented_control(key="fusion").set_value(fusion).run())
        true = explain.heat(card, film, target, MethodSpec("grad-cam", layers, (), fusion))
        assert is_shown(page, true)
    assert "Place not measured at all" in map_words(page), "of fused layers there are no figures"


def test_every_layer_can_be_chosen_the_telling_ones_first():
    page = opened(sample="chest", label=PNEUMONIA, method="Grad-CAM")
    card = catalogue.get("chest-14")
    listed = page.multiselect(key="layer-chest-14-grad-cam").options
    grids = {name: grid[:2] for name, grid in explain.layers(card).items() if min(grid[:2]) > 1}
    assert {one.partition(",")[0] for one in listed[1:]} == {*grids} - {explain.default_layer(card)}
    first = [one.partition(",")[0] for one in listed[1 : len(set(grids.values()))]]
    sizes = [grids[one] for one in first]
    assert card.explanation.layer in first
    assert sizes == sorted(set(sizes)), "each grid once, from deep and coarse to early and fine"


def test_a_layer_that_a_method_cannot_read_is_told_and_left_out():
    page = opened(sample="chest", label=PNEUMONIA, method="CAM")
    before = map_of(page)
    name = "layer-chest-14-cam"
    other = page.multiselect(key=name).options[1].partition(",")[0]
    checked(page.multiselect(key=name).set_value([other]).run())
    assert "CAM only reads" in prose(page) and "The last activation is shown." in prose(page)
    assert (map_of(page) == before).all()


def test_the_cost_of_a_slow_method_can_be_set_and_is_told():
    page = opened(sample="chest", label=PNEUMONIA, method="RISE (slow)")
    assert page.button(key="run method").label == "Run RISE (1,000 forward passes)"
    checked(page.selectbox(key="rise-masks").set_value(100).run())
    assert page.button(key="run method").label == "Run RISE (100 forward passes)"
    assert "Costs 100 forward passes." in prose(page)
    checked(page.button(key="run method").click().run())
    (job,) = page.session_state.jobs.values()
    job.wait(120)
    checked(page.run())
    assert "RISE, 100 masks" in prose(page)
    assert "RISE is measured with 1,000 masks, not 100 masks." in prose(page)
    card, film = catalogue.get("chest-14"), page.session_state.film
    true = explain.heat(card, film, Query("Pneumonia").target(card), "rise, masks=100")
    assert is_shown(page, true)


@pytest.mark.parametrize(
    ("method", "option", "value", "passes"),
    [
        ("Score-CAM (slow)", "score-cam-top", 64, "65 forward passes"),
        ("SmoothGrad (slow)", "smoothgrad-samples", 8, "8 forward and 8 backward passes"),
        ("Integrated Gradients (slow)", "integrated-gradients-steps", 16, "16 forward and 16 back"),
        ("Occlusion (slow)", "occlusion-stride", 32, "49 forward passes"),
    ],
)
def test_each_slow_method_has_what_sets_its_cost(method, option, value, passes):
    page = opened(sample="chest", label=PNEUMONIA, method=method)
    before = page.button(key="run method").label
    if method.startswith("Score-CAM"):
        layers = page.multiselect(key="layer-chest-14-score-cam")
        checked(layers.set_value(["block6a_expand_activation"]).run())
    checked(page.selectbox(key=option).set_value(value).run())
    assert passes in page.button(key="run method").label != before


def test_a_finding_of_another_model_is_asked_for_when_it_is_clicked():
    page = opened(sample="chest", label=PNEUMONIA)
    rows = viewer(page)["findings"]
    other = next(row for row in rows if row["model"] != "chest-14")
    page.session_state["label"] = explaining.question_of(other["id"])
    checked(page.run())
    assert viewer(page)["selected"] == other["id"] and map_of(page) is not None


def test_a_slow_method_waits_for_a_click_then_runs_and_can_be_stopped():
    page = opened(sample="chest", method="RISE (slow)")
    assert map_of(page) is None and "has not run yet" in viewer(page)["message"]
    assert list(viewer(page)["saves"]) == ["picture"], "there is the film alone"
    checked(page.button(key="run method").click().run())
    (job,) = page.session_state.jobs.values()
    checked(page.button(key="stop method").click().run())
    job.wait(60)
    checked(page.run())
    assert job.stopped
    assert page.button(key="run method").label.startswith("Run RISE (1,000 forward passes")


def test_boxes_of_every_map_go_over_and_follow_the_rule():
    page = opened(sample="chest", label=PNEUMONIA, method="Grad-CAM")
    wide = boxes(page)[0]
    assert "of the heat" in wide["words"] and display_name(asked(page)) in wide["words"]
    boxed = {one["map"] for one in viewer(page)["boxes"]}
    assert len(boxed) > 5 and boxed <= set(viewer(page)["sprites"][0]["ids"])
    checked(page.slider(key="fraction-share").set_value(0.7).run())
    assert boxes(page)[0]["width"] < wide["width"]
    checked(page.selectbox(key="rule").set_value("otsu").run())
    assert boxes(page)


@pytest.mark.parametrize(
    ("direction", "named"), [("against", "against pneumonia"), ("over", "pneumonia over ")]
)
def test_heat_against_a_finding_is_never_boxed_as_that_finding(direction, named):
    page = opened(sample="chest", label=PNEUMONIA, direction=direction)
    captions = [one["words"] for one in boxes(page)]
    assert captions and all(one.lower().startswith(named) for one in captions)
    # each line of such a file is read as the place of a disease
    assert list(viewer(page)["saves"]) == ["picture"]
    assert "only of what speaks for a finding" in prose(page)
    checked(page.segmented_control(key="direction").set_value("for").run())
    assert "Boxes as COCO" in viewer(page)["saves"].values()


def ask_to_save(page, kind, **more):
    """Run the page as when somebody saves what the viewer shows; the file."""
    page.session_state["film-viewer save"] = {"kind": kind, "id": viewer(page)["selected"]} | more
    checked(page.run())
    saved = viewer(page)["saved"]
    return saved["name"], content(saved["url"])


def test_the_picture_is_saved_as_it_is_shown_at_the_film_s_own_size():
    page = opened(sample="chest", label=PNEUMONIA)
    style = {"opacity": 0.7, "threshold": 0.4, "colormap": "viridis", "contour": False}
    name, saved = ask_to_save(page, "picture", number=1, boxes=False, **style)
    assert name == "radlens-overlay.png" and viewer(page)["saved"]["number"] == 1
    film, card = page.session_state.film, catalogue.get("chest-14")
    true = explain.heat(card, film, Query("Pneumonia").target(card), MethodSpec.of_card(card))
    wanted = overlay_of.overlay(
        film.pixels, true.on_radiograph(), overlay_of.Style("viridis", 0.7, 0.4, contour=False)
    )
    with Image.open(io.BytesIO(saved)) as picture:
        assert np.array_equal(np.asarray(picture), wanted)
    _, boxed = ask_to_save(page, "picture", number=2, boxes=True, **style)
    assert boxed != saved
    checked(page.run())
    assert "saved" not in viewer(page), "it is made once"


def test_files_of_boxes_say_how_they_were_made():
    page = opened(sample="chest", label=PNEUMONIA)
    own = MethodSpec.of_card(catalogue.get("chest-14"))
    name, saved = ask_to_save(page, "boxes json")
    assert name == "radlens-boxes.json"
    made_by = f"chest-14, {own.name}, fraction:0.5, what speaks for Pneumonia"
    assert made_by in json.loads(saved).values()
    # of another label that was clicked in the browser, without the server's knowing
    _, other = ask_to_save(page, "boxes text", id="chest-14:Effusion")
    assert box_files.parse(other.decode())[0].boxes[0].label == "Effusion"
    checked(page.selectbox(key="rule").set_value("otsu").run())
    _, coco = ask_to_save(page, "boxes coco")
    assert ", otsu, " in coco.decode()


def test_a_run_of_a_page_leaves_compiled_networks_alone(monkeypatch):
    cleared = []
    monkeypatch.setattr(keras.backend, "clear_session", lambda: cleared.append(True))
    opened(sample="chest")
    assert not cleared


def test_asking_about_another_finding_costs_no_pass(monkeypatch):
    page = opened(sample="chest", label=PNEUMONIA)
    layer = catalogue.get("chest-14").explanation.layer
    assert layer != explain.default_layer(catalogue.get("chest-14")), "gradients are passed back"
    assert "1 backward pass, together with those of the other 13 labels." in prose(page)
    ran = watched(monkeypatch)
    model, before = page.session_state.label.model, map_of(page)
    others = [one for one in page.session_state.reading.findings if one.model == model]
    assert len(others) > 1
    label = next(one.label for one in others if one.label != asked(page))
    checked(
        page.selectbox(key="label")
        .set_value(f"{display_name(label)} ({catalogue.get(model).name})")
        .run()
    )
    assert f"what speaks for {display_name(label)}" in map_words(page)
    assert (map_of(page) != before).any()
    for direction in ("against", "over"):
        before = map_of(page)
        checked(page.segmented_control(key="direction").set_value(direction).run())
        assert (map_of(page) != before).any()
        assert "Costs no further pass (" in prose(page)
    checked(page.selectbox(key="method-chest-14").set_value("layercam").run())
    checked(page.multiselect(key="layer-chest-14-layercam").set_value([layer]).run())
    assert f"LayerCAM at {layer}" in prose(page)
    assert not ran
    checked(
        page.multiselect(key="layer-chest-14-layercam")
        .set_value(["block4a_expand_activation"])
        .run()
    )
    assert ran == ["front", "gradient"]


def test_a_slow_method_that_has_run_answers_for_every_label(monkeypatch):
    page = opened(sample="chest", label=PNEUMONIA, method="Occlusion (slow)")
    checked(page.selectbox(key="occlusion-stride").set_value(32).run())
    checked(page.button(key="run method").click().run())
    (job,) = page.session_state.jobs.values()
    job.wait(120)
    checked(page.run())
    assert "Costs 49 forward passes." in prose(page)
    ran = watched(monkeypatch)
    checked(page.selectbox(key="label").set_value(Question("chest-14", "Effusion")).run())
    assert "what speaks for Effusion" in map_words(page) and map_of(page).max() > 0.9
    assert "Costs no further pass (" in prose(page) and "what it needs is kept" in prose(page)
    assert "run method" not in [one.key for one in page.button] and not ran
    card, film = catalogue.get("chest-14"), page.session_state.film
    true = explain.heat(card, film, Query("Effusion").target(card), "occlusion, stride=32")
    assert is_shown(page, true)
    # of other settings nothing is kept
    checked(page.selectbox(key="occlusion-stride").set_value(16).run())
    assert page.button(key="run method").label == "Run Occlusion (225 forward passes)"


def test_fused_gradients_can_be_stopped():
    page = opened(sample="chest", label=PNEUMONIA, method="Grad-CAM")
    layers = [
        one.partition(",")[0] for one in page.multiselect(key="layer-chest-14-grad-cam").options
    ]
    checked(page.multiselect(key="layer-chest-14-grad-cam").set_value(layers[1:5]).run())
    checked(page.button(key="run method").click().run())
    (job,) = page.session_state.jobs.values()
    checked(page.button(key="stop method").click().run())
    job.wait(300)
    checked(page.run())
    assert job.stopped and page.button(key="run method").label.startswith("Run Grad-CAM (")


def test_heat_in_the_borders_that_made_the_film_square_is_told(chest):
    page = opened()
    page.file_uploader[0].upload("film", strip_of(chest), "image/png")
    checked(page.run())
    checked(page.selectbox(key="part").select("chest").run())
    checked(page.selectbox(key="label").set_value(Question("chest-14", "Atelectasis")).run())
    checked(page.segmented_control(key="direction").set_value("against").run())
    checked(page.selectbox(key="method-chest-14").set_value("grad-cam").run())
    card, film = catalogue.get("chest-14"), page.session_state.film
    true = explain.heat(card, film, Query("Atelectasis", "against").target(card), "grad-cam")
    assert true.outside > 0.5
    words = viewer(page)
    warnings = words["cautions"][words["selected"]]
    (message,) = [one for one in warnings if "the black borders that made" in one]
    assert message.startswith(f"{true.outside * 100:.0f} % of the heat lies in the black borders")
    scale = words["sprites"][0]["scales"][words["sprites"][0]["ids"].index(words["selected"])]
    assert scale > 1, "what is shown is relative to its own hottest point"


def test_a_rule_that_draws_no_box_says_why():
    even = np.full((8, 8), 0.5, np.float32)
    query, film = Query("Pneumonia"), Radiograph(np.zeros((16, 16), np.float32), "drawn")
    otsu = Rule("otsu", None)
    assert not explaining.boxes_of(even, query, otsu, film)
    assert explaining.no_boxes(even, otsu) == (
        "No box: Otsu's threshold finds nothing that is hotter than the rest of this map. "
        "Choose another rule under “Boxes are around”."
    )
    assert not explaining.boxes_of(even * 0, query, Rule(), film)
    assert "there is no heat" in explaining.no_boxes(even * 0, Rule())


def test_names_of_labels_are_words_on_every_screen():
    raw = [one for card in catalogue.catalogue().values() for one in card.labels if "_" in one]
    assert raw
    cards = opened("models.py", model="chest-14")
    for page in (opened(sample="chest"), opened("compare.py", sample="chest"), cards):
        seen = html(page) + prose(page) + "".join(headers(page))
        seen += "".join("".join(one.options) for one in (*page.selectbox, *page.multiselect))
        assert not [one for one in raw if one in seen]
        assert all(display_name(one) in seen for one in raw)


def test_damaged_weights_are_told_in_a_sentence(tmp_path, monkeypatch):
    assets = tmp_path / "assets"
    shutil.copytree(catalogue.assets(), assets)
    weights = assets / "weights" / catalogue.get("body-part").weights.file
    content = bytearray(weights.read_bytes())
    content[-1] ^= 255
    weights.write_bytes(content)
    card = assets / "models" / "body-part.json"
    raw = json.loads(card.read_text())
    raw["weights"]["sha256"] = "0" * 64  # else the network in memory would be used, rightly
    card.write_text(json.dumps(raw))
    monkeypatch.setenv("RADLENS_ASSETS", str(assets))
    page = opened(sample="chest")
    assert weights.name in page.error[0].value and "Restore it" in page.error[0].value
