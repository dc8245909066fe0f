"""Loading models in the background: it stops when the app does, without a word."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import screens
import streamlit as st

from pages.shared import warm_up
from xray_models import catalogue, pipeline
from xray_models.inference import predict, weights

pytestmark = pytest.mark.network

ROOT = Path(__file__).parents[2]
# the first models are being loaded when the main thread is at its end
ENDING = """
import atexit, sys, time
from pages.shared import warm_up
atexit.register(lambda: print("loading" if thread.is_alive() else "ended"))
thread = warm_up.begin()
while not hasattr(sys.modules.get("xray_models.pipeline"), "warm"):
    time.sleep(0.01)
"""


def test_warming_up_stops_between_two_models(monkeypatch):
    loaded, answers = [], iter((True, True, False))
    network = predict.network

    def noted(card):
        loaded.append(card.id)
        return network(card)

    monkeypatch.setattr(predict, "network", noted)
    pipeline.warm(lambda: next(answers))
    assert len(loaded) == 2


@pytest.mark.slow
def test_an_app_that_ends_while_models_load_waits_for_the_one_at_hand():
    done = subprocess.run(
        [sys.executable, "-c", ENDING], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ended\n" and "warmed up" not in done.stderr


FILLING = """
import sys
from pages.shared import warm_up
warm_up.begin().join()
from xray_models import catalogue
from xray_models.inference import converted, weights
assert all(converted.filled(catalogue.get("body-part"), step) for step in converted.STEPS)
print(weights.held(), "tensorflow" in sys.modules)
"""


def test_a_first_start_fills_the_cache_beside_the_server(one_model, tmp_path):  # noqa: ARG001
    done = subprocess.run(
        [sys.executable, "-c", FILLING],
        cwd=ROOT,
        env=os.environ | {"RADLENS_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout == "['body-part'] False\n", done.stderr


@pytest.fixture
def one_model(tmp_path, monkeypatch) -> Path:
    """Assets with the detector alone, which the app is to load by itself."""
    assets = catalogue.assets()
    for folder in ("models", "weights"):
        (tmp_path / folder).mkdir()
    shutil.copy(assets / "models" / "body-part.json", tmp_path / "models")
    file = catalogue.get("body-part").weights.file
    (tmp_path / "weights" / file).symlink_to(assets / "weights" / file)
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    return tmp_path


def loading():
    return [one for one in threading.enumerate() if one.name == "warm-up"]


@pytest.mark.parametrize("choice", [None, "on", "off"])
def test_the_app_loads_its_models_unless_told_not_to(one_model, monkeypatch, choice):  # noqa: ARG001
    if choice:
        monkeypatch.setenv("RADLENS_WARM", choice)
    else:
        monkeypatch.delenv("RADLENS_WARM", raising=False)
    st.cache_resource.clear()  # as a server starts
    begun = []
    begin = warm_up.begin
    monkeypatch.setattr(warm_up, "begin", lambda: begun.append(begin()) or begun[-1])
    screens.opened("about.py")
    for thread in begun:
        thread.join(300)
    assert len(begun) == (choice != "off") and not loading()
    assert "body-part" in weights.held() or choice == "off"


def test_a_model_that_cannot_be_loaded_is_told_to_who_runs_the_server(one_model, caplog):
    (one_model / "models" / "body-part.json").write_text('{"id": "body-part", "color": 1}')
    warm_up.begin().join(300)
    assert "could not be warmed up" in caplog.text and "unknown field 'color'" in caplog.text
