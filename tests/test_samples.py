"""The sample gallery: films that are there without a network, and are the ones that are meant."""

import json
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from xray_models import radiograph, samples
from xray_models.samples import SAMPLES, SampleError


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_can_be_read(name):
    film = radiograph.read(samples.content(name))
    assert film.modality == "CR" and film.width > 1000


@pytest.mark.parametrize("name", SAMPLES)
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
