"""VGG16 codes: cached, resumed, and what the network on them learns and says."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import drawing
import keras
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from xray_models import networks
from xray_models.commands.codes import codes, evaluate_codes, train_codes
from xray_models.datasets import Film, nodule
from xray_models.evaluate.metrics.balanced_mix import at_balanced_mix
from xray_models.networks import vgg_codes
from xray_models.train.recipes import chest_nodule
from xray_models.train.run_folder.checkpoint import BEST
from xray_models.train.vgg_codes import encode, table
from xray_models.train.vgg_codes.evaluate import evaluate
from xray_models.train.vgg_codes.fit import Fit, Run, fit, logits, probabilities
from xray_models.train.vgg_codes.run import evaluate_run
from xray_models.train.vgg_codes.store import CodesError, Settings, Store

pytestmark = pytest.mark.network

pytest.importorskip("h5py", reason="training needs requirements-train.txt")

SMALL = Settings(input_size=(32, 32))


@pytest.fixture(autouse=True)
def quick_start(monkeypatch):
    """Random convolutions: what is tested is the way of the codes, not what they show."""

    def start(network: keras.Model, source: str) -> str:
        if source != "hed":
            raise ValueError(f"No pretrained start {source!r}.")
        random = np.random.default_rng(0)
        for variable in network.weights:
            fan_in = max(1, int(np.prod(variable.shape[:-1])))
            variable.assign(random.normal(0, np.sqrt(2 / fan_in), variable.shape))
        return "random"

    monkeypatch.setattr(encode.pretrained, "start", start)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Dark and bright films, 24 each, and one DICOM."""
    random = np.random.default_rng(1)
    for index in range(24):
        for label, gray in (("dark", 30), ("bright", 200)):
            path = tmp_path / "films" / label / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(gray - 25, gray + 25, (40, 36)).astype(np.uint8)).save(
                path
            )
    (tmp_path / "films" / "bright" / "x.dcm").write_bytes(
        drawing.dicom(random.integers(180, 250, (40, 36)).astype(np.uint8))
    )
    return tmp_path / "films"


@pytest.fixture
def program() -> typer.Typer:
    app = typer.Typer()
    app.command("codes")(codes)
    app.command("train")(train_codes)
    app.command("test")(evaluate_codes)
    return app


def run(program: typer.Typer, *arguments: object):
    return CliRunner().invoke(program, [str(one) for one in arguments])


def test_from_a_folder_to_a_confusion_matrix(program, folder, tmp_path):
    stored, out = tmp_path / "codes", tmp_path / "run"
    done = run(program, "codes", folder, stored, "--size", 32)
    assert done.exit_code == 0, done.output
    assert "49 images of 2 labels in 49 groups; 0 codes were there already" in done.output

    done = run(program, "train", stored, "--out", out, "--epochs", 6, "--batch", 4)
    assert done.exit_code == 0, done.output
    assert len(list(out.glob("epoch-*.weights.h5"))) == 6
    history = list(csv.DictReader((out / "history.csv").open()))
    assert [row["epoch"] for row in history] == list("123456")
    assert {"loss", "validation_loss", "validation_accuracy"} <= set(history[0])
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["epochs"] == 6
    assert metrics["validation_loss"] == pytest.approx(float(history[-1]["validation_loss"]))
    assert json.loads((out / "config.json").read_text())["git_revision"]
    assert list((out / "tensorboard").iterdir())
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    split = list(csv.DictReader((out / "split.csv").open()))
    assert {row["split"] for row in split} == {"train", "validation", "test"}

    done = run(program, "test", out, stored)
    assert done.exit_code == 0, done.output
    assert "rows: truth, columns: called" in done.output and "precision, dark" in done.output
    predictions = list(csv.DictReader((out / "predictions.csv").open()))
    assert {row["file"] for row in predictions} == {
        row["file"] for row in split if row["split"] == "test"
    }
    right = [row["called"] == row["label"] for row in predictions]
    assert f"{np.mean(right):.3f}" in done.output
    assert np.mean(right) == 1, "black or white should be easy"
    for row in predictions:
        assert float(row["p:dark"]) + float(row["p:bright"]) == pytest.approx(1, abs=2e-5)


