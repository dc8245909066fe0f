"""The worked examples of CONTRIBUTING.md, each tried as it stands there in a copy of the code."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)


def example(name: str) -> str:
    """The block that begins with a comment of that file's name, without the comment."""
    (block,) = (one for one in BLOCKS if one.startswith(f"# {name}\n"))
    return block.partition("\n")[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code; the assets are those of the repository."""
    for name in ("xray_models", "pages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "main.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "assets").symlink_to(ROOT / "assets", target_is_directory=True)
    return tmp_path


def python(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def insert(path: Path, before: str, lines: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, lines + before), encoding="utf-8")


def test_every_example_is_short():
    assert len(BLOCKS) == 6
    for block in BLOCKS:
        assert len([line for line in block.splitlines() if line.strip()]) < 20


@pytest.mark.slow
def test_a_model_of_ones_own(tmp_path):
    (block,) = (one for one in BLOCKS if one.startswith("import keras"))
    commands = re.findall(r"^    .*python -m xray_models (import keras .*)$", TEXT, flags=re.M)
    (tmp_path / "make.py").write_text(block, encoding="utf-8")
    python(tmp_path, "make.py")
    words = commands[0].replace("wrist.keras", str(tmp_path / "wrist.keras"))
    words = words.replace("my-models", str(tmp_path / "my-models")).split()
    python(ROOT, "-m", "xray_models", *words)
    assert (tmp_path / "my-models" / "models" / "bone-wrist.json").is_file()


@pytest.mark.slow
def test_a_method_of_ones_own(copy):
    methods = copy / "xray_models" / "explain" / "methods"
    (methods / "elementwise_cam.py").write_text(
        example("xray_models/explain/methods/elementwise_cam.py"), encoding="utf-8"
    )
    entry = example("xray_models/explain/methods/registry.py")
    insert(methods / "registry.py", ")\n\nMETHODS: ", entry)
    name = "from xray_models.explain.methods.elementwise_cam import elementwise_cam\n"
    insert(methods / "registry.py", "from xray_models.explain.methods.grad_cam import", name)
    Image.linear_gradient("L").save(copy / "film.png")
    arguments = ("explain", "film.png", "--model", "bone-general", "--out", "map.png")
    python(copy, "-m", "xray_models", *arguments, "--method", "elementwise-cam")
    with Image.open(copy / "map.png") as overlay:
        assert len(overlay.getcolors(1 << 24) or ()) > 100, "a map lies on the film"


def test_a_data_set_of_ones_own(tmp_path):
    lines = "image,patient,label\na.png,1,fracture\nb.png,2,normal\nc.png,2,sprain\n"
    (tmp_path / "labels.csv").write_text(lines, encoding="utf-8")
    code = example("xray_models/datasets/example.py")
    code += "\nfrom xray_models.datasets.problems import collecting\n"
    code += "with collecting() as problems:\n    found = films(Path(__import__('sys').argv[1]))\n"
    code += "print([(one.image, one.group, one.truth) for one in found], problems[0])\n"
    told = python(ROOT, "-c", code, str(tmp_path))
    assert "[('a.png', '1', 1), ('b.png', '2', 0)]" in told
    assert "labels.csv, line 4: unknown label 'sprain'. Known: normal, fracture." in told


def test_a_page_of_ones_own(copy):
    (copy / "pages" / "weights.py").write_text(example("pages/weights.py"), encoding="utf-8")
    insert(copy / "app.py", "    ],\n    position=", example("app.py"))
    code = "from streamlit.testing.v1 import AppTest\n"
    code += "from streamlit.runtime.pages_manager import PagesManager\n"
    code += "PagesManager.uses_pages_directory = False\n"
    code += "page = AppTest.from_file('pages/weights.py', default_timeout=60).run()\n"
    code += "assert not page.exception, page.exception\n"
    code += "print(page.title[0].value, [one.value for one in page.markdown])\n"
    code += "compile(open('app.py').read(), 'app.py', 'exec')\n"
    told = python(copy, "-c", code)
    assert told.startswith("Weights ") and "Elbow model: " in told
