"""Importing published PyTorch checkpoints: the model, its card, and refusals that leave nothing."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch_files as files
from file_server import serving_files
from typer.testing import CliRunner

from xray_models import catalogue, cli, networks, pipeline
from xray_models.evaluate.predictions.predictions import from_card
from xray_models.importers import torch_densenet, torch_file
from xray_models.importers.checkpoints import CHECKPOINTS, RemoteFile
from xray_models.importers.refusal import ImportRefused
from xray_models.inference import weights as stored
from xray_models.radiograph import Radiograph

pytestmark = pytest.mark.network


def old(name: str) -> str:
    """A name as torchvision gave it before 0.2.1."""
    for kind in ("norm", "conv"):
        for number in "12":
            name = name.replace(f".{kind}{number}.", f".{kind}.{number}.")
    return name


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """Weights of CheXNet by today's names."""
    return files.densenet121(14)


@pytest.fixture(scope="module")
def saved(arrays, tmp_path_factory):
    """The checkpoint as arnoweng/CheXNet has it, with old names and a wrapper around them."""
    named = {f"module.densenet121.{old(name)}": array for name, array in arrays.items()}
    state, rows = files.state_dict(named)
    path = tmp_path_factory.mktemp("torch") / "model.pth.tar"
    path.write_bytes(files.legacy({"epoch": 1, "state_dict": state}, rows))
    return path


@pytest.fixture(scope="module")
def network():
    return networks.build("densenet121", (64, 64), 14)


def run(*arguments: object):
    return CliRunner().invoke(cli.app, ["import", "torch", *map(str, arguments)])


@pytest.mark.slow
def test_a_checkpoint_becomes_a_model_with_a_card(saved, arrays, tmp_path, monkeypatch):
    own, cutoffs = tmp_path / "own", tmp_path / "thresholds.npy"
    np.save(cutoffs, np.linspace(0.1, 0.9, 14))
    done = run(saved, "--like", "chexnet", "--to", own, "--thresholds", cutoffs)
    assert done.exit_code == 0, done.output
    assert "chest-chexnet: densenet121, 256 x 256 pixels" in done.output
    monkeypatch.setenv("RADLENS_MODELS", str(own))
    card = catalogue.get("chest-chexnet")
    checkpoint = CHECKPOINTS["chexnet"]
    assert card.labels == checkpoint.labels
    np.testing.assert_allclose(list(card.thresholds.values()), np.linspace(0.1, 0.9, 14))
    assert card.limits[-1] == "Its thresholds came with it, in a file of their own."
    assert card.parts == ("chest",) and card.scaling == "imagenet" and not card.measured
    assert "arnoweng" in card.weights.origin and "none stated" in card.weights.license
    filled = stored.load(card)
    kernel = filled.get_layer("conv5_block16_2_conv").kernel.numpy()
    theirs = arrays["features.denseblock4.denselayer16.conv2.weight"]
    np.testing.assert_array_equal(kernel, theirs.transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(
        filled.get_layer("pool3_bn").gamma.numpy(), arrays["features.transition2.norm.weight"]
    )
    again = run(saved, "--like", "chexnet", "--to", own)
    assert again.exit_code == 2 and "--replace" in again.output
    catalogue.refresh()


def tables(films: int) -> dict[str, bytes]:
    """Predictions and labels of some drawn films, as reproduce-chexnet publishes them."""
    labels = CHECKPOINTS["reproduce-chexnet"].labels
    random = np.random.default_rng(3)
    truth = random.random((films, 14)) < 0.4
    seen = np.clip(truth * 0.3 + random.random((films, 14)) * 0.6, 0, 1)
    predictions = [",".join(["Image Index", *(f"prob_{label}" for label in labels)])]
    known = ["Image Index,Patient ID,Patient Age,Patient Gender,View Position,"]
    known[0] += ",".join(labels) + ",fold"
    for index in range(films):
        name, patient = f"{index:08}_000.png", index // 2
        predictions.append(",".join([name, *map(str, seen[index])]))
        fold = "train" if index == films - 1 else "test"
        sex, view = "FM"[patient % 2], "PA" if patient % 3 else "AP"
        cells = [name, patient, "058Y", sex, view, *truth[index].astype(float), fold]
        known.append(",".join(map(str, cells)))
    return {"/preds.csv": "\n".join(predictions).encode(), "/labels.csv": "\n".join(known).encode()}


@pytest.mark.slow
def test_a_download_goes_on_after_a_break_and_brings_published_predictions(
    saved, tmp_path, monkeypatch
):
    content = saved.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    own = tmp_path / "own"
    with serving_files({"/checkpoint": content, **tables(61)}) as server:
        local = {
            "weights": RemoteFile("weights", f"{server.address}/checkpoint", 10**8, blob),
            "predictions": RemoteFile("preds.csv", f"{server.address}/preds.csv", 10**6),
            "truth": RemoteFile("labels.csv", f"{server.address}/labels.csv", 10**6),
        }
        here = replace(CHECKPOINTS["reproduce-chexnet"], input_size=(64, 64), **local)
        monkeypatch.setitem(CHECKPOINTS, "reproduce-chexnet", here)
        command = ["download", "reproduce-chexnet", "--to", str(own)]
        server.files.pop("/checkpoint")
        failed = CliRunner().invoke(cli.app, command)
        assert failed.exit_code == 2 and "no longer has it" in failed.output
        assert not own.exists() or not list(own.glob("models/*"))
        server.files["/checkpoint"] = content
        server.break_after = 9_000_000
        done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 0, done.output
    assert f"{len(content) / 1e6:.1f} MB" in done.output
    assert len([one for one in server.asked if one[0] == "/checkpoint"]) > 3
    monkeypatch.setenv("RADLENS_MODELS", str(own))
    card = catalogue.get("chest-reproduce-chexnet")
    assert card.measured and card.held_out.films == 60 and card.held_out.groups == 30
    assert 0.5 < card.held_out.figures["mean AUC"].value < 1
    assert "published" in card.limits[0]
    predictions = from_card(card)
    assert predictions.films == 60 and set(predictions.subgroups) >= {"sex", "view"}
    chosen = pipeline.read(
        Radiograph(pixels=np.full((64, 64), 0.5, np.float32), source_format="drawn"),
        models=[card.id],
    )
    assert [one.label for one in chosen.findings] == list(card.labels)
    catalogue.refresh()


def changed(arrays, tmp_path, **changes):
    """The arrays with some in another form, as a file."""
    made = {name: array for name, array in (arrays | changes).items() if array is not None}
    path = tmp_path / "changed.pth"
    path.write_bytes(files.zipped(*files.state_dict(made)))
    return torch_file.read(path)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"features.norm5.bias": None}, r"features\.norm5\.bias is missing"),
        ({"features.conv0.weight": np.zeros((64, 3, 5, 5), np.float32)}, "has the shape"),
        ({"features.conv0.weight": np.zeros(3, np.float32)}, "has the shape"),
        ({"classifier.0.weight": np.zeros((15, 1024), np.float32)}, "15 outputs, needed are 14"),
        ({"classifier.2.weight": np.zeros((3, 3), np.float32)}, r"also holds classifier\.2"),
        ({"features.norm5.bias": np.full(1024, np.inf, np.float32)}, "no finite numbers"),
    ],
)
def test_a_file_of_another_network_is_refused(changes, why, arrays, network, tmp_path):
    labels = CHECKPOINTS["chexnet"].labels
    with pytest.raises(ImportRefused, match=why):
        torch_densenet.copy_into(
            network, changed(arrays, tmp_path, **changes), labels, "classifier.0"
        )


