"""What needs no network brings no TensorFlow, which takes seconds; and commands keep it quiet."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]

IN_MODULES = "\nimport sys\nprint('tensorflow' in sys.modules, 'keras' in sys.modules)"


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Python, run in the repository's root, as commands are."""
    known = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=known | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def command(*arguments: str) -> str:
    """A command as the interpreter runs it, in words of Python."""
    how = "path" if arguments[0].endswith(".py") else "module"
    return f"""
import runpy, sys
sys.argv = {list(arguments)!r}
try:
    runpy.run_{how}(sys.argv[0], run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
"""


def page(file: str) -> str:
    """A page as Streamlit's own test runner opens it."""
    return f"""
from streamlit.testing.v1 import AppTest
shown = AppTest.from_file("app.py", default_timeout=300)
shown.switch_page("pages/{file}")
shown.run()
assert not shown.exception, shown.exception[0].message
assert len(shown.title) == 1
"""


WITHOUT_NETWORKS = {
    "--help": command("xray_models", "--help"),
    "list": command("xray_models", "list"),
    "report": command("xray_models", "report", "bone-wrist"),
    "report of comparisons": command("xray_models", "report", "chest-nodule"),
    "classify --help": command("classify.py", "--help"),
    "a held-out table": """
from xray_models import catalogue
from xray_models.evaluate.predictions.predictions import from_card
assert from_card(catalogue.get("bone-wrist")).films
""",
    "a table of others": """
from xray_models.evaluate.predictions import csv_import
table = csv_import.read(b"image,prob_edema,true_edema\\na,.1,0\\nb,.8,1\\n")
assert csv_import.as_predictions(table, csv_import.guess(table), "table").films == 2
""",
    "names": """
from xray_models.explain import METHODS
from xray_models.networks import ARCHITECTURES
assert METHODS and ARCHITECTURES
""",
    "Performance": page("performance.py"),
    "Models": page("models.py"),
}


@pytest.mark.parametrize("what", WITHOUT_NETWORKS)
def test_what_asks_no_network_needs_no_tensorflow(what):
    done = process("-c", WITHOUT_NETWORKS[what] + IN_MODULES, RADLENS_WARM="off")
    assert done.stdout.splitlines()[-1:] == ["False False"], done.stdout + done.stderr


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A drawn film, as no part is."""
    path = tmp_path_factory.mktemp("films") / "film.png"
    Image.fromarray(np.tile(np.arange(64, dtype=np.uint8), (64, 1))).save(path)
    return path


@pytest.mark.network
def test_a_command_that_asks_networks_prints_its_answer_and_nothing_else(film):
    done = process("classify.py", str(film))
    assert done.returncode == 0
    assert done.stdout.startswith(f"{film}: ")
    assert done.stderr == ""


ERRORS = """
import os, sys
from pathlib import Path
from xray_models.commands.quiet import quiet
quiet()
import tensorflow
assert tensorflow.__name__ == "tensorflow" and tensorflow.config.answered
"""


def test_what_is_no_notice_comes_through(tmp_path):
    # a library that writes as TensorFlow does, by the descriptor and past Python
    (tmp_path / "tensorflow.py").write_text(
        """
import os
for line in (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    b"I0000 00:00:1796063706.702736   16061 port.cc:153] oneDNN custom operations are on.",
    b"2026-11-30 18:00:00 trouble of its own",
    b"E0000 00:00:1796063706.702736   16061 disk.cc:1] the disk is full",
):
    os.write(2, line + b"\\n")
class config:
    answered = False
    @classmethod
    def list_physical_devices(cls):
        cls.answered = True
""",
        encoding="utf-8",
    )
    done = process("-c", ERRORS, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 0, done.stderr
    first, second = done.stderr.splitlines()
    assert first == "2026-11-30 18:00:00 trouble of its own"
    assert second.endswith("the disk is full")
    loud = process(
        "-c",
        ERRORS.partition("assert")[0],
        PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}",
        TF_CPP_MIN_LOG_LEVEL="0",
    )
    assert len(loud.stderr.splitlines()) == 4
