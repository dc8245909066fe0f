"""The dashboard in a real browser. Without Chromium these tests are skipped by name."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sklearn import metrics

from pages.comparing.choosing import START
from xray_models import catalogue

PATIENCE = 300_000  # milliseconds: the first reading loads the models, on whatever machine
FRACTURE = "Confusion matrix of fracture; rows are the truth."
POINT = """() => {
  const chart = document.querySelector('.st-key-figure-roc [data-testid="stPlotlyChart"]');
  const dot = getComputedStyle(chart, '::after');
  const plot = chart.querySelector('.nsewdrag').getBoundingClientRect();
  const whole = chart.getBoundingClientRect();
  const x = (whole.left + parseFloat(dot.left) - plot.left) / plot.width;
  const y = (plot.bottom - whole.top - parseFloat(dot.top)) / plot.height;
  return {x: 1.04 * x - 0.02, y: 1.04 * y - 0.02};
}"""
"""Where the dot on the ROC curve stands, by the axes that Plotly has drawn from -0.02 to 1.02."""


def open_page(browser: Browser, url: str, width: int = 1440, height: int = 900) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, accept_downloads=True)
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    return page


PANE = "canvas[role=img]"
PAINTED = """() => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
  .map((host) => host.shadowRoot?.querySelector('.viewer')?.viewer)
  .some((one) => one?.frames > 0 && one.painter.maps.size > 0)"""


def painted(page: Page) -> None:
    """Wait until film and heat are on the screen."""
    page.locator(PANE).first.wait_for()
    page.wait_for_function(PAINTED)


def rest(page: Page) -> None:
    """Wait until the page has run to its end."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')"
        ".getAttribute('data-test-script-state') === 'notRunning'"
    )
    page.wait_for_timeout(500)


def picture(page: Page, number: int) -> bytes:
    """What a pane of the viewer shows."""
    return page.locator(PANE).nth(number).screenshot()


def place(page: Page, number: int) -> dict[str, float]:
    """Where a picture lies on the screen, in pixels."""
    page.locator(PANE).nth(number).wait_for()
    found = page.locator(PANE).nth(number).bounding_box()
    assert found
    return found


def too_wide(page: Page) -> int:
    """Pixels by which the page is wider than the screen."""
    return page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth - main.clientWidth; }"
    )


def test_upload_read_move_a_slider_and_save_the_overlay(browser, address, chest):
    page = open_page(browser, address)
    sent: list[object] = []
    page.on("websocket", lambda one: one.on("framesent", lambda message: sent.append(message)))
    page.reload()
    page.locator('input[type="file"]').set_input_files(chest)
    expect(page.locator(".rl-part")).to_contain_text("chest", timeout=PATIENCE)
    expect(page.get_by_text("For teaching and research, not for diagnosis.").first).to_be_visible()
    painted(page)
    rest(page)

    assert sent
    sent.clear()
    film, before = picture(page, 0), picture(page, 1)
    page.get_by_role("slider", name="Opacity of the heat").press("ArrowRight")
    page.get_by_role("slider", name="Opacity of the heat").press("ArrowRight")
    page.wait_for_timeout(300)
    assert picture(page, 0) == film and picture(page, 1) != before
    chosen = page.locator(".finding.chosen").get_attribute("class")
    rows = page.locator(".finding")
    model = rows.locator(".row").first.get_attribute("data-finding").partition(":")[0]
    of_model = page.locator(f'.row[data-finding^="{model}:"]')
    of_model.last.click()
    page.wait_for_timeout(300)
    assert chosen and sent == [], "the server is asked for nothing"
    assert chest.name not in page.url

    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture as PNG").click()
    assert download.value.suggested_filename == "radlens-overlay.png"
    with Image.open(io.BytesIO(Path(download.value.path()).read_bytes())) as saved:
        assert saved.format == "PNG" and saved.size == (1841, 1955)
        assert np.unique(np.asarray(saved).reshape(-1, 3), axis=0).shape[0] > 256  # not gray alone
    page.close()


def test_a_finding_of_another_model_and_full_resolution_come_from_the_server(browser, address):
    page = open_page(browser, f"{address}/?sample=chest")
    painted(page)
    rest(page)
    first = page.locator(".finding.chosen .row").get_attribute("data-finding")
    model = first.partition(":")[0]
    other = page.locator(f'.row:not([data-finding^="{model}:"])').first
    wanted = other.get_attribute("data-finding")
    other.click()
    page.wait_for_function(
        PAINTED.replace("one.painter.maps.size > 0", f"one.painter.maps.has({wanted!r})")
    )
    assert page.locator(".finding.chosen .row").get_attribute("data-finding") == wanted
    at = place(page, 0)
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.wheel(0, -1500)
    page.wait_for_function(PAINTED.replace("one.painter.maps.size > 0", "one.painter.full"))
    page.close()


def test_window_and_zoom_are_the_same_on_read_and_compare(browser, address):
    page = open_page(browser, f"{address}/?sample=chest")
    painted(page)
    page.get_by_role("slider", name="Window level").press("ArrowLeft")
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(500)
    page.goto(f"{address}/compare?sample=chest")
    painted(page)
    expect(page.get_by_role("slider", name="Window level")).to_have_value("49")
    expect(page.locator(".zoom")).to_have_text("125 %")
    page.close()


def test_nothing_is_asked_from_another_server(browser, address):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/?sample=chest")
    painted(page)
    assert asked
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    page.close()


