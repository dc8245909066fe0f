"""Loading models in the background: it stops when the app does, without a word."""

import subprocess
import sys
from pathlib import Path

import classify
from xray_models import predicting

ROOT = Path(__file__).parent.parent
# the first models are being loaded when the main thread is at its end
ENDING = """
import sys, time
from pages.reading import warming
thread = warming.begin()
while not hasattr(sys.modules.get("classify"), "warm"):
    time.sleep(0.01)
"""


def test_warming_up_stops_between_two_models(monkeypatch):
    loaded, answers = [], iter((True, True, False))
    monkeypatch.setattr(predicting, "forward", lambda card, _film: loaded.append(card.id))
    classify.warm(lambda: next(answers))
    assert len(loaded) == 2


def test_an_app_that_ends_while_models_load_says_nothing():
    done = subprocess.run(
        [sys.executable, "-c", ENDING], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0
    assert "FATAL" not in done.stderr and "warmed up" not in done.stderr
