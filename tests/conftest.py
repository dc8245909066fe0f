"""What every test may use: real films, the data folder if present, a browser, a running server.

Markers are set here by what a test uses: `browser` and `data` follow from the fixtures of that
name. `slow` is written at the test itself.
"""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from pydicom.data import get_testdata_file
from streamlit.runtime.context import ContextProxy
from streamlit.runtime.pages_manager import PagesManager

# how long a draw may take is no matter of right or wrong: a machine may be busy
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent
# a page that is tested loads the models that it asks, and not all others beside it
os.environ.setdefault("RADLENS_WARM", "off")
# A network is converted once for all processes of a run, by whichever asks for it first: the first
# process makes the folder, and those that it starts inherit its name.
if "RADLENS_CACHE" not in os.environ:
    os.environ["RADLENS_CACHE"] = tempfile.mkdtemp(prefix="radlens-tests-")
    atexit.register(shutil.rmtree, os.environ["RADLENS_CACHE"], ignore_errors=True)
os.environ.setdefault("RADLENS_MEMORY_MB", "4096")  # more models than a visitor asks: none twice


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser or the data folder by the fixtures that it uses.

    Tests in a browser may try twice: there is no telling when a busy machine draws a page.
    """
    for item in items:
        used = getattr(item, "fixturenames", ())
        if "browser" in used:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1))
        if "data" in used:
            item.add_marker(pytest.mark.data)


@pytest.fixture(autouse=True, scope="session")
def navigation_is_known() -> Iterator[None]:
    """Streamlit's test runner forgets at every run that main.py calls st.navigation.

    A server learns it with its first page; else each run would start over and lose the click.
    """
    monkeypatch = pytest.MonkeyPatch()
    real = PagesManager.__init__

    def begin(self: PagesManager, *args: Any, **options: Any) -> None:
        PagesManager.uses_pages_directory = False
        real(self, *args, **options)

    monkeypatch.setattr(PagesManager, "__init__", begin)
    yield
    monkeypatch.undo()


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets where a visitor's browser is; Streamlit's test runner has no connection to ask."""

    def sits_at(address: str | None, **headers: str) -> None:
        monkeypatch.setattr(ContextProxy, "ip_address", address)
        monkeypatch.setattr(ContextProxy, "headers", headers)

    sits_at(None, Host="localhost:8501")  # Streamlit's way to say: at the server itself
    return sits_at


@pytest.fixture(scope="session")
def chest() -> Path:
    """A real chest radiograph, DICOM."""
    return Path(str(get_testdata_file("RG1_UNCI.dcm", download=False)))


@pytest.fixture(scope="session")
def lower_leg() -> Path:
    """A real lower leg, DICOM."""
    return Path(str(get_testdata_file("RG3_UNCI.dcm", download=False)))


@pytest.fixture(scope="session")
def data() -> Path:
    """The data folder; tests that need it are skipped without it."""
    folder = os.environ.get("RADLENS_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs the films: set RADLENS_DATA to the data folder")
    return Path(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; tests that need it are skipped without it."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("needs Chromium: install it or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where a server of the whole app listens."""
    with serving() as url:
        yield url


@pytest.fixture
def fresh_address() -> Iterator[str]:
    """Where a server listens that nobody has asked for anything yet, as it is deployed."""
    with serving(RADLENS_WARM="on") as url:
        yield url


@contextmanager
def serving(**environment: str) -> Iterator[str]:
    """A server of the whole app, as long as it is needed.

    Args:
        **environment: variables that differ from those of the tests.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "main.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, "the server has ended"
                time.sleep(0.1)
        yield url
    finally:
        server.kill()  # it may be loading models, and would finish the one at hand first
        server.wait(30)
