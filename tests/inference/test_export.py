"""Exported files answer as the network does, and say what they are."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
import toy_cards

from xray_models import catalogue
from xray_models.catalogue import Calibration
from xray_models.inference import export as exporting
from xray_models.inference.export import ExportRefused, export

pytestmark = pytest.mark.network

SIZE = 64


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """A small network with a calibration, in a folder of assets of its own."""
    assets = tmp_path_factory.mktemp("assets")
    with pytest.MonkeyPatch.context() as patch:
        made = toy_cards.card(assets, "mobilenetv2", (SIZE, SIZE))
        patch.setenv("RADLENS_ASSETS", str(assets))
        catalogue.refresh()
        yield replace(made, calibration=Calibration(1.5, (-0.4,)))
    catalogue.refresh()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(2).normal(size=(3, SIZE, SIZE, 3)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("form", exporting.FORMATS)
def test_a_file_answers_as_the_network_and_is_described(form, card, images, tmp_path):
    if form == "onnx":
        pytest.importorskip("tf2onnx", reason="the extra export brings it")
    done = export(card, form, tmp_path, images)
    assert done.difference <= 1e-4 and done.pictures == 3 and done.path.exists()
    assert done.bytes > 4_000_000
    told = json.loads((tmp_path / f"{done.path.name}.json").read_text())
    assert told["labels"] == [toy_cards.LABEL] and told["input"]["shape"][1:] == [SIZE, SIZE, 3]


@pytest.mark.slow
def test_eight_bits_take_a_quarter_and_the_difference_is_told(card, images, tmp_path):
    done = export(card, "tflite", tmp_path, images, int8=True)
    assert done.path.name.endswith("-int8.tflite") and done.bytes < 4_000_000
    assert 0 < done.difference < 0.2


def test_what_cannot_be_exported_is_told_and_leaves_nothing(card, images, tmp_path, monkeypatch):
    with pytest.raises(ExportRefused, match="Forms: onnx"):
        export(card, "pytorch", tmp_path, images)
    with pytest.raises(ExportRefused, match="for TFLite"):
        export(card, "openvino", tmp_path, images, int8=True)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else found(name)
    )
    with pytest.raises(ExportRefused, match=r"pip install 'radlens\[export\]'"):
        export(card, "onnx", tmp_path, images)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_file_that_answers_otherwise_is_not_kept(card, images, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "CLOSE", -1.0)
    with pytest.raises(ExportRefused, match="answer otherwise"):
        export(card, "openvino", tmp_path, images)
    assert not list(tmp_path.iterdir())
