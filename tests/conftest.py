"""Films that every test may use: real ones from packages, and the data folder if present."""

import os
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file


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
