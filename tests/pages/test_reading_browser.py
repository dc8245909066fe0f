"""The Read page in a real browser: all on one screen, and the ways back and on."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

PATIENCE = 300_000  # milliseconds: the first reading loads the models, on whatever machine
HEAT = '[aria-label="Opacity of the heat"], .settings input[type="range"]'


def opened(browser, url, width=1440, height=900, **more):
    page = browser.new_page(viewport={"width": width, "height": height}, **more)
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    return page


def box(page, selector, number=0):
    """Where something stands on the screen: left, top, right, bottom."""
    one = page.locator(selector).nth(number)
    one.wait_for()
    at = one.bounding_box()
    return at["x"], at["y"], at["x"] + at["width"], at["y"] + at["height"]


def drawn(seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 40)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"name": f"{seed}.png", "mimeType": "image/png", "buffer": file.getvalue()}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_film_overlay_findings_and_heat_are_on_screen_together(browser, address, theme):
    page = opened(browser, f"{address}/?sample=chest", color_scheme=theme)
    wanted = {
        "verdict": box(page, "h1.rl-verdict"),
        "film": box(page, ".pane", 0),
        "overlay": box(page, ".pane", 1),
        "first finding": box(page, ".row", 0),
        "third finding": box(page, ".row", 2),
        "heat": box(page, HEAT),
        "part": box(page, ".st-key-film-controls"),
    }
    for name, (left, top, right, bottom) in wanted.items():
        assert 0 <= left < right <= 1440 and 0 <= top < bottom <= 900, name
    film, overlay, row = wanted["film"], wanted["overlay"], wanted["first finding"]
    assert film[2] <= overlay[0] and overlay[2] <= row[0], "beside each other"
    assert (film[2] - film[0]) * (film[3] - film[1]) > 0.15 * 1440 * 900, "large enough to read"
    page.close()


def test_on_a_phone_the_picture_comes_first(browser, address):
    page = opened(browser, f"{address}/?sample=chest", 390, 844)
    picture = box(page, ".pane")
    assert picture[3] <= 844, "without scrolling"
    for later in (".row", HEAT, ".st-key-film-controls"):
        assert box(page, later)[1] >= picture[3], later
    wide = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth - main.clientWidth; }"
    )
    assert wide == 0
    page.close()


def test_the_browser_goes_back_to_the_start_and_from_compare_to_the_film(browser, address):
    page = opened(browser, address)
    page.get_by_role("button", name="Lower leg (DICOM)").click()
    page.wait_for_url(re.compile("sample=lower-leg"))
    expect(page.locator("h1.rl-verdict")).to_contain_text(
        "No part that RadLens reads", timeout=PATIENCE
    )
    page.go_back()
    page.get_by_role("button", name="Lower leg (DICOM)").click()
    expect(page.locator("h1.rl-verdict")).to_contain_text(
        "No part that RadLens reads", timeout=PATIENCE
    )
    page.get_by_test_id("stTopNavLink").filter(has_text="Compare").click()
    page.get_by_role("link", name="Back to the film").click()
    expect(page.locator("h1.rl-verdict")).to_contain_text(
        "No part that RadLens reads", timeout=PATIENCE
    )
    page.close()


def test_the_next_film_is_one_key_away(browser, address):
    page = opened(browser, address)
    page.locator('input[type="file"]').set_input_files([drawn(1), drawn(2)])
    expect(page.get_by_text("Film 1 of 2")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("n")
    expect(page.get_by_text("Film 2 of 2")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("p")
    expect(page.get_by_text("Film 1 of 2")).to_be_visible(timeout=PATIENCE)
    page.go_back()
    expect(page.get_by_text("Film 2 of 2")).to_be_visible(timeout=PATIENCE)
    page.close()


def test_whoever_walks_by_keyboard_sees_where_they_are(browser, address):
    page = opened(browser, address)
    page.get_by_role("button", name="Lower leg (DICOM)").wait_for()
    seen = 0
    for _ in range(30):
        page.keyboard.press("Tab")
        ring = page.evaluate(
            "() => { const at = document.activeElement;"
            " if (at === document.body) return null;"
            " const style = getComputedStyle(at);"
            " return [style.outlineStyle, parseFloat(style.outlineWidth)]; }"
        )
        if ring:
            assert ring[0] != "none" and ring[1] >= 2
            seen += 1
    assert seen > 15
    page.close()


def test_a_finding_leads_to_the_place_of_the_film_among_the_held_out_ones_and_back(
    browser, address, chest
):
    page = opened(browser, address)
    page.locator('input[type="file"]').set_input_files(chest)
    page.get_by_role("link", name="This film among the held-out films").click()
    page.wait_for_url(re.compile(r"/performance\?.*film=0\.\d+"))
    for said in ("model=", "threshold=0."):
        assert said in page.url
    assert chest.name not in page.url
    expect(page.get_by_role("heading", name="Your film among these")).to_be_visible(
        timeout=PATIENCE
    )
    page.go_back()
    expect(page.locator("h1.rl-verdict")).to_contain_text("called", timeout=PATIENCE)
    page.close()
