"""The package as it is installed: its version, its files, its requirements, its own command."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

import xray_models
from xray_models.catalogue import registry
from xray_models.cli import app

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

_spec = importlib.util.spec_from_file_location("requirements", ROOT / "tools" / "requirements.py")
assert _spec is not None and _spec.loader is not None
requirements = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(requirements)


def test_the_version_is_one_and_the_command_tells_it():
    assert PROJECT["project"]["version"] == xray_models.__version__
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"RadLens {xray_models.__version__}\n")


def test_the_command_of_the_package_is_the_one_of_the_module():
    module, _, name = PROJECT["project"]["scripts"]["radlens"].partition(":")
    assert getattr(importlib.import_module(module), name) is app


def test_all_that_the_app_needs_travels_beside_the_package():
    sent = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {"app.py", "main.py", "pages", "assets", ".streamlit"} <= sent.keys()
    for source, place in sent.items():
        assert (ROOT / source).exists()
        assert place == f"xray_models/_app/{source}", "nothing else at the top of site-packages"


def test_assets_are_found_in_a_checkout_and_in_an_installed_package(tmp_path, monkeypatch):
    monkeypatch.delenv("RADLENS_ASSETS", raising=False)
    assert registry.assets() == ROOT / "assets"
    module = tmp_path / "site-packages" / "xray_models" / "catalogue" / "registry.py"
    (module.parents[1] / "_app" / "assets").mkdir(parents=True)
    (tmp_path / "site-packages" / "assets").mkdir()  # of somebody else
    monkeypatch.setattr(registry, "__file__", str(module))
    assert registry.assets() == module.parents[1] / "_app" / "assets"


def test_the_requirements_files_agree_with_the_ranges():
    assert requirements.check(ROOT) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("pyproject.toml", '"keras>=3.15,<4"', '"keras>=4,<5"', "pins keras 3"),
        ("pyproject.toml", '"keras>=3.15,<4",', "", "has keras, which pyproject"),
        ("pyproject.toml", '"keras>=3.15,<4"', '"keras>=3.15,<4", "knee"', "lacks knee"),
        ("requirements-dev.txt", "numpy==2", "numpy==1", "numpy is pinned differently"),
    ],
)
def test_what_is_at_odds_is_named(tmp_path, file, old, new, sentence):
    for name in ("pyproject.toml", *requirements.FILES):
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    assert any(sentence in one for one in requirements.check(tmp_path))


def test_the_dashboard_opens_from_another_folder(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "xray_models", "app", "--server.port", str(port)]
    command += ["--server.headless", "true"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RADLENS_WARM": "off"}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health") as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.25)
        else:
            pytest.fail("no server answers")
        told = (tmp_path / "log").read_text()
        assert "http://localhost:" in told
        assert "Network URL" not in told, "the settings of the project hold"
    finally:
        server.kill()
        server.wait(30)
