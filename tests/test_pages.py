"""Every page, run by Streamlit's own test runner on real films with the real models."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import classify
from xray_models import PARTS, catalogue
from xray_models.samples import SAMPLES

MAIN = Path(__file__).parent.parent / "main.py"
NOTICE = "For teaching and research, not for diagnosis."


def opened(**link):
    """The page that a link opens."""
    page = AppTest.from_file(str(MAIN), default_timeout=120)
    for name, value in link.items():
        page.query_params[name] = value
    return checked(page.run())


def checked(page):
    assert not page.exception, page.exception[0].message
    return page


def html(page):
    return "\n".join(block.body for block in page.html)


def overlay(page):
    """The overlay's figure as it goes to the browser."""
    (found,) = [chart for chart in page.get("plotly_chart") if "heat over it" in chart.proto.alt]
    return json.loads(found.proto.spec or found.proto.figure.spec)


def noise():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_the_first_page_says_what_can_be_read_and_what_for():
    page = opened()
    assert NOTICE in html(page)
    assert all(part in page.markdown[0].value for part in PARTS)
    assert not page.error and not page.warning
    assert {button.label for button in page.button} == {one.title for one in SAMPLES.values()}


def test_a_click_on_a_sample_opens_its_reading_and_puts_it_into_the_link():
    page = opened()
    checked(page.button(key="sample chest").click().run())
    assert page.query_params["sample"] == "chest"
    assert '<p class="rl-part">chest <small>' in html(page)


def test_a_chest_shows_part_findings_overlay_facts_and_time():
    page = opened(sample="chest")
    reading = classify.read(page.session_state.film)
    text = html(page)
    assert "Runner-up: " in text and NOTICE in text
    assert reading.findings
    for finding in reading.findings:
        assert f'aria-label="{finding.label}: probability' in text
        assert f"left:{finding.threshold:.2%}" in text
    assert overlay(page)["layout"]["images"][0]["sizex"] == 1841
    assert any("Time taken" in caption.value for caption in page.caption)
    assert "<dd>CR</dd>" in text and "<dd>MONOCHROME1</dd>" in text
    assert [button.label for button in page.get("download_button")] == [
        "Overlay as PNG",
        "Reading as JSON",
    ]


def test_both_pictures_answer_the_mouse_with_position_intensity_and_heat():
    page = opened(sample="chest")
    charts = page.get("plotly_chart")
    assert len(charts) == 2 and all(chart.proto.alt for chart in charts)
    trace = overlay(page)["data"][0]
    for word in ("x %{x", "y %{y", "intensity %{z", "heat %{customdata"):
        assert word in trace["hovertemplate"]


def test_an_upload_is_read_and_its_name_goes_nowhere(chest):
    page = opened()
    page.file_uploader[0].upload("Doe^Jane 1970.dcm", chest.read_bytes(), "application/dicom")
    checked(page.run())
    assert '<p class="rl-part">chest' in html(page)
    shown = html(page) + "".join(one.value for one in (*page.markdown, *page.caption))
    assert "Doe" not in shown and "Doe" not in str(page.query_params)


def test_an_upload_takes_the_place_of_a_sample(chest):
    page = opened(sample="lower-leg")
    page.file_uploader[0].upload("film", chest.read_bytes(), "application/dicom")
    checked(page.run())
    assert "sample" not in page.query_params
    assert '<p class="rl-part">chest' in html(page)
    checked(page.button(key="sample lower-leg").click().run())
    assert '<p class="rl-part">chest' not in html(page)


def test_film_and_settings_are_still_there_after_a_look_at_another_page(chest):
    page = opened()
    page.file_uploader[0].upload("film", chest.read_bytes(), "application/dicom")
    checked(page.run())
    checked(page.slider(key="opacity").set_value(0.8).run())
    checked(page.switch_page("pages/models.py").run())
    checked(page.switch_page("pages/read.py").run())
    assert '<p class="rl-part">chest' in html(page)
    assert page.slider(key="opacity").value == 0.8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7 whatever", "This is a PDF"),
        (b"nothing that anyone knows", "not a picture in a format that RadLens reads"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
    ],
)
def test_what_is_no_radiograph_is_refused_in_a_sentence(content, sentence):
    page = opened()
    page.file_uploader[0].upload("file", content, "application/octet-stream")
    checked(page.run())
    assert sentence in page.error[0].value
    assert not page.get("plotly_chart")


