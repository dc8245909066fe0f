"""Speed of the Performance page in Chromium: median milliseconds to follow its threshold.

    python -m benchmarks.browser [--quick] [--json] [--address http://localhost:8501]

From a key press on the slider until the confusion matrix tells the new counts, and until nothing
moves any more; on a server and a browser of this machine, which share its cores. Measured on
chest-14 of the catalogue and on the published predictions of reproduce-chexnet (22,433 films x 14
labels) where RADLENS_DATA names the data folder, else on a drawn table of that size, which the
output says. The counts are compared with those of the table: a figure that has not followed is not
timed. CHROMIUM names the browser where it is not on the path.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
from playwright.sync_api import Page, sync_playwright

from benchmarks.evaluate import table
from xray_models import catalogue
from xray_models.catalogue.display_names import display_name
from xray_models.evaluate.analysis import analyze
from xray_models.evaluate.predictions.predictions import Predictions, from_card

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300_000
STILL = 600
"""Milliseconds without a change after which the figures are taken as drawn."""

TIMER = """
({selector, wanted, still}) => {
  let pressed = 0, told = 0, last = 0;
  addEventListener('keydown', () => { pressed = performance.now(); }, {capture: true, once: true});
  return window.timed = new Promise(done => {
    const look = () => {
      if (!pressed) return;
      last = performance.now();
      const text = document.querySelector(selector)?.textContent ?? '';
      if (!told && wanted.every(one => text.includes(one))) told = last;
    };
    new MutationObserver(look).observe(
      document.querySelector('.st-key-at-threshold'),
      {subtree: true, childList: true, characterData: true, attributes: true});
    const timer = setInterval(() => {
      if (told && performance.now() - last > still) {
        clearInterval(timer);
        done({matrix: told - pressed, figures: last - pressed});
      }
    }, 50);
  }), null;
}
"""


@contextmanager
def server() -> Iterator[str]:
    """Address of a server of the whole app."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "main.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if process.poll() is not None:
                    raise SystemExit("The server of the app has ended.") from None
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def moves(
    page: Page, predictions: Predictions, label: str, start: int, count: int
) -> list[dict[str, float]]:
    """Press the right arrow `count` times; milliseconds to the matrix, and to the last figure."""
    analysis = analyze(predictions).labels[label]
    step = analysis.slider_end / 1000
    name = f"Confusion matrix of {display_name(label)}; rows are the truth."
    slider = page.get_by_role("slider", name="Threshold")
    page.locator(f'[aria-label="{name}"]').get_by_text("true positives").wait_for()
    page.wait_for_timeout(3000)  # sections below are still being drawn
    found = []
    before = None
    for k in range(start + 1, start + 1 + count):
        # a score on the very threshold would fall to either side
        low, counts = (analysis.index.counts_of(label, k * step + gap) for gap in (-1e-9, 1e-9))
        wanted = [f"{int(one):,}" for one in (counts.tp, counts.fp, counts.fn, counts.tn)]
        if int(low.fp + low.tp) != int(counts.fp + counts.tp) or wanted == before:
            slider.press("ArrowRight")
            page.wait_for_timeout(2 * STILL)
            continue
        page.evaluate(
            TIMER, {"selector": f'[aria-label="{name}"]', "wanted": wanted, "still": STILL}
        )
        slider.press("ArrowRight")
        found.append(page.evaluate("() => window.timed"))
        before = wanted
    return found


def opened(
    page: Page, address: str, predictions: Predictions, file: Path | None, start: int
) -> str:
    """Open the page at the step `start` of the slider; the label it shows."""
    label = next(
        (one for one in predictions.labels if one in predictions.thresholds), predictions.labels[0]
    )
    cut = f"{start * analyze(predictions).labels[label].slider_end / 1000:.6g}"
    model = predictions.model or "own table"
    page.goto(f"{address}/performance?model={model}&label={label}&threshold={cut}")
    if file is not None:
        page.locator('input[type="file"]').set_input_files(file)
        page.get_by_role("button", name="Judge these films").click()
    return label


def as_file(predictions: Predictions, folder: Path) -> Path:
    """Table as a file that the page opens."""
    published = Path(os.environ.get("RADLENS_DATA", ""), "nih", "reproduce_chexnet_test.csv.gz")
    if published.is_file():
        return published
    cells: dict[str, Any] = {"image": predictions.images, "patient": predictions.groups}
    for k, label in enumerate(predictions.labels):
        cells |= {
            f"true_{label}": predictions.truth[:, k].astype(int),
            f"prob_{label}": predictions.scores[:, k],
        }
    path = folder / "drawn.csv"
    pd.DataFrame(cells).to_csv(path, index=False)
    return path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--address", help="of a server that runs; without it one is started")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is needed: install it or set CHROMIUM to its path.")
    words, large = table()
    rows: list[dict[str, object]] = [{"name": "large table", "words": words}]
    with (
        tempfile.TemporaryDirectory() as folder,
        nullcontext(options.address) if options.address else server() as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, predictions, file in (
            ("chest_14", from_card(catalogue.get("chest-14")), None),
            ("large_table", large, as_file(large, Path(folder))),
        ):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE)
            label = opened(page, address, predictions, file, start=100)
            times = moves(page, predictions, label, 100, 5 if options.quick else 15)
            for what in ("matrix", "figures"):
                milliseconds = statistics.median(one[what] for one in times)
                rows.append({"name": f"{name}_{what}_ms", "milliseconds": milliseconds})
            page.close()
        browser.close()
    for row in rows:
        print(json.dumps(row) if options.json else _words(row))


def _words(row: dict[str, object]) -> str:
    if "words" in row:
        return f"on {row['words']}"
    return f"{row['name']!s:<46}{row['milliseconds']:10.0f} ms"


if __name__ == "__main__":
    main()
