"""The viewer in a real browser: what it paints, and what it answers to."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import viewer_page as viewer
from PIL import Image
from playwright.sync_api import Page, expect

from xray_models.radiograph import Radiograph
from xray_models.viz import overlay
from xray_models.viz.overlay import Style
from xray_models.viz.viewer_data import BoxData, FilmData, MapSprite, Tile

LIGHT = {"text": "#14212c", "background": "#fbfcfd", "secondary-background": "#eef2f5"}
DARK = {"text": "#e5ebf0", "background": "#0f1419", "secondary-background": "#1a222a"}
ACCENT = {"light": ("#0a6580", "#0a6580"), "dark": ("#5cc0dc", "#7fd0e8")}


def state(page: Page, what: str):
    """Something of the viewer as it is now."""
    return page.evaluate(f"() => viewer().{what}")


def sent(page: Page) -> list:
    """What the server was told."""
    return page.evaluate("() => window.sent")


def frame(page: Page, pane: int = 0) -> dict[str, float]:
    found = page.locator(".pane").nth(pane).bounding_box()
    assert found
    return found


def middle(page: Page, pane: int = 0) -> tuple[float, float]:
    at = frame(page, pane)
    return at["x"] + at["width"] / 2, at["y"] + at["height"] / 2


def film_point(page: Page, x: float, y: float, pane: int = 0) -> list[float]:
    """Point of the film under a point of the screen."""
    at = frame(page, pane)
    return page.evaluate(
        "([pane, x, y]) => viewer().filmPoint({pane: viewer().panes[pane], x, y})",
        [pane, x - at["x"], y - at["y"]],
    )


def drag(page: Page, dx: float, dy: float, pane: int = 0, button: str = "left") -> None:
    x, y = middle(page, pane)
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up(button=button)


# ---- what is painted


@pytest.mark.parametrize(
    "style",
    [
        Style(),
        Style("viridis", 0.8, 0.45),
        Style("jet", 1.0, 0.0, contour=False),
        Style("turbo", 0.0, 0.3),
    ],
)
def test_the_heat_looks_as_in_a_saved_overlay(browser, style):
    shown = viewer.film()
    page = viewer.mounted(browser, viewer.view(shown))
    page.evaluate(
        "style => viewer().setStyle(style)",
        {
            "colormap": style.colormap,
            "opacity": style.opacity,
            "threshold": style.threshold,
            "contour": style.contour,
        },
    )
    painted = viewer.pixels(page, 1)[..., :3].astype(int)
    height, width = painted.shape[:2]
    gray = np.asarray(
        Image.fromarray(shown.pixels).resize((width, height), Image.Resampling.BILINEAR)
    )
    heat = viewer.heatmap(shown, 1, 1).on_radiograph((height, width))
    wanted = overlay.overlay(gray, heat, style).astype(int)
    apart = np.abs(painted - wanted).max(axis=-1)
    # eight bits of heat may move the line by a hair, and a color by one step
    assert np.percentile(apart, 99) <= 6 and (apart > 24).mean() < 0.002
    film_alone = viewer.pixels(page, 0)[..., :3].astype(int)
    assert np.abs(film_alone - overlay.film(gray).astype(int)).max() <= 1


def test_heat_of_which_most_lies_beside_the_film_is_drawn_as_in_files(browser):
    shown = viewer.film(600, 200)
    one = viewer.heatmap(shown, 3, 0)
    assert one.outside > 0.5
    sprite = MapSprite.of({"model:label 0": one})
    page = viewer.mounted(browser, viewer.view(shown, 1, sprites=(sprite,)))
    height, width = 300, 100
    found = page.evaluate(
        "([h, w]) => [...viewer().painter.heatIn('model:label 0', [0, 0, 200, 600], w, h)]",
        [height, width],
    )
    wanted = one.on_radiograph((height, width))
    assert np.abs(np.clip(np.reshape(found, (height, width)), 0, 1) - wanted).max() < 0.01


def test_a_window_is_a_line_from_black_to_white(browser):
    page = viewer.mounted(browser, viewer.view())

    def grays(level: float, width: float, inverted: bool) -> np.ndarray:
        table = page.evaluate(
            "([level, width, inverted]) => { viewer().painter.setWindow(level, width, inverted);"
            " return [...viewer().painter.grayTable].map((one) => one & 255); }",
            [level, width, inverted],
        )
        return np.array(table)

    shares = np.arange(65536) / 65535
    for level, width in ((0.5, 1.0), (0.25, 0.5), (0.5, 0.02), (0.9, 2.0)):
        wanted = np.clip((shares - level + width / 2) / width, 0, 1) * 255
        assert np.abs(grays(level, width, False) - wanted).max() <= 0.51
        assert (grays(level, width, True) == 255 - grays(level, width, False)).all()


def test_zooming_in_asks_for_full_resolution_once_and_shows_it(browser):
    rng = np.random.default_rng(0)
    shown = Radiograph(rng.random((1800, 1500), np.float32), "drawn")
    data = viewer.view(shown)
    page = viewer.mounted(browser, data)
    page.wait_for_timeout(400)
    assert sent(page) == [], "nobody has zoomed in"
    page.evaluate("() => viewer().zoomBy(8)")
    page.wait_for_function("() => window.sent.length > 0")
    assert sent(page) == [["trigger", "sharp", data.film.key]]
    page.wait_for_timeout(300)
    coarse = viewer.pixels(page)[..., 0].std()
    words = viewer.data_of(page, data, full=shown)
    page.evaluate("data => show(data)", words)
    page.wait_for_function("() => viewer().painter.full !== null && viewer().painter.detail")
    page.wait_for_timeout(300)
    assert viewer.pixels(page)[..., 0].std() > 1.3 * coarse, "single pixels can be seen"
    assert len(sent(page)) == 1


def test_what_is_zoomed_in_on_is_made_sharp(browser):
    page = viewer.mounted(browser, viewer.view())
    page.evaluate("() => viewer().zoomBy(4)")
    page.wait_for_function("() => viewer().painter.detail !== null")
    height, width = viewer.pixels(page, 1).shape[:2]
    assert state(page, "painter.detail.width") == width
    assert state(page, "painter.detail.height") == height
    page.evaluate("() => viewer().reset()")
    page.wait_for_function("() => viewer().painter.detail === null")


# ---- findings


def test_clicking_a_finding_changes_the_picture_and_asks_nobody(browser):
    page = viewer.mounted(browser, viewer.view())
    before = viewer.pixels(page, 1)
    row = page.get_by_role("button", name=re.compile("Finding 1"))
    expect(row).to_have_attribute("aria-expanded", "false")
    row.click()
    expect(row).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_text("Heat of Finding 1 is here.").first).to_be_visible()
    expect(page.get_by_text("Line 1.")).to_be_visible()
    assert page.get_by_text("Line 0.").is_hidden()
    assert (viewer.pixels(page, 1) != before).any()
    assert sent(page) == []
    status = page.locator("[aria-live]")
    expect(status).to_have_text("Finding 1, 65 %, called. Heat of Finding 1 is here.")
    expect(page.locator(".pane canvas[role=img]").nth(1)).to_have_attribute(
        "aria-label",
        "A drawn film, heat over it: what speaks for finding 1, 65 %. Heat of Finding 1 is here.",
    )


def test_arrows_go_through_the_findings(browser):
    page = viewer.mounted(browser, viewer.view())
    page.get_by_role("button", name=re.compile("Finding 0")).focus()
    for key, chosen in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 2)):
        page.keyboard.press(key)
        assert state(page, "chosen") == f"model:label {chosen}"
    for key, chosen in (("k", 1), ("k", 0), ("k", 0), ("j", 1)):
        page.keyboard.press(key)
        assert state(page, "chosen") == f"model:label {chosen}"
    assert sent(page) == []


def test_the_open_row_is_in_sight_in_a_long_panel(browser):
    rows = tuple(viewer.finding(k, lines=("A line.",) * 3) for k in range(30))
    data = viewer.view(findings=rows, selected=rows[25].id, message="Not yet.")
    page = viewer.mounted(browser, data, 1440, 700)

    def inside() -> bool:
        row = page.locator(".finding.chosen").bounding_box()
        panel = page.locator(".panel").bounding_box()
        return panel["y"] - 1 <= row["y"] and (
            row["y"] + row["height"] <= panel["y"] + panel["height"] + 1
        )

    assert inside()
    for key in ("k", "j", "j", "j"):
        page.keyboard.press(key)
        assert inside()
    assert page.evaluate("() => window.scrollY") == 0


def test_a_row_tells_probability_threshold_and_call(browser):
    rows = (
        viewer.finding(0, 0.64, 0.21),
        viewer.finding(1, 0.004, 0.1),
        viewer.finding(2, 0.999),
        viewer.finding(3, 0.126, 0.131),
    )
    page = viewer.mounted(browser, viewer.view(findings=rows))
    found = page.locator(".row").all_inner_texts()
    assert [one.split("\n") for one in found] == [
        ["Finding 0", "64 %", "called (from 21 %)"],
        ["Finding 1", "< 1 %", "not called (from 10 %)"],
        ["Finding 2", "> 99 %", "called (from 30 %)"],
        ["Finding 3", "12.6 %", "not called (from 13.1 %)"],
    ]
    track = page.locator(".track").first
    at = track.bounding_box()
    mark = track.locator(".mark").bounding_box()
    fill = track.locator(".fill").bounding_box()
    assert (mark["x"] + 1 - at["x"]) / at["width"] == pytest.approx(0.21, abs=0.01)
    assert fill["width"] / at["width"] == pytest.approx(0.64, abs=0.01)


def test_a_finding_without_a_map_is_asked_for_and_then_shown(browser):
    shown = viewer.film()
    rows = tuple(viewer.finding(k) for k in range(2))
    data = viewer.view(shown, 1, findings=rows, names={}, where={}, message="RISE has not run yet.")
    page = viewer.mounted(browser, data)
    page.get_by_role("button", name=re.compile("Finding 1")).click()
    assert sent(page) == [["trigger", "selected", "model:label 1"]]
    expect(page.locator(".pane .words").nth(1)).to_have_text("The model is asked …")
    maps = MapSprite.of({"model:label 1": viewer.heatmap(shown, 5, 5)})
    viewer.show(page, viewer.view(shown, findings=rows, sprites=(maps,), selected="model:label 1"))
    expect(page.locator(".pane .words").nth(1)).to_be_hidden()
    assert viewer.pixels(page, 1)[..., :3].std(axis=-1).max() > 5, "there is color"
    # where the method waits for a click, that is said
    viewer.show(page, viewer.view(shown, 1, sprites=(), findings=rows, message="Not yet."))
    expect(page.locator(".pane .words").nth(1)).to_have_text("Not yet.")


def test_a_link_of_a_row_is_told_to_the_page_and_opens_by_itself_in_another_tab(browser):
    row = viewer.finding(0, link="performance?model=m", link_words="How good is that?")
    page = viewer.mounted(browser, viewer.view(findings=(row,)))
    link = page.get_by_role("link", name="How good is that?")
    expect(link).to_have_attribute("href", "performance?model=m")
    link.click()
    assert sent(page) == [["trigger", "follow", "model:label 0"]]


def test_a_choice_outlives_a_new_method(browser):
    shown = viewer.film()
    page = viewer.mounted(browser, viewer.view(shown))
    page.get_by_role("button", name=re.compile("Finding 2")).click()
    viewer.show(page, viewer.view(shown, where={}))
    assert state(page, "chosen") == "model:label 2"
    viewer.show(page, viewer.view(shown, selected="model:label 1"))
    assert state(page, "chosen") == "model:label 1", "the page asked for another"


# ---- mouse


def test_the_wheel_zooms_at_the_pointer_in_both_pictures(browser):
    page = viewer.mounted(browser, viewer.view())
    at = frame(page, 1)
    x, y = at["x"] + 0.3 * at["width"], at["y"] + 0.7 * at["height"]
    page.mouse.move(x, y)
    before = film_point(page, x, y, 1)
    page.mouse.wheel(0, -500)
    page.wait_for_function("() => viewer().film.view.zoom > 1.5")
    assert film_point(page, x, y, 1) == pytest.approx(before, abs=0.6)
    assert film_point(page, *middle(page, 0), 0) == film_point(page, *middle(page, 1), 1)
    page.mouse.wheel(0, 5000)
    page.wait_for_function("() => viewer().film.view.zoom === 1")
    assert film_point(page, *middle(page)) == pytest.approx([250, 300])
    assert sent(page) == []


def test_dragging_moves_the_film_and_a_double_click_resets(browser):
    page = viewer.mounted(browser, viewer.view())
    page.evaluate("() => viewer().zoomBy(4)")
    x, y = middle(page)
    before = film_point(page, x, y)
    drag(page, 60, -40)
    assert film_point(page, x + 60, y - 40) == pytest.approx(before, abs=0.5)
    drag(page, 9000, 9000)
    assert film_point(page, frame(page)["x"], frame(page)["y"]) == pytest.approx([0, 0], abs=0.5)
    page.mouse.dblclick(x, y)
    assert state(page, "film.view") == {"zoom": 1, "x": 0.5, "y": 0.5, "turn": 0, "flip": False}


@pytest.mark.parametrize("how", ["tool", "right", "shift"])
def test_window_and_level_by_drag(browser, how):
    page = viewer.mounted(browser, viewer.view())
    before = viewer.pixels(page, 0)
    if how == "tool":
        page.get_by_role("button", name="Window: brightness and contrast").click()
    if how == "shift":
        page.keyboard.down("Shift")
    drag(page, 30, -60, button="right" if how == "right" else "left")
    level, width = state(page, "film.level"), state(page, "film.width")
    assert level < 0.4 and width > 1.05, "up is brighter, right is less contrast"
    assert viewer.pixels(page, 0).mean() > before.mean()
    expect(page.get_by_label("Window level")).to_have_value(f"{round(100 * level)}")
    assert sent(page) == []


def test_window_without_a_drag(browser):
    page = viewer.mounted(browser, viewer.view())
    before = viewer.pixels(page, 0)
    page.get_by_role("combobox", name="Window", exact=True).select_option("Dark parts")
    assert viewer.pixels(page, 0).mean() > before.mean()
    page.get_by_label("Window width").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("combobox", name="Window", exact=True)).to_have_value("By hand")
    page.get_by_role("button", name="Invert").click()
    page.get_by_role("button", name="Back to the start").click()
    assert (viewer.pixels(page, 0) == before).all()


def test_pointing_tells_position_gray_and_heat(browser):
    page = viewer.mounted(browser, viewer.view())
    for pane in (0, 1):
        at = frame(page, pane)
        page.mouse.move(at["x"] + at["width"] * 0.29, at["y"] + at["height"] * 0.29)
        readout = page.locator(".readout")
        expect(readout).to_have_text(re.compile(r"x 14\d, y 17\d px · gray 100 % · heat \d+ %"))
    heat = int(re.search(r"heat (\d+)", readout.inner_text())[1])
    true = viewer.heatmap(viewer.film(), 1, 1).on_radiograph()[174, 145]
    assert heat == pytest.approx(100 * true, abs=2)


@pytest.mark.parametrize(
    ("spacing", "length"), [((0.1, 0.2), r"1\d\.\d mm|2\d\.\d mm"), (None, r"\d+ px")]
)
def test_the_ruler_measures_in_mm_where_the_spacing_is_known(browser, spacing, length):
    page = viewer.mounted(browser, viewer.view(viewer.film(spacing=spacing)))
    page.get_by_role("button", name="Ruler").click()
    drag(page, 100, 0)
    ruler = state(page, "ruler")
    (x0, y0), (x1, y1) = ruler["from"], ruler["to"]
    assert re.fullmatch(length, ruler["words"])
    across, down = (x1 - x0) * (spacing or (1, 1))[1], (y1 - y0) * (spacing or (1, 1))[0]
    assert float(ruler["words"].split()[0]) == pytest.approx(np.hypot(across, down), abs=0.5)
    page.keyboard.press("Escape")
    assert state(page, "ruler") is None


def test_the_magnifier_shows_what_lies_under_it(browser):
    page = viewer.mounted(browser, viewer.view())
    page.get_by_role("button", name="Magnifier").click()
    page.mouse.move(*middle(page))
    viewer.painted(page)
    top = page.evaluate(
        "() => viewer().panes.map((one) => [...one.topContext.getImageData("
        "Math.round(one.width / 2) + 40, Math.round(one.height / 2), 1, 1).data])"
    )
    assert [one[3] for one in top] == [255, 255], "a glass in both pictures"
    # three times as large: 40 pixels from the middle lies what is 13 pixels from it
    x, y = middle(page)
    point = film_point(page, x + 40 / 3, y)
    gray = viewer.film().pixels[int(point[1]), int(point[0])]
    assert top[0][0] / 255 == pytest.approx(gray, abs=0.03)


def test_turning_and_flipping_move_the_pixels(browser):
    shown = Radiograph(np.zeros((200, 200), np.float32), "drawn")
    shown.pixels[:60, :60] = 1.0  # at the top left
    page = viewer.mounted(browser, viewer.view(shown))

    def corners() -> list[bool]:
        gray = viewer.pixels(page, 0)[..., 0]
        side = min(gray.shape)
        top, left = (gray.shape[0] - side) // 2, (gray.shape[1] - side) // 2
        at = (side // 10, side - side // 10)
        return [bool(gray[top + y, left + x] > 128) for y in at for x in at]

    assert corners() == [True, False, False, False]
    turn = page.get_by_role("button", name="Turn to the right")
    turn.click()
    assert corners() == [False, True, False, False]
    page.get_by_role("button", name="Flip").click()
    assert corners() == [True, False, False, False]
    turn.click()
    assert corners() == [False, True, False, False], "to the right as it is seen"
    page.keyboard.press("r")
    assert corners() == [True, False, False, False]


# ---- ways to show film and heat


def test_each_layout_shows_film_and_heat(browser):
    page = viewer.mounted(browser, viewer.view())
    film_alone, heat = viewer.pixels(page, 0), viewer.pixels(page, 1)
    menu = page.get_by_label("How film and heat are shown")
    menu.select_option("overlay")
    assert page.locator(".pane").count() == 1
    assert viewer.pixels(page).shape[1] > 1.5 * heat.shape[1]
    menu.select_option("swipe")
    handle = page.get_by_role("slider", name="Border between the two pictures")
    expect(handle).to_have_attribute("aria-valuenow", "50")
    colored = viewer.pixels(page)[..., :3].astype(int)
    colored = np.ptp(colored, axis=-1) > 8
    half = colored.shape[1] // 2
    assert not colored[:, : half - 1].any()
    at = frame(page)
    page.mouse.move(*middle(page))
    page.mouse.down()
    page.mouse.move(at["x"] + 5, at["y"] + 30)
    page.mouse.up()
    assert float(handle.get_attribute("aria-valuenow")) < 2
    swiped = viewer.pixels(page)[..., :3].astype(int)
    assert (np.ptp(swiped, axis=-1) > 8)[:, :half].any()
    handle.focus()
    page.keyboard.press("End")
    expect(handle).to_have_attribute("aria-valuenow", "100")
    menu.select_option("blink")
    seen = set()
    for _ in range(40):
        colors = np.ptp(viewer.pixels(page)[..., :3].astype(int), axis=-1) > 8
        seen.add(bool(colors.any()))
        if len(seen) == 2:
            break
        page.wait_for_timeout(100)
    assert seen == {True, False}, "film and heat take turns"
    menu.select_option("side")
    assert (viewer.pixels(page, 0) == film_alone).all()
    assert (viewer.pixels(page, 1) == heat).all()
    assert sent(page) == []


def test_boxes_of_the_model_and_of_people_are_shown_where_they_are(browser):
    boxes = (
        BoxData(0.2, 0.2, 0.3, 0.2, "60 % of the heat", "model", "model:label 0"),
        BoxData(0.6, 0.6, 0.2, 0.2, "truth", "truth"),
    )
    page = viewer.mounted(browser, viewer.view(boxes=boxes))

    def drawn(color: tuple[int, int, int]) -> np.ndarray:
        viewer.painted(page)
        values = page.evaluate(
            "() => { const {width, height} = viewer().panes[1].top;"
            " return [height, width, ...viewer().panes[1].topContext"
            ".getImageData(0, 0, width, height).data]; }"
        )
        image = np.reshape(values[2:], (values[0], values[1], 4))
        return np.argwhere((np.abs(image[..., :3] - color) < 30).all(-1) & (image[..., 3] > 200))

    blue, green = (0x5C, 0xE1, 0xFF), (0x7D, 0xFF, 0x8A)
    assert not len(drawn(blue)), "boxes of the heat are shown when they are asked for"
    assert len(drawn(green))
    page.get_by_label("Boxes of the model").check()
    height, width = viewer.pixels(page, 1).shape[:2]
    found = drawn(blue)
    assert found[:, 1].min() / width == pytest.approx(0.2, abs=0.01)
    assert found[:, 0].max() / height == pytest.approx(0.4, abs=0.01)
    page.get_by_label("Boxes that people drew").uncheck()
    assert not len(drawn(green))
    page.get_by_role("button", name=re.compile("Finding 1")).click()
    assert not len(drawn(blue)), "another map has other boxes"


def test_several_maps_lie_under_one_zoom_and_two_take_turns(browser):
    shown = viewer.film()
    tiles = tuple(Tile(f"t{k}", (f"Method {k}", f"{k} ms")) for k in range(3))
    sprites = tuple(
        MapSprite.of({one.id: viewer.heatmap(shown, k, k, cells=7 + 7 * k)})
        for k, one in enumerate(tiles)
    )
    data = viewer.view(shown, 0, tiles=tiles, sprites=sprites, selected=None)
    page = viewer.mounted(browser, data)
    assert page.locator(".pane").count() == 4
    expect(page.locator("figcaption").nth(1)).to_have_text(re.compile("Method 0.*0 ms"))
    x, y = middle(page, 2)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    points = [film_point(page, *middle(page, k), k) for k in range(4)]
    assert all(one == pytest.approx(points[0], abs=0.6) for one in points)
    told = page.locator("figcaption .value").all_inner_texts()
    assert not told[0] and all(re.fullmatch(r"heat \d+ %", one) for one in told[1:])
    page.get_by_label("How film and heat are shown").select_option("swipe")
    assert page.locator(".pane").count() == 1
    page.get_by_label("First picture").select_option("film")
    page.get_by_label("Second picture").select_option("t1")
    label = page.locator(".pane canvas[role=img]").get_attribute("aria-label")
    assert label.startswith("A drawn film In turns with: A drawn film, heat over it: Method 1")


# ---- keys and touch


def test_every_act_has_a_key_and_the_page_does_not_hear_it(browser):
    page = viewer.mounted(browser, viewer.view())
    page.evaluate(
        "() => { window.heard = [];"
        " document.addEventListener('keydown', (event) => window.heard.push(event.key)); }"
    )
    before, heat = viewer.pixels(page, 0), viewer.pixels(page, 1)
    page.keyboard.press("i")  # the page has just opened: nothing has the focus
    assert state(page, "film.inverted") is True
    page.locator(".stage").focus()
    page.keyboard.press("i")
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("-")
    assert state(page, "film.view.zoom") == pytest.approx(1.25)
    at = state(page, "film.view.x")
    page.keyboard.press("ArrowRight")
    assert state(page, "film.view.x") > at
    page.keyboard.press("Shift+ArrowUp")
    assert state(page, "film.level") < 0.5
    page.keyboard.press("t")
    page.keyboard.press("f")
    assert state(page, "film.view.turn") == 1 and state(page, "film.view.flip") is True
    for key, tool in (("w", "window"), ("g", "magnify"), ("l", "ruler"), ("m", "move")):
        page.keyboard.press(key)
        assert state(page, "style.tool") == tool
        expect(page.locator(".tool[aria-pressed=true]").first).to_be_visible()
    page.keyboard.press("v")
    assert state(page, "layout") == "overlay"
    page.evaluate("() => viewer().setLayout('side')")
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    assert (viewer.pixels(page, 0) == before).all()
    page.keyboard.down("h")
    assert (viewer.pixels(page, 1) == before).all(), "the heat is hidden while the key is held"
    page.keyboard.up("h")
    assert (viewer.pixels(page, 1) == heat).all()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Mouse, touch and keys")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    heard = page.evaluate("() => window.heard")
    assert not set("irtfwglmvh+-") & {one.lower() for one in heard}, "R would run the page again"
    assert sent(page) == []


def test_ruler_and_reading_by_keys(browser):
    page = viewer.mounted(browser, viewer.view(viewer.film(spacing=(0.5, 0.5))))
    page.locator(".stage").focus()
    page.keyboard.press("l")
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    ruler = state(page, "ruler")
    across = ruler["to"][0] - ruler["from"][0]
    assert ruler["words"] == f"{across / 2:.1f} mm" and across > 50
    expect(page.locator("[aria-live]")).to_have_text(ruler["words"])
    page.keyboard.press("ArrowDown")
    expect(page.locator("[aria-live]")).to_have_text(re.compile(r"x \d+, y \d+ px, gray \d+ %"))


def test_a_place_is_marked_by_a_click_a_drag_or_keys_where_a_page_asks_for_one(browser):
    asked = replace(viewer.view(viewer.film(600, 500)), marking=True)
    page = viewer.mounted(browser, asked)
    marks = lambda: [one[2] for one in sent(page) if one[1] == "mark"]  # noqa: E731
    x, y = middle(page)
    point = film_point(page, x, y)
    page.mouse.click(x, y)
    assert marks()[-1] == pytest.approx([point[0] / 500, point[1] / 600, 0, 0], abs=2e-3)
    page.keyboard.press("f")
    drag(page, 60, 40)
    left, top, width, height = marks()[-1]
    assert left + width == pytest.approx(1 - point[0] / 500, abs=0.02), "the film is flipped"
    assert top == pytest.approx(point[1] / 600, abs=0.02)
    assert width > 0.05 and height > 0.05
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")  # is the page's
    assert len(marks()) == 2
    page.keyboard.press(" ")
    assert len(marks()) == 3 and marks()[-1][2:] == [0, 0]
    plain = viewer.mounted(browser, viewer.view(viewer.film(600, 500)))
    expect(plain.get_by_role("button", name="Mark a place")).to_be_hidden()
    assert state(plain, "style.tool") == "move"


def test_two_fingers_zoom_one_moves_and_two_taps_reset(browser):
    page = viewer.mounted(browser, viewer.view(), 390, 844, has_touch=True)
    touch = page.context.new_cdp_session(page)
    x, y = middle(page)

    def points(kind: str, *at: tuple[float, float]) -> None:
        fingers = [{"x": px, "y": py, "id": k} for k, (px, py) in enumerate(at)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    before = film_point(page, x, y)
    points("touchStart", (x - 30, y))
    points("touchStart", (x - 30, y), (x + 30, y))
    for reach in (40, 60, 90):
        points("touchMove", (x - reach, y), (x + reach, y))
    points("touchEnd")
    viewer.painted(page)
    assert state(page, "film.view.zoom") == pytest.approx(3, rel=0.15)
    assert film_point(page, x, y) == pytest.approx(before, abs=8)
    points("touchStart", (x, y))
    for step in (10, 20, 30):
        points("touchMove", (x + step, y))
    points("touchEnd")
    assert film_point(page, x + 30, y) == pytest.approx(before, abs=12)
    page.wait_for_timeout(400)
    page.touchscreen.tap(x, y)
    page.touchscreen.tap(x, y)
    page.wait_for_function("() => viewer().film.view.zoom === 1")


# ---- what is kept


def test_the_style_begins_as_the_link_says(browser):
    query = "?opacity=0.7&heat=0.5&colormap=jet&boxes=true"
    page = viewer.mounted(browser, viewer.view(), query=query)
    assert page.get_by_label("Opacity of the heat").input_value() == "70"
    assert page.get_by_label("Show heat from").input_value() == "50"
    assert page.get_by_label("Color map").input_value() == "jet"
    assert state(page, "style.boxes") is True
    other = viewer.mounted(browser, viewer.view(), query="?opacity=7&heat=x&colormap=rainbow")
    assert other.get_by_label("Opacity of the heat").input_value() == "50"
    assert other.get_by_label("Color map").input_value() == "inferno"


def test_window_and_view_are_kept_for_each_film_in_this_tab_alone(browser):
    page = viewer.mounted(browser, viewer.view())
    page.evaluate("() => { viewer().setWindow(0.4, 0.5); viewer().zoomBy(2); }")
    page.get_by_role("button", name=re.compile("Finding 2")).click()
    page.get_by_label("Opacity of the heat").fill("80")
    page.wait_for_timeout(400)
    page.reload()
    viewer.painted(page)
    assert (state(page, "film.level"), state(page, "film.width")) == (0.4, 0.5)
    assert state(page, "film.view.zoom") == 2 and state(page, "chosen") == "model:label 2"
    assert state(page, "style.opacity") == 0.8
    other = viewer.view(viewer.film(height=640))
    viewer.show(page, other)
    assert state(page, "film.level") == 0.5 and state(page, "film.view.zoom") == 1
    assert state(page, "style.opacity") == 0.8, "the style is that of all films"
    kept = page.evaluate("() => JSON.stringify({...sessionStorage})")
    assert "Finding" not in kept and "A drawn film" not in kept
    tab = page.context.new_page()
    tab.route(f"{viewer.ORIGIN}/**", lambda route: viewer.answer(page, route))
    tab.goto(f"{viewer.ORIGIN}/")
    viewer.painted(tab)
    assert tab.evaluate("() => viewer().film.level") == 0.5, "two tabs know nothing of each other"


def test_saving_tells_the_style_and_then_brings_the_file(browser):
    shown = viewer.view(saves={"picture": "Picture as PNG", "boxes json": "Boxes as JSON"})
    page = viewer.mounted(browser, shown, accept_downloads=True)
    page.get_by_label("Color map").select_option("viridis")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Picture as PNG").click()
    ((kind, name, asked),) = sent(page)
    assert (kind, name) == ("trigger", "save")
    number = asked.pop("number")
    assert asked == {
        "kind": "picture",
        "id": "model:label 0",
        "opacity": 0.5,
        "threshold": 0.3,
        "colormap": "viridis",
        "contour": True,
        "boxes": False,
    }
    file = io.BytesIO()
    Image.new("L", (3, 2)).save(file, "PNG")
    page.contents["/media/saved"] = file.getvalue(), "image/png"
    saved = {"url": "/media/saved", "name": "radlens-overlay.png", "number": number}
    with page.expect_download() as download:
        viewer.show(page, shown, saved=saved)
    assert download.value.suggested_filename == "radlens-overlay.png"


# ---- the screen


def test_everything_is_on_a_desktop_at_once_and_the_picture_first_on_a_phone(browser):
    many = viewer.view(viewer.film(1955, 1841), 3, findings=tuple(map(viewer.finding, range(14))))
    page = viewer.mounted(browser, many)
    for what in (".toolbar", ".stage", ".settings", ".panel"):
        at = page.locator(what).bounding_box()
        assert at["y"] >= 0 and at["y"] + at["height"] <= 900, what
        assert at["x"] >= 0 and at["x"] + at["width"] <= 1440, what
    phone = viewer.mounted(browser, many, 390, 844)
    order = [
        phone.locator(one).bounding_box()["y"]
        for one in (".stage", ".readout", ".toolbar", ".settings", ".panel")
    ]
    assert order == sorted(order) and order[0] < 40
    assert phone.locator(".pane").count() == 1
    for one in (page, phone):
        wide = one.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0


def test_at_200_percent_nothing_is_cut_off(browser):
    page = viewer.mounted(browser, viewer.view(), 720, 450)
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert frame(page)["height"] >= 200
    for one in page.locator(".tool:visible").all():
        at = one.bounding_box()
        assert at["x"] >= 0 and at["x"] + at["width"] <= 720


def test_every_control_has_a_name_and_can_be_reached_by_tab(browser):
    page = viewer.mounted(
        browser, viewer.view(boxes=(BoxData(0, 0, 1, 1),), saves={"picture": "P"})
    )
    nameless = page.evaluate(
        "() => [...viewer().root.querySelectorAll('button, input, select, canvas[role=img], a')]"
        ".filter((one) => !one.getAttribute('aria-label') && !one.textContent.trim())"
        ".map((one) => one.outerHTML)"
    )
    assert nameless == []
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => { const one = viewer().root.getRootNode().activeElement;"
                " return one && (one.getAttribute('aria-label') || one.textContent); }"
            )
        )
    for wanted in (
        "Move the film",
        "Invert (I)",
        "Opacity of the heat",
        "Show heat from",
        "Color map",
        "Boxes of the model",
        "Window level",
        "How film and heat are shown",
        "Save",
        "Keys (?)",
    ):
        assert wanted in reached, wanted
    assert any(one and one.startswith("Finding 2") for one in reached)
    page.locator(".stage").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    outline = page.evaluate("() => getComputedStyle(viewer().stage).outlineWidth")
    assert outline == "2px", "the focus can be seen"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser, theme):
    rows = (viewer.finding(0, link="a", link_words="b", lines=("c",)), viewer.finding(1, 0.1))
    page = viewer.mounted(
        browser, viewer.view(findings=rows, cautions={rows[0].id: ("Beware.",)}, note="A note.")
    )
    colors = LIGHT if theme == "light" else DARK
    accent, link = ACCENT[theme]
    names = {f"--st-{name}-color": color for name, color in colors.items()}
    names |= {"--st-primary-color": accent, "--st-link-color": link}
    page.evaluate(
        "names => { const host = document.getElementById('host'); for (const [name, value] of"
        " Object.entries(names)) host.style.setProperty(name, value);"
        " document.body.style.background = names['--st-background-color']; }",
        names,
    )
    found = page.evaluate(
        """() => {
          const parse = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => {
            const one = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * one(r) + 0.7152 * one(g) + 0.0722 * one(b);
          };
          const ground = (one) => {
            for (let at = one; at; at = at.parentElement ?? at.getRootNode().host) {
              const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
              if (a > 0.5) return [r, g, b];
            }
            return [255, 255, 255];
          };
          const found = [];
          for (const one of viewer().root.querySelectorAll("*")) {
            const words = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
            if (!words || !one.checkVisibility() || one.closest(".pane, option, .unseen")) continue;
            const a = light(parse(getComputedStyle(one).color)), b = light(ground(one));
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            found.push([one.className || one.tagName, ratio]);
          }
          return found;
        }"""
    )
    assert len(found) > 10
    assert [one for one in found if one[1] < 4.5] == []


def test_the_policy_is_kept_and_nothing_is_written_to_the_console(browser):
    page = viewer.mounted(browser, viewer.view())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    viewer.painted(page)
    page.evaluate("() => viewer().zoomBy(3)")
    page.wait_for_timeout(300)
    assert page.said == []
    assert asked and all(url.startswith((viewer.ORIGIN, "blob:")) for url in asked)


def test_a_picture_that_does_not_come_through_is_told_in_a_sentence(browser):
    page = viewer.mounted(browser, viewer.view())
    words = viewer.data_of(page, viewer.view(viewer.film(height=700)))
    words["urls"]["film"] = "/media/gone"
    page.evaluate("data => show(data)", words)
    problem = page.get_by_role("alert")
    expect(problem).to_have_text(
        "The picture did not come through. The server answered 404. Reload the page."
    )


def test_a_film_is_the_same_film_on_every_page():
    one, other = FilmData.of(viewer.film()), FilmData.of(viewer.film())
    assert one.key == other.key and len(one.key) == 16
    assert json.dumps(one.key)
