"""After `make run` alone, what trains says which packages it lacks and how to install them."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from drawing import picture, ramp
from PIL import Image
from typer.testing import CliRunner

from xray_models.cli import app
from xray_models.commands.training_packages import TRAINING

ROOT = Path(__file__).parents[2]

RUN_EACH = """
import json, sys
from typer.testing import CliRunner
from xray_models.cli import app
found = []
for arguments in json.loads(sys.stdin.read()):
    done = CliRunner().invoke(app, arguments)
    found.append([done.exit_code, done.output, repr(done.exception)])
print("RESULTS" + json.dumps(found))
"""


def labeled(folder: Path) -> Path:
    """A film of each of two labels, in a folder each."""
    for label, white in (("normal", 255), ("nodule", 200)):
        (folder / label).mkdir(parents=True)
        image = Image.fromarray(ramp(white=white).astype(np.uint8))
        (folder / label / "a.png").write_bytes(picture(image, "PNG"))
    return folder


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A folder of installed packages as here, without those that only training needs."""
    folder = tmp_path_factory.mktemp("packages")
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if path.name not in TRAINING and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)
    return folder


def test_each_command_that_trains_names_what_is_missing(bare, tmp_path):
    data = labeled(tmp_path / "data")
    commands = [
        ["train", "bone-general", "--data", str(data), "--run", str(tmp_path / "run")],
        ["train", "chest-nodule", "--data", str(data), "--run", str(tmp_path / "run")],
        ["train", "mura", "--part", "wrist", "--data", str(data), "--run", str(tmp_path / "run")],
        ["train", "codes", str(data), "--out", str(tmp_path / "run")],
        ["publish", "bone-general", "--data", str(data), "--run", str(tmp_path / "run")],
        ["evaluate", "mura", "--run", str(tmp_path / "run"), "--data", str(data)],
        ["explore", "mura", "--data", str(data), "--to", str(tmp_path / "explored")],
        ["codes", str(data), str(tmp_path / "codes")],
        ["test", "codes", str(tmp_path / "run"), str(tmp_path / "codes")],
        ["prepare", "fracatlas", str(data), str(tmp_path / "prepared")],
        ["prepare", "webfilms", str(data), str(tmp_path / "prepared")],
    ]
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", RUN_EACH],  # -S: without the folder of packages of its own
        input=json.dumps(commands),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{bare}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULTS")]
    for arguments, (code, output, error) in zip(
        commands, json.loads(line.removeprefix("RESULTS")), strict=True
    ):
        what = " ".join(arguments[:2])
        assert (code, error) == (2, "SystemExit(2)"), f"{what}: {error} {output}"
        (sentence,) = output.splitlines()
        assert all(name in sentence for name in TRAINING.values()), f"{what}: {sentence}"
        assert "pip install -r requirements-train.txt" in sentence
    assert sorted(tmp_path.rglob("*")) == before  # nothing half done is left behind


def test_codes_that_failed_leave_no_folder_that_refuses_the_next_try(tmp_path):
    data, out = labeled(tmp_path / "data"), tmp_path / "codes"
    first = ["codes", str(data), str(out), "--size", "32"]
    failed = CliRunner().invoke(app, [*first, "--start", "nothing"])
    assert failed.exit_code == 2 and "No pretrained start 'nothing'" in failed.output
    assert not out.exists()
    kept = tmp_path / "notes"
    kept.mkdir()
    (kept / "mine.txt").write_text("mine", encoding="utf-8")
    failed = CliRunner().invoke(app, [*first[:2], str(kept), "--start", "nothing"])
    assert failed.exit_code == 2
    assert [path.name for path in kept.iterdir()] == ["mine.txt"]
    other = CliRunner().invoke(app, [*first, "--start", "hed", "--versions", "2"])
    assert "codes of other settings" not in other.output