def test_a_run_goes_on_with_the_same_images_and_settings_only(program, folder, tmp_path):
    stored, out = tmp_path / "codes", tmp_path / "run"
    run(program, "codes", folder, stored, "--size", 32)
    train = ("train", stored, "--out", out, "--batch", 4)
    assert run(program, *train, "--epochs", 1).exit_code == 0
    first = (out / "history.csv").read_text()
    done = run(program, *train, "--epochs", 2, "--resume")
    assert done.exit_code == 0 and "epoch 1 " not in done.output and "epoch 2 " in done.output
    assert (out / "history.csv").read_text().startswith(first)
    assert run(program, "test", out, stored).exit_code == 0

    done = run(program, *train, "--epochs", 3, "--resume", "--dropout", 0.1)
    assert done.exit_code == 2 and "was trained with fit" in done.output
    films = stored / "films.csv"
    whole = films.read_text()
    films.write_text(whole[: whole[:-1].rindex("\n") + 1])
    done = run(program, *train, "--epochs", 3, "--resume")
    assert done.exit_code == 2 and "was trained on other images" in done.output
    films.write_text(whole)
    (out / "last-2.weights.h5").write_bytes(b"torn")
    done = run(program, *train, "--epochs", 3, "--resume")
    assert done.exit_code == 2 and "last-2.weights.h5: the training cannot go on" in done.output
    assert isinstance(done.exception, SystemExit)
    # a fresh start: no checkpoint of the earlier run is left to be judged
    assert run(program, *train, "--epochs", 1).exit_code == 0
    assert [path.name for path in out.glob("epoch-*")] == ["epoch-01.weights.h5"]


