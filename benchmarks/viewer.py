"""Speed of the viewer in Chromium: median milliseconds from an event to the painted frame.

    python -m benchmarks.viewer [--quick] [--json] [--sample chest] [--address http://localhost:8501]

On the Read page of a server and a browser of this machine, which share its cores. Real input goes
through the browser: keys on sliders, the wheel, a drag, clicks. The time begins with the event's
own time stamp and ends when the frame that holds its change has been painted; messages to the
server are counted meanwhile, and there must be none. Then another method at the same layer, from
the click in its menu until its maps are painted, through the server. CHROMIUM names the browser
where it is not on the path.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import PATIENCE, server
from xray_models import catalogue

BAR, METHOD_BAR = 16.0, 300.0  # milliseconds

FIND = """
window.viewer = () => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
  .map((host) => host.shadowRoot?.querySelector('.viewer')?.viewer).find(Boolean);
"""

WATCH = """
(type) => {
  const before = viewer().frames;
  window.timed = new Promise((done) => addEventListener(type, (event) => {
    const begun = event.timeStamp;
    const look = () => requestAnimationFrame(() => {
      const {port1, port2} = new MessageChannel();
      port1.onmessage = () => {
        if (viewer().frames > before) done(performance.now() - begun);
        else look();
      };
      port2.postMessage(0); // after the frame's painting
    });
    look();
  }, {capture: true, once: true}));
}
"""

NEW_MAPS = """
() => {
  const before = JSON.stringify(viewer().data.urls);
  window.timed = new Promise((done) => addEventListener('keydown', (event) => {
    const begun = event.timeStamp;
    const look = () => requestAnimationFrame(() => {
      if (viewer().data && JSON.stringify(viewer().data.urls) !== before) {
        const frames = viewer().frames;
        const painted = () => requestAnimationFrame(() => viewer().frames > frames
          || !viewer().frame ? done(performance.now() - begun) : painted());
        painted();
      } else look();
    });
    look();
  }, {capture: true, once: true}));
}
"""


@dataclass
class Act:
    """Something that a visitor does in the viewer.

    Attributes:
        name: of the row.
        event: type of the event that begins it.
        before: brings the pointer or the focus there.
        do: the input, told of the number of the try.
    """

    name: str
    event: str
    before: Callable[[Page], None]
    do: Callable[[Page, int], None]


def _press(page: Page, number: int) -> None:
    page.keyboard.press("ArrowRight" if number % 10 < 5 else "ArrowLeft")


def _slider(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_label(name).focus()


def _over_the_heat(page: Page) -> None:
    box = page.locator(".pane").last.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"])


def _begin_drag(page: Page) -> None:
    _over_the_heat(page)
    page.mouse.down(button="right")


def _drag(page: Page, number: int) -> None:
    box = page.locator(".pane").last.bounding_box()
    assert box
    x, y = box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"]
    page.mouse.move(x + 3 * (number % 7), y - 4 * (number % 5) - 1)


def _choose_colormap(page: Page, number: int) -> None:
    page.get_by_label("Color map").press("ArrowDown" if number % 10 < 5 else "ArrowUp")


def _wheel(page: Page, number: int) -> None:
    page.mouse.wheel(0, -60 if number % 10 < 5 else 60)


def _click_row(page: Page, number: int) -> None:
    model = page.evaluate(
        "() => viewer().data.findings.find((one) => one.id === viewer().data.selected).model"
    )
    rows = page.locator(f'.row[data-finding^="{model}:"]')
    rows.nth(number % rows.count()).dispatch_event("click")


ACTS = (
    Act("opacity", "input", _slider("Opacity of the heat"), _press),
    Act("threshold", "input", _slider("Show heat from"), _press),
    Act("color map", "input", _slider("Color map"), _choose_colormap),
    Act("window", "pointermove", _begin_drag, _drag),
    Act("zoom", "wheel", _over_the_heat, _wheel),
    Act("another label", "click", lambda _page: None, _click_row),
)


def acts(page: Page, count: int) -> Iterator[dict[str, Any]]:
    """Median and greatest milliseconds of each act, and the messages that went to the server."""
    sent: list[object] = page.sent  # type: ignore[attr-defined]
    for act in ACTS:
        act.before(page)
        page.wait_for_timeout(600)
        sent.clear()
        times = []
        for number in range(count + 1):
            page.evaluate(WATCH, act.event)
            act.do(page, number)
            times.append(page.evaluate("() => window.timed"))
            page.wait_for_timeout(40 + 7 * (number % 5))  # events come when they come
        if act.name == "window":
            page.mouse.up(button="right")
        page.wait_for_timeout(300)
        times = times[1:]  # the first makes what the others use again
        yield {
            "name": f"{act.name.replace(' ', '_')}_ms",
            "milliseconds": round(statistics.median(times), 1),
            "most": round(max(times), 1),
            "messages": len(sent),
            "bar": BAR,
        }
        page.evaluate("() => viewer().reset()")


def another_method(page: Page, address: str, sample: str, rounds: int) -> dict[str, Any]:
    """Median milliseconds until another method at the same layer is painted, through the server."""
    card = catalogue.get("chest-14")
    grid = page.evaluate("() => viewer().data.sprites[0]")  # by the card's method, at its layer
    words = f"{card.explanation.layer}, {grid['rows']} × {grid['columns']} cells"
    names = {"grad-cam++": "Grad-CAM++", "grad-cam": "Grad-CAM", "layercam": "LayerCAM"}
    link = {"sample": sample, "label": f"Pneumonia ({card.name})"}
    link |= {f"layer-{card.id}-{name}": words for name in names}
    times = []
    for _ in range(rounds):
        page.goto(f"{address}/?{urlencode(link)}")
        ready(page)
        page.get_by_text("Method, layer and boxes").click()
        menu = page.get_by_role("combobox", name="Method")
        menu.wait_for()
        current = page.locator(f".st-key-method-{card.id}").inner_text()
        for name in [one for one in names.values() if f"{one}\n" not in f"{current}\n"]:
            menu.click()
            menu.fill(name)
            page.get_by_role("option", name=name, exact=True).wait_for()
            while (
                page.get_by_role("option", name=name, exact=True).get_attribute("data-focused")
                is None
                and page.get_by_role("option").count()
            ):
                page.keyboard.press("ArrowDown")
            page.evaluate(NEW_MAPS)
            page.keyboard.press("Enter")
            times.append(page.evaluate("() => window.timed"))
            page.wait_for_timeout(1000)
    return {
        "name": "another_method_ms",
        "milliseconds": round(statistics.median(times), 1),
        "most": round(max(times), 1),
        "bar": METHOD_BAR,
    }


def measured(page: Page, address: str, sample: str, quick: bool) -> Iterator[dict[str, Any]]:
    """All rows, each as soon as it is there."""
    yield from acts(page, 5 if quick else 20)
    yield another_method(page, address, sample, 2 if quick else 6)


def ready(page: Page) -> None:
    """Wait until a film is painted and nothing runs any more."""
    page.locator(".pane canvas[role=img]").first.wait_for()
    page.wait_for_function("() => viewer()?.frames > 0 && viewer().painter.maps.size > 0")
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')"
        ".getAttribute('data-test-script-state') === 'notRunning'"
    )
    page.wait_for_timeout(1500)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--sample", default="chest", help="film to look at")
    parser.add_argument("--address", help="of a server that runs; without it one is started")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is needed: install it or set CHROMIUM to its path.")
    with (
        nullcontext(options.address) if options.address else server() as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.add_init_script(FIND)
        sent: list[object] = []
        page.sent = sent  # type: ignore[attr-defined]
        page.on("websocket", lambda socket: socket.on("framesent", lambda one: sent.append(one)))
        page.goto(f"{address}/?sample={options.sample}&label=Pneumonia+(Fourteen+chest+findings)")
        ready(page)
        rows = []
        for row in measured(page, address, options.sample, options.quick):
            rows.append(row)
            print(json.dumps(row) if options.json else _words(row), flush=True)
        browser.close()
    missed = [row for row in rows if row["milliseconds"] >= row["bar"] or row.get("messages")]
    sys.exit(1 if missed else 0)


def _words(row: dict[str, Any]) -> str:
    line = f"{row['name']!s:<24}{row['milliseconds']:8.1f} ms, at most {row['most']:.1f}"
    told = f", {row['messages']} messages to the server" if "messages" in row else ""
    return f"{line} (bar {row['bar']:.0f}){told}"


if __name__ == "__main__":
    main()
