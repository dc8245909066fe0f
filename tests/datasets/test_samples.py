"""The sample gallery: films that are there without a network, and are the ones that are meant."""

import hashlib
import json
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pydicom
import pytest
from drawing import picture, ramp
from PIL import Image

from xray_models import PARTS, radiograph
from xray_models.datasets import samples
from xray_models.datasets.samples import RENAMED, SAMPLES, SampleError

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
    with pytest.raises(SampleError, match="Samples: wrist-1"):
        samples.content("knee")


def test_a_damaged_sample_is_refused(monkeypatch):
    monkeypatch.setitem(SAMPLES, "chest", replace(SAMPLES["chest"], sha256="0" * 64))
    with pytest.raises(SampleError, match="damaged or another version"):
        samples.content("chest")


def test_a_missing_sample_says_what_to_install(monkeypatch):
    monkeypatch.setitem(SAMPLES, "chest", replace(SAMPLES["chest"], file="no-such-film.dcm"))
    with pytest.raises(SampleError, match="pydicom-data"):
        samples.content("chest")


def test_films_of_six_bone_parts_and_of_chests_are_listed_from_one_commit_each():
    parts = samples.by_part()
    assert set(parts) - {"leg"} == set(PARTS) - {"finger"}
    assert {part: len(names) for part, names in parts.items()}["chest"] == 9
    assert len(FETCHED) == 21 and len({SAMPLES[name].sha256 for name in FETCHED}) == 21
    commits = {SAMPLES[name].url.split("/")[5] for name in FETCHED}
    assert len(commits) == 2 and all(len(commit) == 40 for commit in commits)


def test_boxes_lie_inside_their_films_and_only_on_films_with_a_fracture():
    for name in FETCHED:
        sample = SAMPLES[name]
        assert bool(sample.boxes) == sample.truth.startswith("Fracture")
        for x, y, width, height in sample.boxes:
            assert 0 < x < x + width < 1 and 0 < y < y + height < 1


def test_names_and_titles_give_nothing_of_the_truth_away():
    for name, sample in SAMPLES.items():
        said = f"{name} {sample.title} {sample.about}".lower()
        truth = sample.truth.lower().split(",")[0].removeprefix("no ")
        assert (not truth or truth not in said) and "fracture" not in said


def test_older_links_lead_to_the_same_films():
    assert {SAMPLES[new].file for new in RENAMED.values()} == {
        "00000550_000.png",
        "00004387_000.png",
        "00000211_000.png",
    }


def test_chests_of_the_nih_are_known_to_be_of_adults():
    for name in FETCHED:
        band = SAMPLES[name].age_band
        assert radiograph.ages.group_of(band) == ("adult" if name.startswith("chest") else None)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A server of films in place of the public repositories: its folder and the true content."""
    name, folder = FETCHED[0], tmp_path / "served"
    folder.mkdir()
    film = picture(Image.fromarray(ramp().astype("uint8")), "PNG")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file, sha256 = SAMPLES[name].file, hashlib.sha256(film).hexdigest()
    monkeypatch.setitem(SAMPLES, name, replace(SAMPLES[name], sha256=sha256))
    fetcher = pooch.create(
        path=tmp_path / "cache",
        base_url="",
        registry={file: f"sha256:{sha256}"},
        urls={file: f"http://127.0.0.1:{server.server_port}/{file}"},
    )
    monkeypatch.setattr(samples, "_fetcher", fetcher)
    yield folder / file, film
    server.shutdown()
    server.server_close()


def test_a_sample_is_fetched_once(shelf):
    name, (served, film) = FETCHED[0], shelf
    served.write_bytes(film)
    assert not samples.at_hand(name) and name in samples.missing()
    assert samples.content(name) == film
    assert samples.at_hand(name) and name not in samples.missing()
    served.unlink()
    assert samples.content(name) == film


@pytest.mark.parametrize("sent", [b"<html>moved</html>", b""])
def test_another_file_than_the_film_that_is_meant_is_thrown_away(shelf, sent):
    shelf[0].write_bytes(sent)
    with pytest.raises(SampleError, match="not the film of the sample"):
        samples.content(FETCHED[0])
    assert not samples.at_hand(FETCHED[0])


def test_a_damaged_film_in_the_cache_is_not_at_hand_and_is_fetched_again(shelf):
    served, film = shelf
    served.write_bytes(film)
    samples.content(FETCHED[0])
    kept = Path(samples._fetcher.abspath) / served.name
    kept.write_bytes(film[:-1])
    assert not samples.at_hand(FETCHED[0])
    assert samples.content(FETCHED[0]) == film and samples.at_hand(FETCHED[0])


@pytest.mark.usefixtures("shelf")
def test_a_film_that_cannot_be_fetched_says_so():
    with pytest.raises(SampleError, match=r"may be offline: Chest \(DICOM\) and Lower leg"):
        samples.content(FETCHED[0])
