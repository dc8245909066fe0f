"""Imported PyTorch checkpoints give what PyTorch gives: outputs and maps, for each project."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from xray_models import catalogue, pipeline
from xray_models.importers import torch_model
from xray_models.importers.checkpoints import CHECKPOINTS
from xray_models.inference import predict
from xray_models.radiograph import Radiograph

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(find_spec(name) for name in ("torch", "torchvision")),
        reason="needs PyTorch to compare with (requirements-bench.txt)",
    ),
]

SIZE = 96
CLOSE = 1e-4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("RADLENS_MODELS", str(tmp_path / "own"))
    yield tmp_path / "own"
    catalogue.refresh()


@pytest.fixture(scope="module")
def film():
    """A smooth picture at the size of the networks, so that nothing is resized."""
    import toy_networks  # noqa: F401 - TensorFlow before PyTorch

    coarse = np.random.default_rng(4).random((8, 8))
    fine = np.kron(coarse, np.ones((SIZE // 8, SIZE // 8)))
    return Radiograph(pixels=fine.astype(np.float32), source_format="drawn")


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("chexnet", "chexnet"),
        ("chexnet-localization", "localization"),
        ("reproduce-chexnet", "reproduced"),
        ("xrv-all", "xrv"),
    ],
)
def test_outputs_and_maps_are_those_of_pytorch(name, saved, folder, film, tmp_path):
    import torch_checkpoints

    path = tmp_path / "checkpoint"
    theirs = getattr(torch_checkpoints, saved)(path)
    densenet = getattr(theirs, "densenet121", theirs)
    checkpoint = replace(CHECKPOINTS[name], input_size=(SIZE, SIZE))
    card = torch_model.import_file(path, checkpoint, folder)

    outputs = [index for index, label in enumerate(checkpoint.labels) if label]
    gray = film.pixels[None, ..., None]
    if checkpoint.points:
        image = 1024 * (2 * gray - 1)
    else:
        image = (gray - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    label = outputs[1]
    logits, heat = torch_checkpoints.looked_at(densenet, image.astype(np.float32), label)
    ours = predict.forward(card, film)
    np.testing.assert_allclose(ours.logits, logits[outputs], atol=CLOSE, rtol=CLOSE)
    if not checkpoint.points:
        found = predict.probabilities(card, film)
        np.testing.assert_allclose(list(found.values()), 1 / (1 + np.exp(-logits)), atol=CLOSE)
    # of a label and against it: with random weights one of the two may well be empty
    _, against = torch_checkpoints.looked_at(densenet, image.astype(np.float32), label, -1)
    assert heat.any() or against.any()
    for negate, theirs in ((False, heat), (True, against)):
        mapped = pipeline.explain(film, card.id, card.labels[1], negate, spec="grad-cam")
        np.testing.assert_allclose(mapped.values, theirs, atol=CLOSE)
