"""The sample gallery: films that are there without a network, and are the ones that are meant."""

import io
import json
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pydicom
import pytest
from PIL import Image

from xray_models import radiograph
from xray_models.datasets import samples
from xray_models.datasets.samples import SAMPLES, SampleError

PACKAGED = [name for name, sample in SAMPLES.items() if not sample.fetched]
FETCHED = [name for name, sample in SAMPLES.items() if sample.fetched]


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_sample_can_be_read(name):
    film = radiograph.read(samples.content(name))
    assert film.modality == "CR" and film.width > 1000


@pytest.mark.parametrize("name", PACKAGED)
def test_hashes_are_those_that_pydicom_publishes(name):
    published = json.loads((Path(pydicom.__file__).parent / "data" / "hashes.json").read_text())
    assert SAMPLES[name].sha256 == published[SAMPLES[name].file]


def test_an_unknown_sample_is_refused():
    with pytest.raises(SampleError, match="Samples: chest"):
        samples.content("knee")


def test_a_damaged_sample_is_refused(monkeypatch):
    monkeypatch.setitem(SAMPLES, "chest", replace(SAMPLES["chest"], sha256="0" * 64))
    with pytest.raises(SampleError, match="damaged or another version"):
        samples.content("chest")


def test_a_missing_sample_says_what_to_install(monkeypatch):
    monkeypatch.setitem(SAMPLES, "chest", replace(SAMPLES["chest"], file="no-such-film.dcm"))
    with pytest.raises(SampleError, match="pydicom-data"):
        samples.content("chest")


def blobs(seed: int, side: int = 256) -> Image.Image:
    """A picture of a few soft blobs."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 255, (9, 9), np.uint8))
    return small.resize((side, side), Image.Resampling.BICUBIC)


def png(image: Image.Image) -> bytes:
    """As a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A server of films in place of the public repository: its folder. The sample is blobs(1)."""
    name, folder = FETCHED[0], tmp_path / "served"
    folder.mkdir()
    film = np.asarray(blobs(1)).astype(np.float32)
    monkeypatch.setitem(
        SAMPLES, name, replace(SAMPLES[name], fingerprint=samples.fingerprint(film))
    )
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fetcher = pooch.create(
        path=tmp_path / "cache",
        base_url=f"http://127.0.0.1:{server.server_port}/",
        registry={SAMPLES[name].file: None},
    )
    monkeypatch.setattr(samples, "_fetcher", fetcher)
    yield folder
    server.shutdown()
    server.server_close()


def test_a_sample_is_fetched_once(shelf):
    name = FETCHED[0]
    served = shelf / SAMPLES[name].file
    served.write_bytes(png(blobs(1, side=300)))  # another size shows the same
    assert not samples.at_hand(name)
    data = samples.content(name)
    assert radiograph.read(data).width == 300 and samples.at_hand(name)
    served.unlink()
    assert samples.content(name) == data


@pytest.mark.parametrize("sent", [png(blobs(2)), b"<html>moved</html>"])
def test_another_file_than_the_film_that_is_meant_is_thrown_away(shelf, sent):
    (shelf / SAMPLES[FETCHED[0]].file).write_bytes(sent)
    with pytest.raises(SampleError, match="not the film of the sample"):
        samples.content(FETCHED[0])
    assert not samples.at_hand(FETCHED[0])


@pytest.mark.usefixtures("shelf")
def test_a_film_that_cannot_be_fetched_says_so():
    with pytest.raises(SampleError, match=r"may be offline\. The samples Chest and Lower leg"):
        samples.content(FETCHED[0])


@pytest.mark.parametrize("name", FETCHED)
def test_fingerprints_are_those_of_the_films(name, data):
    film = radiograph.read(data / "nih" / "images" / f"{Path(SAMPLES[name].file).stem}.jpg")
    found = samples.fingerprint(film.pixels)
    assert (int(found, 16) ^ int(SAMPLES[name].fingerprint, 16)).bit_count() <= 2


def test_fetched_samples_come_from_one_commit():
    assert samples._COMMIT in samples._fetcher.base_url and len(samples._COMMIT) == 40
    assert set(samples._fetcher.registry) == {SAMPLES[name].file for name in FETCHED}