def test_a_refused_file_leaves_nothing_half_written(saved, tmp_path):
    cut = tmp_path / "cut.pth"
    cut.write_bytes(saved.read_bytes()[:-1000])
    own = tmp_path / "own"
    for file, like, why in (
        (cut, "chexnet", "cut off"),
        (saved, "chexnet-localization", "14 outputs, needed are 8"),
        (saved, "resnet", "Known: chexnet"),
    ):
        done = run(file, "--like", like, "--to", own)
        assert done.exit_code == 2 and why in done.output and "Traceback" not in done.output
    assert not own.exists()


def test_gray_weights_are_spread_over_three_channels_and_untrained_outputs_left_out(
    arrays, tmp_path
):
    random = np.random.default_rng(5)
    gray = random.standard_normal((64, 1, 7, 7), np.float32)
    head = random.standard_normal((18, 1024), np.float32)
    file = changed(
        {name: array for name, array in arrays.items() if not name.startswith("classifier")},
        tmp_path,
        **{"features.conv0.weight": gray, "classifier.weight": head},
        **{"classifier.bias": np.arange(18, dtype=np.float32)},
    )
    checkpoint = replace(CHECKPOINTS["xrv-rsna"], input_size=(64, 64))
    made = networks.build("densenet121", (64, 64), len(checkpoint.trained))
    torch_densenet.copy_into(made, file, checkpoint.labels, checkpoint.head)
    assert checkpoint.trained == ("Pneumonia", "Lung Opacity")
    np.testing.assert_array_equal(made.get_layer("logits").bias.numpy(), [8, 16])
    np.testing.assert_array_equal(made.get_layer("logits").kernel.numpy(), head[[8, 16]].T)
    kernel = made.get_layer("conv1_conv").kernel.numpy()
    np.testing.assert_allclose(kernel.sum(axis=2), gray[:, 0].transpose(1, 2, 0), atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if name.startswith("xrv")])
def test_one_half_is_the_operating_point_of_torchxrayvision(name):
    from xray_models.catalogue.schema import build
    from xray_models.importers.torch_model import card_of
    from xray_models.inference.predict import calibrated

    checkpoint = CHECKPOINTS[name]
    fields = card_of(checkpoint, checkpoint.thresholds, "file.pt", own=False)
    calibration = build(catalogue.Calibration, fields["calibration"], "card")
    points = np.array([one for one in checkpoint.points if one == one])
    logits = np.log(points / (1 - points))
    for shift in (-0.01, 0.0, 0.01):
        found = calibrated((logits + shift)[None].astype(np.float64), calibration, "sigmoid")
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-shift)), atol=1e-9)
    assert set(fields["thresholds"].values()) == {0.5}
