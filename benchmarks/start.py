"""Speed of a start: median seconds until a film is read, each time from nothing in memory.

    python -m benchmarks.start [--quick] [--json] [--only NAME ...]

- first_page: from `streamlit run` to the gallery in Chromium, which is open already.
- findings, picture: from a click on the sample chest, made as soon as the gallery is there, to the
  verdict, and until film and heat are painted.
- upload: from choosing a file, once all models are ready, until film and heat are painted.
- memory: of the server, in MB resident, once all models are ready; the processes that decode
  films are not in it.
- classify: `python classify.py chest.dcm` as a whole process.
- first_start: findings after the click with an empty cache folder, as after an installation.

The cache of converted networks (RADLENS_CACHE) is filled first. Whatever else the machine does
counts: measure on a quiet one. CHROMIUM names the browser where it is not on the path.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright
from pydicom.data import get_testdata_file

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300_000
SAMPLE = ".st-key-sample-chest button"
VERDICT = ".rl-verdict"
PAINTED = """
() => {
  const every = root => [...root.querySelectorAll('*')].flatMap(
    one => [one, ...(one.shadowRoot ? every(one.shadowRoot) : [])]);
  const colored = canvas => {  // film is gray, heat is not
    if (canvas.getBoundingClientRect().width < 200 || !canvas.width) return false;
    const small = new OffscreenCanvas(32, 32).getContext('2d');
    small.drawImage(canvas, 0, 0, 32, 32);
    const values = small.getImageData(0, 0, 32, 32).data;
    return values.some((red, i) => i % 4 === 0 && Math.abs(red - values[i + 2]) > 40);
  };
  return every(document).some(one => one.tagName === 'CANVAS' && colored(one));
}
"""
UNITS = {"memory": "MB"}


class Server:
    """A server of the whole app that has just been started."""

    def __init__(self, cache: str | None = None) -> None:
        """Start it.

        Args:
            cache: folder of converted networks; by default the user's.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", "main.py"]
        command += ["--server.headless", "true", "--server.port", str(port)]
        command += ["--server.address", "127.0.0.1"]
        more = {"RADLENS_WARM": "on"} | ({"RADLENS_CACHE": cache} if cache else {})
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | more,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def megabytes(self) -> float:
        """Its memory, in MB resident."""
        shown = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(shown.stdout) / 1024


@contextmanager
def served(browser: Browser, cache: str | None = None) -> Iterator[tuple[Server, Page]]:
    """A server and its first page, as soon as there is something in it."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    server = Server(cache)
    try:
        while True:
            try:
                page.goto(server.address)
                break
            except Error:
                assert server.process.poll() is None, "the server has ended"
                time.sleep(0.02)
        page.locator(SAMPLE).first.wait_for()
        yield server, page
    finally:
        page.close()
        server.process.terminate()
        server.process.wait(60)


def start(browser: Browser) -> dict[str, float]:
    """First page, findings and picture of a click at once, an upload, memory."""
    with served(browser) as (server, page):
        found = {"first_page": time.perf_counter() - server.began}
        began = time.perf_counter()
        page.locator(SAMPLE).first.click()
        page.locator(VERDICT).wait_for()
        found["findings"] = time.perf_counter() - began
        page.wait_for_function(PAINTED)
        found["picture"] = time.perf_counter() - began
        found["memory"] = _settled(server)
        page.goto(server.address)
        page.locator(SAMPLE).first.wait_for()
        began = time.perf_counter()
        page.locator('input[type="file"]').first.set_input_files(_film())
        page.wait_for_function(PAINTED)
        found["upload"] = time.perf_counter() - began
    return found


def first_start(browser: Browser) -> dict[str, float]:
    """Findings after a click at once, where nothing was converted yet."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        served(browser, folder) as (_, page),
    ):
        began = time.perf_counter()
        page.locator(SAMPLE).first.click()
        page.locator(VERDICT).wait_for()
        return {"first_start": time.perf_counter() - began}


def classify(_: Browser) -> dict[str, float]:
    """`classify.py` as a whole process."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "classify.py", str(_film())], cwd=ROOT, check=True, capture_output=True
    )
    return {"classify": time.perf_counter() - began}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="once each")
    parser.add_argument("--json", action="store_true", help="one object a line")
    kinds = {"start": start, "classify": classify, "first_start": first_start}
    parser.add_argument("--only", nargs="+", choices=kinds, default=list(kinds))
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is needed: install it or set CHROMIUM to its path.")
    subprocess.run(
        [sys.executable, "-m", "xray_models", "warm"], cwd=ROOT, check=True, capture_output=True
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for kind in options.only:
            turns = [kinds[kind](browser) for _ in range(1 if options.quick else 5)]
            for name in turns[0]:
                value = statistics.median(turn[name] for turn in turns)
                row = {"name": name, "value": value, "unit": UNITS.get(name, "s")}
                print(json.dumps(row) if options.json else f"{name:<12}{value:10.2f} {row['unit']}")
        browser.close()


def _settled(server: Server) -> float:
    """Memory of a server, in MB, once it grows no more: all models are ready."""
    before, quiet = 0.0, 0
    while quiet < 5:
        time.sleep(1)
        now = server.megabytes()
        quiet = quiet + 1 if now < before + 5 else 0
        before = max(now, before)
    return before


def _film() -> Path:
    return Path(str(get_testdata_file("RG1_UNCI.dcm", download=False)))


if __name__ == "__main__":
    main()
