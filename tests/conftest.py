"""Films that every test may use: real ones from packages, and the data folder if present."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydicom.data import get_testdata_file
from streamlit.runtime.pages_manager import PagesManager


@pytest.fixture(autouse=True)
def navigation_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's test runner forgets at every run that main.py calls st.navigation.

    A server learns it with its first page; else each run would start over and lose the click.
    """
    real = PagesManager.__init__

    def begin(self: PagesManager, *args: Any, **options: Any) -> None:
        PagesManager.uses_pages_directory = False
        real(self, *args, **options)

    monkeypatch.setattr(PagesManager, "__init__", begin)


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
