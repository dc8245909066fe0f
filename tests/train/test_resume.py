"""A training that is killed, wherever it is, goes on as if it had not been."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny_training
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_training import KILLS

from xray_models import networks
from xray_models.train import epoch, loop
from xray_models.train.recipe import Recipe
from xray_models.train.run_folder.checkpoint import BEST, Checkpoints, ResumeError, State

pytestmark = pytest.mark.network

ROOT = Path(__file__).resolve().parents[2]
OF_CODES = [name for name in KILLS if name.startswith("codes")]


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> None:
    monkeypatch.setitem(networks._BACKBONES, tiny_training.ARCHITECTURE, tiny_training.TINY)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return tiny_training.recipe(tmp_path / "films")


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """Run folders of trainings that were killed in their second epoch of three."""
    folder = tmp_path_factory.mktemp("killed")
    found = subprocess.run(
        [sys.executable, tiny_training.__file__, folder],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TF_NUM_INTRAOP_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=400,
    )
    signals = json.loads(found.stdout.splitlines()[-1])
    assert set(signals.values()) == {signal.SIGKILL}, found.stderr
    return folder


def kept(run: Path) -> list[np.ndarray]:
    network = networks.build(tiny_training.ARCHITECTURE, (32, 32), 1)
    network.load_weights(run / BEST)
    return network.get_weights()


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def logged(run: Path) -> list[int]:
    board = EventAccumulator(str(run / "tensorboard"))
    board.Reload()
    return [event.step for event in board.Tensors("loss")]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._BACKBONES, tiny_training.ARCHITECTURE, tiny_training.TINY)
        loop.train(tiny_training.recipe(folder / "films"), folder, folder / "run")
    return folder / "run"


@pytest.mark.parametrize("name", [name for name in KILLS if name not in OF_CODES])
def test_a_killed_training_ends_as_an_uninterrupted_one(name, killed, uninterrupted, recipe):
    run = killed / name
    state = Checkpoints(run).state()
    assert state.kept == state.epoch == (2 if name.startswith("between state") else 1)
    with np.load(run / f"average-{state.epoch}.npz") as average:
        for index, one in enumerate(kept(run)):
            np.testing.assert_array_equal(one, average[f"arr_{index}"])

    loop.train(recipe, killed, run, resume=True)
    for one, other in zip(kept(run), kept(uninterrupted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    assert [line["epoch"] for line in history(run)] == ["1", "2", "3"] and logged(run) == [1, 2, 3]
    for line, expected in zip(history(run), history(uninterrupted), strict=True):
        assert float(line["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-3)
    assert {path.name for path in run.iterdir() if path.suffix in (".h5", ".npz", ".json")} == {
        *("average-3.npz", "best.weights.h5", "last-3.weights.h5"),
        *("config.json", "metrics.json", "state.json"),
    }


@pytest.mark.parametrize("name", OF_CODES)
def test_a_killed_training_on_codes_ends_as_an_uninterrupted_one(name, killed, tmp_path):
    found = tiny_training.fit_codes(killed / name, resume=True).get_weights()
    expected = tiny_training.fit_codes(tmp_path).get_weights()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    for run in (killed / name, tmp_path):
        assert [line["epoch"] for line in history(run)] == ["1", "2", "3"]
        assert logged(run) == [1, 2, 3]
        assert sorted(path.name for path in run.glob("*.h5")) == [
            "epoch-03.weights.h5",
            "last-3.weights.h5",
        ]
        assert json.loads((run / "metrics.json").read_text())["epochs"] == 3
        config = json.loads((run / "config.json").read_text())
        assert config["git_revision"] and config["machine"]["replicas"] == 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._BACKBONES, tiny_training.ARCHITECTURE, tiny_training.TINY)
        recipe = tiny_training.recipe(folder / "films")
        loop.train(replace(recipe, epochs=1), folder, folder / "run")
    return folder / "run"


@pytest.fixture
def one_epoch(finished, tmp_path) -> Path:
    """Of three, or of one: only the schedule of what follows differs."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state.json", b'{"epoch": 1, "be'),
        ("state.json", b"[1]"),
        ("last-1.weights.h5", None),
        ("last-1.weights.h5", b"\x89HDF\r\n\x1a\n half"),
        ("average-1.npz", None),
        ("average-1.npz", b"PK\x03\x04 half"),
        ("best.weights.h5", None),
        ("history.csv", b"epoch,loss\nfirst,0.1\n"),
    ],
)
def test_what_cannot_be_gone_on_from_is_told_by_its_name(
    name, content, one_epoch, recipe, tmp_path
):
    path = one_epoch / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ResumeError, match=f"run/{name}: the training cannot go on.*--resume"):
        loop.train(recipe, tmp_path, one_epoch, resume=True)