@pytest.mark.parametrize("number", [0, 1])
def test_pointing_at_a_picture_tells_position_gray_and_heat(browser, address, number):
    page = open_page(browser, f"{address}/?sample=chest")
    painted(page)
    at = place(page, number)
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    readout = page.locator(".readout")
    expect(readout).to_have_text(re.compile(r"x 9\d\d, y 9\d\d px · gray \d+ % · heat \d+ %"))
    page.close()


def test_film_heat_and_findings_are_on_the_screen_and_fit_a_phone(browser, address):
    for width, height in ((1440, 900), (390, 844)):
        page = open_page(browser, f"{address}/?sample=chest", width, height)
        painted(page)
        rest(page)
        if width > 640:
            film, overlay = place(page, 0), place(page, 1)
            assert film["width"] == pytest.approx(overlay["width"], abs=1)
            assert film["height"] == pytest.approx(overlay["height"], abs=1)
            for what in (".toolbar", ".stage", ".settings", ".panel"):
                at = page.locator(what).bounding_box()
                assert at and at["y"] + at["height"] <= height, what
        else:
            order = [
                page.locator(one).bounding_box()["y"] for one in (".stage", ".toolbar", ".panel")
            ]
            assert order == sorted(order) and order[0] < height / 2
        assert too_wide(page) == 0, f"at {width} px"
        page.close()


def test_maps_are_compared_in_one_frame_that_fits_a_phone(browser, address):
    for width, height in ((1440, 900), (390, 800)):
        page = open_page(browser, f"{address}/compare?sample=chest", width, height)
        painted(page)
        first, panes = place(page, 0), page.locator(PANE)
        for number in range(1, panes.count()):
            other = place(page, number)
            assert other["width"] == pytest.approx(first["width"], abs=1)
            assert other["height"] == pytest.approx(first["height"], abs=1)
        # the film, the usual methods, and the card's own where that is another
        assert panes.count() - 1 - len(START) in (0, 1)
        expect(page.locator(".rl-agreement")).to_be_visible()
        assert too_wide(page) == 0, f"at {width} px"
        page.close()


def expected(cut: float) -> list[int]:
    """TP, FN, FP, TN of the general bone model on its test films, counted without our own code."""
    table = pd.read_csv(catalogue.table_path(catalogue.get("bone-general")), keep_default_na=False)
    films = table[table["split"] == "test"]
    truth, called = films["truth"] == "fracture", films["p:fracture"].astype(float) >= cut
    (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, called, labels=[False, True])
    return [tp, fn, fp, tn]


def test_the_keys_move_the_threshold_and_the_matrix_follows(browser, address):
    page = open_page(browser, address, height=1400)
    page.get_by_role("link", name="Performance").click()
    page.get_by_role("combobox", name="Model").wait_for()
    page.goto(f"{address}/performance?model=bone-general&threshold=0.3")
    matrix = page.get_by_role("img", name=FRACTURE).or_(page.get_by_label(FRACTURE)).first
    expect(matrix).to_contain_text("true positives", timeout=PATIENCE)
    slider = page.get_by_role("slider", name="Threshold")
    # faster than the server answers, and with a turn
    for keys, cut in (
        (["ArrowRight"] * 12, 0.312),
        (["ArrowRight", *["ArrowLeft"] * 4], 0.309),
    ):
        for key in keys:
            slider.press(key)
        page.wait_for_url(re.compile(rf"threshold={cut}$"))
        for number in expected(cut):
            expect(matrix).to_contain_text(f"{number:,}", timeout=PATIENCE)
        page.wait_for_timeout(1000)  # an answer that comes late must not take it back
        assert page.url.endswith(f"threshold={cut}")
        expect(slider).to_have_value(f"{cut}")
        expect(page.get_by_label("Or type it")).to_have_value(f"{cut:.5f}")
        for number in expected(cut):
            expect(matrix).to_contain_text(f"{number:,}")
    at = page.evaluate(POINT)
    tp, fn, fp, tn = expected(cut)
    assert at["x"] == pytest.approx(fp / (fp + tn), abs=0.01)
    assert at["y"] == pytest.approx(tp / (tp + fn), abs=0.01)
    # by hand: the thumb is dragged to the right end, where hardly any film is called
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 4000, box["y"], steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("threshold=1"))
    expect(matrix).to_contain_text(f"{expected(1.0)[1]:,}", timeout=PATIENCE)
    assert too_wide(page) == 0
    page.close()


def test_a_link_to_a_page_of_a_fresh_server_shows_it_inside_the_app(browser, fresh_address):
    page = open_page(browser, f"{fresh_address}/performance")
    for name in ("Read", "Compare", "Models", "Performance", "Errors", "Batch", "About"):
        link = page.get_by_test_id("stTopNavLink").filter(has_text=name)
        expect(link).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE)
    page.close()


def test_every_control_can_be_reached_by_keyboard(browser, address):
    page = open_page(browser, f"{address}/?sample=chest")
    painted(page)
    rest(page)
    wanted = {
        "Part",
        "Pictures",
        "Opacity of the heat",
        "Show heat from",
        "Color map",
        "Window level",
        "Save",
        "Method, layer and boxes",
        "Reading as JSON",
    }
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { let one = document.activeElement; one = one.shadowRoot?.activeElement ?? one;"
            " return (one.getAttribute('aria-label') || one.innerText || '').trim(); }"
        )
        reached |= {one for one in wanted if one in name}
        if reached == wanted:
            break
    assert reached == wanted
    page.close()
