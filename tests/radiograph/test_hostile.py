"""A corpus of hostile files, and of real ones with flipped bits: read or refused, cheaply."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hostile
import numpy as np
import pytest
from drawing import dicom, picture, ramp
from PIL import Image
from pydicom.data import get_testdata_file

from xray_models.radiograph import MOST_BYTES, worker
from xray_models.radiograph.pool import DecoderFailed, Pool

SUPPORT = Path(__file__).parents[1] / "support"
REAL = (
    "693_J2KR.dcm",
    "CT_small.dcm",
    "JPEG-lossy.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "color-pl.dcm",
)
BAD = {"time", "memory", "error", "crash"}

pytestmark = pytest.mark.slow


@pytest.fixture
def costs(monkeypatch):
    """What reading each of many files costs, in processes with the limits of the app."""
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    with Pool(2, "measured:read") as pool:

        def one(file: tuple[str, Callable[[], bytes]]) -> dict[str, object] | None:
            content = file[1]()
            if not 0 < len(content) <= MOST_BYTES:
                return None
            try:
                return json.loads(pool.read(content).source_format) | {"name": file[0]}
            except DecoderFailed as error:
                return {"outcome": error.cause, "name": file[0], "seconds": 0, "bytes": 0}

        def all_of(files) -> list[dict[str, object]]:
            with ThreadPoolExecutor(2) as two:
                return [found for found in two.map(one, files) if found]

        yield all_of


def check(found: list[dict[str, object]]) -> None:
    print(Counter(one["outcome"] for one in found), max(one["seconds"] for one in found))
    assert [one for one in found if one["outcome"] in BAD] == []
    assert [one for one in found if one["seconds"] > worker.MOST_SECONDS] == []
    assert [one for one in found if one["bytes"] > worker.MOST_MEMORY] == []
    assert [one for one in found if one["outcome"] == "refused" and len(one["sentence"]) < 40] == []
    assert {one["outcome"] for one in found} == {"read", "refused"}


def test_hostile_files_are_read_or_refused_within_the_limits(costs):
    found = costs(hostile.files().items())
    assert len(found) >= 300
    check(found)


def films() -> Iterator[bytes]:
    """Ten: real ones of pydicom's packages, and drawn ones in the other formats."""
    for name in REAL:
        path = get_testdata_file(name, download=False)
        if path is not None:
            yield Path(str(path)).read_bytes()
    gray = Image.fromarray(ramp(200, 160).astype(np.uint8))
    for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP"):
        yield picture(gray, kind)
    yield dicom(ramp(200, 160).astype(np.uint16), WindowCenter="90", WindowWidth="100")


def flipped() -> Iterator[tuple[str, Callable[[], bytes]]]:
    random = np.random.default_rng(17)
    whole = list(films())[:10]
    assert len(whole) == 10
    for n in range(3000):
        content = bytearray(whole[n % 10])
        # half of them near the beginning, where headers are
        end = len(content) if n % 20 < 10 else min(len(content), 2000)
        content[random.integers(end)] ^= 1 << random.integers(8)
        yield f"film {n % 10}, flip {n}", lambda one=bytes(content): one


def test_films_with_a_flipped_bit_are_read_or_refused_within_the_limits(costs):
    found = costs(flipped())
    assert len(found) == 3000
    check(found)