def test_another_network_does_not_go_on_from_these_weights(one_epoch, recipe, tmp_path):
    with pytest.raises(ResumeError, match=r"last-1\.weights\.h5"):
        loop.train(replace(recipe, architecture="mobilenetv2"), tmp_path, one_epoch, resume=True)


def test_an_earlier_run_without_a_state_is_not_overwritten_by_a_resume(one_epoch, recipe, tmp_path):
    for path in one_epoch.iterdir():
        if path.name not in (BEST, "config.json") and path.is_file():
            path.unlink()
    before = (one_epoch / BEST).read_bytes()
    with pytest.raises(ResumeError, match=r"no state\.json to go on from"):
        loop.train(recipe, tmp_path, one_epoch, resume=True)
    assert (one_epoch / BEST).read_bytes() == before


def test_a_finished_run_is_left_alone_by_a_resume(one_epoch, recipe, tmp_path):
    (one_epoch / "metrics.json").unlink()  # as if it had been killed right before its end
    before = {path.name: path.read_bytes() for path in one_epoch.glob("*.h5")}
    again = loop.train(replace(recipe, epochs=1), tmp_path, one_epoch, resume=True)
    assert again == one_epoch / BEST and again.is_file()
    assert {path.name: path.read_bytes() for path in one_epoch.glob("*.h5")} == before
    assert json.loads((one_epoch / "metrics.json").read_text())["epochs"] == 1


def test_a_fresh_start_leaves_nothing_of_an_earlier_training(one_epoch, recipe, tmp_path):
    (one_epoch / "last.weights.h5").write_bytes(b"of a run whose files had no numbers")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            loop.train(recipe, tmp_path, one_epoch)
    assert not [*one_epoch.glob("*.h5"), *one_epoch.glob("*.npz"), *one_epoch.glob("state.json")]
    assert not (one_epoch / "metrics.json").exists() and not history(one_epoch)


def test_a_later_fold_of_an_earlier_training_does_not_pass_for_a_new_one(recipe, tmp_path):
    films = recipe.films(tmp_path)["train"]
    crossed = replace(recipe, folds=2, epochs=1, batch=4, films=lambda _: {"folds": films})
    loop.train(crossed, tmp_path, tmp_path / "run")
    calls = []

    def interrupted(*_: object, **__: object) -> None:
        calls.append(1)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            loop.train(crossed, tmp_path, tmp_path / "run")
    assert calls and not [*(tmp_path / "run").glob("fold-*/*.h5")]


def test_validation_films_of_one_class_say_nothing_and_stop_nothing(recipe, tmp_path):
    films = recipe.films(tmp_path)
    one_class = films | {"validation": films["validation"][::2]}
    patient = replace(recipe, films=lambda _: one_class, keep_last=False, patience=1, plateau=0.1)
    run = tmp_path / "run"
    loop.train(patient, tmp_path, run)
    state = json.loads((run / "state.json").read_text())
    assert state["epoch"] == state["kept"] == 3 and state["worse"] == 0 and state["best"] is None
    assert state["learning_rate"] == pytest.approx(patient.learning_rate)
    assert json.loads((run / "metrics.json").read_text()) == {"epochs": 3}
    # and a figure, once there is one, counts
    better = epoch.next_state(
        State(epoch=3, kept=3), {"epoch": 4, "validation_auc": 0.6}, patient, 0.1
    )
    assert (better.best, better.kept, better.worse) == (0.6, 4, 0)
    unknown = epoch.next_state(better, {"epoch": 5, "validation_auc": float("nan")}, patient, 0.1)
    assert (unknown.best, unknown.kept, unknown.worse) == (0.6, 5, 0) and not unknown.stopped
    worse = epoch.next_state(unknown, {"epoch": 6, "validation_auc": 0.6}, patient, 0.1)
    assert worse.kept == 5 and worse.stopped and worse.learning_rate == pytest.approx(0.01)


def test_a_training_that_diverges_or_has_too_few_films_is_told(recipe, tmp_path):
    with pytest.raises(ValueError, match="the training diverged"):
        loop.train(replace(recipe, learning_rate=float("inf")), tmp_path, tmp_path / "run")
    assert not (tmp_path / "run" / "state.json").exists()
    with pytest.raises(ValueError, match="24 films do not fill a batch of 32"):
        loop.train(replace(recipe, batch=32), tmp_path, tmp_path / "run")