def test_noise_is_called_unsure_and_can_still_be_explained():
    page = opened()
    page.file_uploader[0].upload("noise.png", noise(), "image/png")
    checked(page.run())
    assert '<p class="rl-part">not sure</p>' in html(page)
    assert "does not recognize" in page.warning[0].value
    assert overlay(page)["layout"]["images"]


def test_the_part_can_be_corrected_by_hand_and_by_link():
    page = opened(sample="chest")
    checked(page.selectbox(key="part").select("hand").run())
    assert "Named by hand" in html(page) and "fracture: probability" in html(page)
    linked = opened(sample="chest", part="hand")
    assert "Named by hand" in html(linked) and "fracture: probability" in html(linked)


def test_a_new_film_is_not_given_the_correction_of_the_last():
    page = opened(sample="chest", part="hand")
    checked(page.button(key="sample lower-leg").click().run())
    assert page.selectbox(key="part").value == "as recognized"
    assert "Named by hand" not in html(page)


def test_the_controls_of_the_overlay_live_in_the_link():
    page = opened(sample="chest", opacity="0.7", heat="0.5", colormap="jet", direction="against")
    assert page.slider(key="opacity").value == 0.7
    assert page.slider(key="heat").value == 0.5
    assert page.selectbox(key="colormap").value == "jet"
    assert any("speaks against" in caption.value for caption in page.caption)


def test_nonsense_in_a_link_is_ignored():
    page = opened(sample="chest", part="knee", opacity="7", colormap="rainbow", label="x")
    assert page.selectbox(key="part").value == "as recognized"
    assert page.slider(key="opacity").value == 0.5
    assert page.selectbox(key="colormap").value == "inferno"
    assert not page.error


def test_an_unknown_sample_in_a_link_is_refused_in_a_sentence():
    page = opened(sample="knee")
    assert "There is no sample 'knee'" in page.error[0].value


def test_every_label_of_every_model_can_be_explained_for_and_against():
    page = opened(sample="chest")
    choices = page.selectbox(key="label").options
    assert len(choices) > 9
    for direction in ("for", "against"):
        page.segmented_control(key="direction").set_value(direction)
        for choice in choices:
            page.selectbox(key="label").set_value(choice)
            checked(page.run())
            label = choice.rpartition(" (")[0]
            said = f"What speaks {direction} {label}."
            assert any(said in caption.value for caption in page.caption), choice


def test_moving_a_slider_changes_the_overlay_and_reads_nothing_again(monkeypatch):
    page = opened(sample="chest")
    before = overlay(page)
    calls = []
    for name in ("read", "explain"):
        real = getattr(classify, name)
        monkeypatch.setattr(
            classify, name, lambda *a, real=real, **k: calls.append(real) or real(*a, **k)
        )
    checked(page.slider(key="opacity").set_value(0.9).run())
    after = overlay(page)
    assert after["layout"]["images"] != before["layout"]["images"]
    assert after["data"] == before["data"]
    assert not calls


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


def test_every_card_is_shown_with_figures_intervals_and_limits():
    page = checked(opened().switch_page("pages/models.py").run())
    text = html(page) + "\n".join(block.value for block in page.markdown)
    headers = [header.value for header in page.header]
    for card in catalogue.catalogue().values():
        assert card.name in headers
        assert card.held_out.figures
        for name, one in card.held_out.figures.items():
            assert f"{name}: {one.value:.3f}, 95 % interval {one.low:.3f} to" in text
        for sentence in (*card.limits, *card.training.data, *card.references, card.weights.license):
            assert sentence in text
    assert NOTICE in text


def test_a_broken_card_is_told_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "broken.json").write_text('{"id": "broken", "color": 1}')
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    page = checked(opened().switch_page("pages/models.py").run())
    assert "broken.json: unknown field 'color'" in page.error[0].value


def test_the_page_about_radlens_says_what_becomes_of_an_upload():
    page = checked(opened().switch_page("pages/about.py").run())
    assert NOTICE in html(page)
    assert any("not\nwritten to disk" in block.value for block in page.markdown)