@pytest.mark.slow
def test_chest_nodule_goes_on_from_a_stopped_fold(folder, tmp_path, monkeypatch):
    paths = sorted(folder.glob("*/*.png"))
    films = [
        film(path.stem + path.parent.name, int(path.parent.name == "bright"), "a", "PA", "", "")
        for path in paths
    ]
    films = [replace(one, path=path) for one, path in zip(films, paths, strict=True)]
    recipe = replace(
        chest_nodule.RECIPE,
        films=lambda _: {"folds": films},
        input_size=(32, 32),
        folds=2,
        epochs=2,
        batch=4,
    )

    def kept(run: Path) -> list[list[np.ndarray]]:
        found = []
        for name in ("fold-1", "fold-2"):
            network = networks.build("vgg16-codes", (32, 32), 1)
            network.load_weights(run / name / BEST)
            found.append(network.get_weights())
            assert json.loads((run / name / "metrics.json").read_text())["epochs"] == 2
            config = json.loads((run / name / "config.json").read_text())
            assert config["model"] == "chest-nodule" and config["start"] == "random"
            assert config["git_revision"] and config["versions"] == 2
        return found

    assert chest_nodule.train(tmp_path, tmp_path / "whole", recipe).is_file()
    real, calls = keras.Model.fit, []

    def dying(self: keras.Model, *args: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 4:  # the second epoch of the second fold
            raise KeyboardInterrupt
        return real(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", dying)
        with pytest.raises(KeyboardInterrupt):
            chest_nodule.train(tmp_path, tmp_path / "killed", recipe)
    assert not (tmp_path / "killed" / "fold-2" / BEST).exists()
    chest_nodule.train(tmp_path, tmp_path / "killed", recipe, resume=True)
    for one, other in zip(kept(tmp_path / "killed"), kept(tmp_path / "whole"), strict=True):
        for ours, theirs in zip(one, other, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("all folds are finished"))
        chest_nodule.train(tmp_path, tmp_path / "killed", recipe, resume=True)


def test_codes_are_computed_once(program, folder, tmp_path, monkeypatch):
    stored = tmp_path / "codes"
    assert run(program, "codes", folder, stored, "--size", 32).exit_code == 0
    before = Store(stored).read([table.read(stored).rows["sha256"][0]], "flatten")
    monkeypatch.setattr(
        encode, "convolutions", lambda *_: pytest.fail("nothing new, so nothing to compute")
    )
    done = run(program, "codes", folder, stored, "--size", 32)
    assert done.exit_code == 0 and "49 codes were there already" in done.output
    monkeypatch.undo()
    after = Store(stored).read([table.read(stored).rows["sha256"][0]], "flatten")
    assert (before == after).all()


def test_a_killed_run_goes_on_after_the_last_shard(folder, tmp_path, monkeypatch):
    images = {f"{index:064x}": path for index, path in enumerate(sorted(folder.glob("*/*.png")))}
    whole = Store(tmp_path / "whole", SMALL)
    encode.encode(images, whole)

    monkeypatch.setattr(encode, "SHARD", 16)
    reads = []
    read = encode.read

    def dying(path: Path):
        reads.append(path)
        if len(reads) == 40:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(encode, "read", dying)
    killed = Store(tmp_path / "killed", SMALL)
    with pytest.raises(KeyboardInterrupt):
        encode.encode(images, killed)
    (tmp_path / "killed" / "codes-00002.part").write_bytes(b"half a shard")
    with (tmp_path / "killed" / "index.csv").open("a") as file:
        file.write("00ab")

    again = Store(tmp_path / "killed")
    assert len(again) == 32
    reads.clear()
    monkeypatch.setattr(encode, "read", read)
    encode.encode(images, again)
    assert len(Store(tmp_path / "killed")) == 48
    np.testing.assert_array_equal(
        again.read(images, "flatten"), whole.read(images, "flatten"), strict=True
    )


def test_unreadable_files_are_named_and_skipped_or_stop(program, folder, tmp_path):
    (folder / "dark" / "notes.txt").write_text("no picture")
    shutil.copy(folder / "dark" / "notes.txt", folder / "dark" / "copy.txt")
    done = run(program, "codes", folder, tmp_path / "codes", "--size", 32)
    assert done.exit_code == 0
    assert "dark/notes.txt: This is not a picture" in done.output
    assert "dark/copy.txt" in done.output and "2 left out" in done.output
    assert len(table.read(tmp_path / "codes").rows) == 49
    done = run(program, "codes", folder, tmp_path / "other", "--size", 32, "--stop")
    assert done.exit_code == 2 and "This is not a picture" in done.output


def test_codes_of_other_settings_are_not_mixed(program, folder, tmp_path):
    stored = tmp_path / "codes"
    assert run(program, "codes", folder, stored, "--size", 32).exit_code == 0
    done = run(program, "codes", folder, stored, "--size", 64)
    assert done.exit_code == 2 and "other settings" in done.output
    done = run(program, "codes", folder, tmp_path / "b", "--size", 32, "--start", "lite9")
    assert done.exit_code == 2 and "No pretrained start" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "nowhere", "--out", "run"), "holds no codes"),
        (("test", "nowhere", "codes"), "no run of `train codes`"),
        (("codes", "nowhere", "out"), "no such folder"),
    ],
)
def test_wrong_requests_are_answered_in_a_sentence(program, tmp_path, arguments, message):
    name, *rest = arguments
    done = run(program, name, *(one if one[0] == "-" else tmp_path / one for one in rest))
    assert done.exit_code == 2
    assert message in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_damaged_and_missing_codes_are_told(folder, tmp_path):
    images = {f"{index:064x}": path for index, path in enumerate(sorted(folder.glob("*/*.png")))}
    store = Store(tmp_path / "codes", SMALL)
    encode.encode(images, store)
    with pytest.raises(CodesError, match="no codes of 1 of 1"):
        store.read(["f" * 64], "mean")
    with pytest.raises(ValueError, match="Unknown pooling"):
        store.read(images, "median")
    (tmp_path / "codes" / "codes-00000.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(CodesError, match="is damaged"):
        store.read(images, "mean")
    (tmp_path / "codes" / "codes-00000.npy").unlink()
    assert len(Store(tmp_path / "codes")) == 0, "what is gone is computed again"
    with pytest.raises(CodesError, match=r"films\.csv: no such file"):
        table.read(tmp_path / "codes")


def test_versions_are_the_film_its_mirror_image_and_the_same_crops_each_time():
    gray = np.linspace(0, 1, 48 * 48, dtype=np.float32).reshape(48, 48)
    four = replace(SMALL, input_size=(48, 48), geometry="stretch", versions=4)
    seen = encode.versions(gray, "ab" * 32, four)
    np.testing.assert_array_equal(seen[0], gray)
    np.testing.assert_array_equal(seen[1], gray[:, ::-1])
    np.testing.assert_array_equal(seen, encode.versions(gray, "ab" * 32, four))
    assert (seen[2] != encode.versions(gray, "cd" * 32, four)[2]).any()
    assert np.ptp(seen[2]) < np.ptp(gray), "a crop shows less"
    assert seen[2][0, 0] < seen[2][0, -1] and seen[3][0, 0] > seen[3][0, -1], "every other mirrored"


@pytest.mark.parametrize("pool", vgg_codes.POOLS)
def test_stored_codes_and_the_whole_network_say_the_same(pool, folder, tmp_path):
    images = {f"{index:064x}": path for index, path in enumerate(sorted(folder.glob("*/*.png")))}
    store = Store(tmp_path / "codes", SMALL)
    encode.encode(images, store)
    codes = store.read(images, pool)
    truth = np.array([path.parent.name == "dark" for path in images.values()], np.float32)[:, None]
    head = fit(codes, truth, Fit(epochs=2))
    whole = vgg_codes.vgg16_codes((32, 32), 1, pool=pool)
    convolutions, _ = encode.convolutions(SMALL)
    vgg_codes.put_together(whole, convolutions, head)
    pixels = np.concatenate(
        [encode.versions(encode.read(path).pixels, one, SMALL) for one, path in images.items()]
    )
    direct = whole.predict(encode.scale(pixels, "hed"), verbose=0)
    # the codes are stored in half precision
    np.testing.assert_allclose(direct, logits(head, codes), atol=0.02 * np.ptp(direct))


def test_the_architecture_is_flat_and_explained_at_its_last_convolution():
    network = networks.build("vgg16-codes", (32, 32), 1)
    assert networks.last_activation(network) == "block5_conv3"
    names = [layer.name for layer in network.layers]
    tail = "block5_pool codes dense1 dense1_bn dense1_relu dense2 dense2_bn dense2_relu logits"
    assert names[-9:] == tail.split()
    assert network.get_layer("dense1").units == network.get_layer("dense2").units == 512
    assert network.output_shape == (None, 1)
    with pytest.raises(ValueError, match="Unknown pooling"):
        vgg_codes.pooling("median")


def test_training_repeats_and_learns_two_and_three_classes():
    random = np.random.default_rng(3)
    for classes in (1, 3):
        truth = random.integers(max(classes, 2), size=90)
        codes = random.normal(size=(90, 2, 6)).astype(np.float32)
        codes[..., 0] += 3 * truth[:, None]
        targets = (
            truth[:, None].astype(np.float32)
            if classes == 1
            else np.eye(3, dtype=np.float32)[truth]
        )
        how = Fit(epochs=12, dropout=0.0)
        found = probabilities(fit(codes, targets, how), codes)
        assert found.shape == (90, classes)
        called = found[:, 0] > 0.5 if classes == 1 else found.argmax(axis=1)
        assert (called == truth).mean() > 0.85
        np.testing.assert_array_equal(found, probabilities(fit(codes, targets, how), codes))
    with pytest.raises(ValueError, match="do not fill a batch"):
        fit(codes[:5], targets[:5], Fit())


def test_only_the_last_checkpoints_stay_if_so_wished(tmp_path):
    codes = np.random.default_rng(0).normal(size=(40, 1, 4)).astype(np.float32)
    truth = (codes[:, 0, :1] > 0).astype(np.float32)
    fit(codes, truth, Fit(epochs=4), run=Run(tmp_path, keep=2))
    kept = sorted(path.name for path in tmp_path.glob("epoch-*"))
    assert kept == ["epoch-03.weights.h5", "epoch-04.weights.h5"]


def test_films_that_are_never_drawn_teach_nothing():
    codes = np.zeros((60, 1, 4), np.float32)
    codes[:40, :, 0] = np.repeat([1.0, -1.0], 20)[:, None]
    truth = np.repeat([1.0, 0.0, 0.0], 20).astype(np.float32)[:, None]
    codes[40:, :, 0] = 1.0  # contradicts the first twenty
    chances = np.repeat([1.0, 1.0, 0.0], 20)
    found = probabilities(fit(codes, truth, Fit(epochs=15), chances), codes)[:, 0]
    assert found[:20].min() > 0.6 and found[20:40].max() < 0.4


def test_a_verdict_counts_and_gives_intervals():
    truth = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    called = np.array([0, 0, 1, 1, 1, 1, 0, 0])
    groups = np.array(list("abcdefgh"))
    result = evaluate(truth, called, groups, ("none", "nodule"))
    assert result.confusion.tolist() == [[2, 1], [2, 3]]
    values = {name: one.value for name, one in result.figures.items()}
    assert values["accuracy"] == pytest.approx(5 / 8)
    assert values["precision, nodule"] == pytest.approx(3 / 4)
    assert values["recall, nodule"] == pytest.approx(3 / 5)
    accuracy = result.figures["accuracy"]
    assert accuracy.low < accuracy.value < accuracy.high
    assert "0.625" in str(result)


def test_figures_at_a_balanced_mix_do_not_depend_on_the_mix():
    truth = np.repeat([True, False], [10, 90])
    called = np.concatenate([np.arange(10) < 6, np.arange(90) < 18])
    groups = np.arange(100).astype(str)
    found = at_balanced_mix(truth, called, groups)
    assert found["recall"].value == pytest.approx(0.6)
    assert found["accuracy"].value == pytest.approx((0.6 + 0.8) / 2)
    assert found["precision"].value == pytest.approx(0.6 / (0.6 + 0.2))
    assert found["accuracy"].low < 0.7 < found["accuracy"].high
    fewer = np.concatenate([np.arange(10), np.arange(10, 100, 9)])
    again = at_balanced_mix(truth[fewer], called[fewer], groups[fewer])
    assert again["precision"].value == pytest.approx(0.75)
    never = at_balanced_mix(truth, np.zeros(100, bool), groups)
    assert np.isnan(never["precision"].value) and never["accuracy"].value == 0.5


def test_a_run_is_judged_on_what_it_never_saw(program, folder, tmp_path):
    stored, out = tmp_path / "codes", tmp_path / "run"
    run(program, "codes", folder, stored, "--size", 32)
    run(program, "train", stored, "--out", out, "--epochs", 1)
    split = {row["file"]: row for row in csv.DictReader((out / "split.csv").open())}
    known = next(row for row in split.values() if row["split"] == "train")
    # another folder with one film that was trained on, under another name
    shutil.copytree(folder, tmp_path / "films2")
    for path in sorted((tmp_path / "films2").glob("*/*"))[8:-8]:
        path.unlink()
    shutil.copy(folder / known["file"], tmp_path / "films2" / known["label"] / "renamed.png")
    assert run(program, "codes", tmp_path / "films2", stored, "--size", 32).exit_code == 0
    evaluate_run(out, stored)
    evaluated = [row["file"] for row in csv.DictReader((out / "predictions.csv").open())]
    assert evaluated and all(split[name]["split"] == "test" for name in evaluated)

    done = run(program, "test", out, stored, "--epoch", 9)
    assert done.exit_code == 2 and "has epochs 1 to 1" in done.output
    config = json.loads((out / "config.json").read_text())
    config["codes"]["start"] = "imagenet"
    (out / "config.json").write_text(json.dumps(config))
    with pytest.raises(CodesError, match="was trained on"):
        evaluate_run(out, stored)


def film(image: str, truth: int, collection: str, view: str, band: str, sex: str) -> Film:
    facts = {"collection": collection, "view": view, "age_band": band, "sex": sex}
    return Film(Path(image), image, image, truth, facts=facts)


def test_pairs_share_collection_and_view_and_age_and_sex_where_they_can():
    films = [
        film("loose", 1, "a", "PA", "60-79", "F"),
        film("exact", 1, "a", "PA", "18-39", "M"),
        film("alone", 1, "b", "PA", "18-39", "M"),
        film("young man", 0, "a", "PA", "18-39", "M"),
        film("young woman", 0, "a", "PA", "18-39", "F"),
        film("old man, AP", 0, "a", "AP", "60-79", "F"),
        film("elsewhere", 0, "c", "PA", "18-39", "M"),
    ]
    assert nodule.matched(films) == {"loose", "exact", "young man", "young woman"}


def test_drawing_hides_collection_and_view():
    films = [film(f"p{n}", 1, "a", "PA", "", "") for n in range(2)]
    films += [film(f"n{n}", 0, "a", "PA", "", "") for n in range(8)]
    films += [film(f"q{n}", 1, "b", "PA", "", "") for n in range(6)]
    films += [film(f"m{n}", 0, "b", "PA", "", "") for n in range(3)]
    films += [film("useless", 0, "c", "AP", "", "")]
    chances = np.array(nodule.chances(films))
    truth = np.array([one.truth for one in films])
    for collection in ("a", "b"):
        inside = np.array([one.facts["collection"] == collection for one in films])
        assert chances[inside & (truth == 1)].sum() == pytest.approx(
            chances[inside & (truth == 0)].sum()
        )
    assert chances[-1] == 0


def test_nodule_films_of_the_data(data):
    films = nodule.films(data / "nih")
    assert sum(one.truth for one in films) > 100
    mix = [one for one in films if one.facts["mix"] == "matched"]
    counts: dict[tuple[str, str], list[int]] = {}
    for one in mix:
        counts.setdefault(nodule.stratum(one), [0, 0])[one.truth] += 1
    assert counts and all(negative == positive for negative, positive in counts.values())
