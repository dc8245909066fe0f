"""Loading models in the background: it stops when the app does, without a word."""

import subprocess
import sys
from pathlib import Path

from xray_models import pipeline
from xray_models.inference import predict

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
    monkeypatch.setattr(predict, "forward", lambda card, _film: loaded.append(card.id))
    pipeline.warm(lambda: next(answers))
    assert len(loaded) == 2


def test_an_app_that_ends_while_models_load_waits_for_the_one_at_hand():
    done = subprocess.run(
        [sys.executable, "-c", ENDING], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ended\n" and "warmed up" not in done.stderr
