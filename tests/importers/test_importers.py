"""Importing a user's own Keras weights, and what the rest of RadLens makes of such a model."""

import json
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import screens
import typer
from scipy.special import logit
from typer.testing import CliRunner

import classify
from xray_models import BONE_PARTS, catalogue, cli, networks
from xray_models.catalogue import CatalogueError
from xray_models.commands.import_keras import import_keras
from xray_models.datasets import nih
from xray_models.explain import pass_cache_of
from xray_models.importers import keras_file
from xray_models.importers.keras_file import ImportRefused
from xray_models.inference import predict
from xray_models.radiograph import Radiograph, preprocess
from xray_models.report import model_text, readme

pytestmark = pytest.mark.network

SIZE = 64
SMALL = ("--arch", "efficientnetb0", "--size", SIZE)

app = typer.Typer()
app.command()(import_keras)


def run(*arguments: object, **environment: str):
    return CliRunner().invoke(app, [str(one) for one in arguments], env=environment or None)


def sequential(maker, outputs: int = 1, activation: str = "sigmoid") -> keras.Sequential:
    """A network as the original project nested it, with random weights and batch statistics."""
    base = maker(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3))
    model = keras.Sequential(
        [
            base,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(outputs, activation=activation, name="dense_5"),
        ]
    )
    random = np.random.default_rng(5)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            positive, around_zero = (
                random.uniform(0.8, 1.2, (2, *shape)),
                random.normal(0, 0.1, (2, *shape)),
            )
            layer.set_weights([positive[0], around_zero[0], around_zero[1], positive[1]])
    head = model.layers[-1]
    head.set_weights([random.normal(0, 0.5, weight.shape) for weight in head.get_weights()])
    return model


def save_as_keras_2(model: keras.Model, path: Path, full: bool = False) -> None:
    """Write the layout of Keras 2: names with slashes and ":0", what is frozen at the end.

    Checked against files of tf_keras 2.21.
    """
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if full else file
        if full:
            file.attrs["model_config"] = model.to_json()
            file.create_group("optimizer_weights/Adam").create_dataset("iteration:0", data=7)
        root.create_group("top_level_model_weights")
        root.attrs["layer_names"] = [layer.name for layer in model.layers]
        for layer in model.layers:
            group = root.create_group(layer.name)
            names = []
            for variable in [*layer.trainable_weights, *layer.non_trainable_weights]:
                if "seed_generator" in variable.path:
                    continue
                owner, name = variable.path.split("/")[-2:]
                for stem in ("conv1_conv", "conv1_bn"):
                    owner = stem.replace("_", "/") if owner == stem else owner
                if "dwconv" in owner and name == "kernel":
                    name = "depthwise_kernel"
                names.append(f"{owner}/{name}:0")
                group.create_dataset(names[-1], data=variable.numpy())
            group.attrs["weight_names"] = names


@pytest.fixture(scope="module")
def densenet() -> keras.Sequential:
    """The original project's network: DenseNet169, mean pooling, one sigmoid."""
    return sequential(keras.applications.DenseNet169)


@pytest.fixture(scope="module")
def efficientnet() -> keras.Sequential:
    """EfficientNetB0 of keras.applications, which scales its own input."""
    return sequential(keras.applications.EfficientNetB0)


@pytest.fixture(scope="module")
def weights(efficientnet, tmp_path_factory) -> Path:
    """Weights of `efficientnet`, as Keras 2 wrote them."""
    path = tmp_path_factory.mktemp("keras") / "small.h5"
    save_as_keras_2(efficientnet, path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder of the user's own models, in use."""
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("RADLENS_MODELS", str(own))
    yield own
    catalogue.refresh()


@pytest.fixture(scope="module")
def imported(densenet, tmp_path_factory) -> Path:
    """A folder of the user's own models that holds the original project's wrist model."""
    own = tmp_path_factory.mktemp("own")
    save_as_keras_2(densenet, own / "wrist.h5")
    done = run(own / "wrist.h5", "--as", "bone-wrist", "--size", SIZE, "--to", own)
    assert done.exit_code == 0, done.output
    return own


def film() -> np.ndarray:
    """Gray pixels in 0..1 at the size of the network, so that nothing is resized."""
    return np.random.default_rng(2).random((SIZE, SIZE)).astype(np.float32)


def drawn() -> Radiograph:
    """`film`, as it comes to the pipeline."""
    return Radiograph(pixels=film(), source_format="drawn")


def answers(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Logits of a network that ends in a sigmoid."""
    return logit(model(inputs, training=False).numpy().astype(np.float64))


def color(scale: float = 1.0) -> np.ndarray:
    """`film`, as Keras loads it: three channels, times `scale`."""
    return scale * np.repeat(film()[None, ..., None], 3, axis=-1)


@pytest.mark.slow
def test_a_densenet_of_keras_2_answers_the_same_after_the_import(densenet, imported, monkeypatch):
    monkeypatch.setenv("RADLENS_MODELS", str(imported))
    card = catalogue.get("bone-wrist")
    assert (card.architecture, card.scaling, card.labels) == ("densenet169", "unit", ("abnormal",))
    after = predict.forward(card, drawn()).logits
    np.testing.assert_allclose(after, answers(densenet, color())[0], atol=1e-3)


@pytest.mark.usefixtures("folder")
def test_a_z_scored_model_gets_its_own_mean_and_deviation(efficientnet, weights):
    z_score = ("--scaling", "z-score", "--mean", 66.39, "--std", 49.23)
    done = run(weights, "--as", "bone-shoulder", *SMALL, *z_score)
    assert done.exit_code == 0, done.output
    card = catalogue.get("bone-shoulder")
    assert card.mean_std == (66.39, 49.23)
    # this network divides by 255 itself, so the z-scores go in times 255
    z_scored = (color(255) - 66.39) / 49.23 * 255
    after = predict.forward(card, drawn()).logits
    np.testing.assert_allclose(after, answers(efficientnet, z_scored)[0], atol=1e-3)
    # its maps are made from the same input
    again = pass_cache_of(card, drawn())
    np.testing.assert_allclose(again.network.forward(again.inputs)[1][0], after, atol=1e-3)


def test_the_scaling_z_score_is_worked_out_by_hand():
    scaled = preprocess.scale(np.array([0.0, 1.0], np.float32), "z-score", (51.0, 102.0))
    np.testing.assert_allclose(scaled, [[-0.5] * 3, [2.0] * 3])
    with pytest.raises(ValueError, match="needs a mean and a standard deviation"):
        preprocess.scale(np.zeros(1, np.float32), "z-score")


@pytest.mark.parametrize(
    "kind", ["keras-2.h5", "keras-2-full.h5", "full.h5", "w.weights.h5", "m.keras"]
)
def test_every_kind_of_file_gives_the_same_network(efficientnet, kind, tmp_path):
    path = tmp_path / kind
    if kind.startswith("keras-2"):
        save_as_keras_2(efficientnet, path, full="full" in kind)
    elif kind == "w.weights.h5":
        efficientnet.save_weights(path)
    else:
        efficientnet.save(path)
    network = networks.build("efficientnetb0", (SIZE, SIZE), 1)
    with keras_file.opened(path) as file:
        assert file.outputs == 1 and file.preparing
        described = "full" in kind or kind == "m.keras"
        assert file.input_size == ((SIZE, SIZE) if described else None)
        assert file.activation == ("sigmoid" if described else None)
        file.copy_into(network)
    np.testing.assert_allclose(
        network(color(), training=False), answers(efficientnet, color(255)), atol=1e-3
    )


def test_names_that_keras_numbers_by_itself_are_matched_by_number(efficientnet, tmp_path):
    path = tmp_path / "numbered.h5"
    counts: dict[str, int] = {}
    with h5py.File(path, "w") as file:
        for layer in [*efficientnet.layers[0].layers, efficientnet.layers[-1]]:
            kind = {"Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d"}.get(
                type(layer).__name__, type(layer).__name__.lower()
            ).replace("batchnormalization", "batch_normalization")
            counts[kind] = counts.get(kind, 8) + 1  # as if other networks had been made before
            for variable in layer.weights:
                file[f"{kind}_{counts[kind]}/{variable.name}:0"] = variable.numpy()
    network = networks.build("efficientnetb0", (SIZE, SIZE), 1)
    with keras_file.opened(path) as file:
        file.copy_into(network)
    np.testing.assert_allclose(
        network(color(), training=False), answers(efficientnet, color(255)), atol=1e-3
    )


@pytest.mark.usefixtures("folder")
def test_a_model_trained_here_can_be_used_like_one_from_elsewhere(tmp_path):
    network = networks.build("efficientnetb0", (SIZE, SIZE), 1)
    network.save_weights(tmp_path / "best.weights.h5")
    options = ("--scaling", "imagenet", "--geometry", "fit")
    done = run(tmp_path / "best.weights.h5", "--as", "bone-hand", *SMALL, *options)
    assert done.exit_code == 0, done.output
    after = predict.forward(catalogue.get("bone-hand"), drawn()).logits
    before = network(preprocess.scale(film(), "imagenet")[None], training=False)
    np.testing.assert_allclose(after, before[0], atol=1e-3)


@pytest.mark.usefixtures("folder")
def test_an_inverted_output_is_turned(efficientnet, weights):
    done = run(weights, "--as", "bone-elbow", *SMALL, "--inverted")
    assert done.exit_code == 0, done.output
    after = predict.forward(catalogue.get("bone-elbow"), drawn()).logits
    np.testing.assert_allclose(after, -answers(efficientnet, color(255))[0], atol=1e-3)


@pytest.mark.usefixtures("folder")
def test_several_outputs_take_their_labels_in_order(tmp_path):
    model = sequential(keras.applications.EfficientNetB0, outputs=2, activation="softmax")
    model.save(tmp_path / "two.keras")
    options = ("--as", "bone-general", "--arch", "efficientnetb0", "--labels", "normal, abnormal")
    done = run(tmp_path / "two.keras", *options)
    assert done.exit_code == 0, done.output
    card = catalogue.get("bone-general")
    assert card.labels == ("normal", "abnormal") and card.activation == "softmax"
    assert card.thresholds == {"abnormal": 0.5} and card.input_size == (SIZE, SIZE)
    assert any("scaled its own input" in limit for limit in card.limits)


@pytest.mark.usefixtures("folder")
def test_a_chexnet_that_keras_2_saved_answers_the_same_after_the_import(tmp_path):
    # as CheXNet-Keras builds it: functional, one layer of 14 sigmoids
    keras.utils.set_random_seed(5)
    base = keras.applications.DenseNet121(
        include_top=False, weights=None, input_shape=(SIZE, SIZE, 3), pooling="avg"
    )
    outputs = keras.layers.Dense(14, activation="sigmoid", name="predictions")(base.output)
    model = keras.Model(base.input, outputs)
    save_as_keras_2(model, tmp_path / "chexnet.h5")
    options = ("--arch", "densenet121", "--scaling", "imagenet", "--size", SIZE)
    more = ("--activation", "sigmoid", "--labels", ",".join(nih.LABELS))
    done = run(tmp_path / "chexnet.h5", "--as", "chest-chexnet", *options, *more)
    assert done.exit_code == 0, done.output
    card = catalogue.get("chest-chexnet")
    assert card.labels == nih.LABELS and card.multi_label and card in catalogue.for_part("chest")
    after = predict.forward(card, drawn()).logits
    before = answers(model, preprocess.scale(film(), "imagenet")[None])[0]
    assert np.ptp(before) > 0.01
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_the_users_model_reads_its_part_and_says_that_nobody_measured_it(imported, monkeypatch):
    shipped = set(catalogue.catalogue())
    monkeypatch.setenv("RADLENS_MODELS", str(imported))
    assert set(catalogue.catalogue()) == shipped | {"bone-wrist"}
    card = catalogue.get("bone-wrist")
    assert not card.measured and catalogue.weights_path(card).parent == imported / "weights"
    assert catalogue.folder(catalogue.get("body-part")) == catalogue.assets()

    reading = classify.read(drawn(), part="wrist")
    assert [one.model for one in reading.chosen] == ["bone-wrist"]
    assert [finding.label for finding in reading.findings] == ["abnormal"]
    assert "not measured here" in model_text.report(card)
    assert "bone-wrist" not in readme.readme_table([card]) + readme.models_table([card])

    listed = CliRunner().invoke(cli.app, ["list"]).output
    assert "imported, not measured here" in listed
    (line,) = [line for line in listed.splitlines() if line.startswith("bone-wrist ")]
    assert line.endswith(", yours, in place of the shipped one")
    assert listed.count("yours") == 1
    message = CliRunner().invoke(cli.app, ["list", "--json"]).output.splitlines()
    assert {json.loads(line)["id"] for line in message} == set(catalogue.catalogue())

    page = screens.opened("models.py", model="bone-wrist")
    assert "Imported, not measured here" in [one.value for one in page.subheader]


def test_an_import_says_which_shipped_model_it_hides_and_how_to_undo_it(weights, folder):
    done = run(weights, "--as", "bone-hand", *SMALL)
    assert "It stands in place of the bone-hand that ships with RadLens" in done.output
    path = folder / "models" / "bone-hand.json"
    assert f"delete {path}" in done.output
    assert catalogue.is_own(catalogue.get("bone-hand"))
    path.unlink()  # as it was said
    catalogue.refresh()
    assert catalogue.get("bone-hand") == catalogue.shipped()["bone-hand"]
    assert "in place of" not in run(weights, "--as", "chest-mine", *SMALL).output


def test_a_users_model_stands_in_the_place_of_a_shipped_one(imported, folder):
    for name in ("models", "weights"):
        shutil.copytree(imported / name, folder / name)
    path = folder / "models" / "bone-wrist.json"
    card = json.loads(path.read_text()) | {"id": "bone-general", "parts": list(BONE_PARTS)}
    path.with_name("bone-general.json").write_text(json.dumps(card))
    path.unlink()
    own = catalogue.get("bone-general")
    assert (
        not own.measured
        and catalogue.weights_path(own) == folder / "weights" / "bone-wrist.safetensors"
    )
    shipped = catalogue.read_card(catalogue.assets() / "models" / "bone-general.json")
    assert catalogue.folder(shipped) == catalogue.assets()
    assert catalogue.table_path(shipped).is_file()


def test_a_folder_that_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("RADLENS_MODELS", str(tmp_path / "nowhere"))
    with pytest.raises(CatalogueError, match=r"RADLENS_MODELS is .*nowhere.*no folder"):
        catalogue.catalogue()


def test_an_import_does_not_overwrite_unless_asked(weights, folder):
    once = (weights, "--as", "bone-wrist", *SMALL)
    assert run(*once).exit_code == 0
    path = folder / "weights" / "bone-wrist.safetensors"
    content = path.read_bytes()
    again = (*once, "--inverted")
    done = run(*again)
    assert done.exit_code == 2 and "--replace" in done.output and path.read_bytes() == content
    assert run(*again, "--replace").exit_code == 0 and path.read_bytes() != content


def test_only_z_score_cards_have_a_mean(imported, folder):
    shutil.copytree(imported, folder, dirs_exist_ok=True)
    path = folder / "models" / "bone-wrist.json"
    for change in ({"scaling": "z-score"}, {"mean_std": [1.0, 2.0]}):
        path.write_text(
            json.dumps(json.loads((imported / "models" / path.name).read_text()) | change)
        )
        with pytest.raises(CatalogueError, match="mean_std must be"):
            catalogue.read_card(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--as", "bone-knee"), "does not tell what the model reads"),
        (("--as", "chest-../../x"), "does not tell what the model reads"),
        (("--as", "bone-wrist", "--arch", "vgg16"), "cannot be imported"),
        (("--as", "bone-wrist", "--arch", "densenet121"), "does not fit densenet121: it holds"),
        (("--as", "bone-wrist", "--labels", "a,b"), "1 output(s), but 2 label(s)"),
        (("--as", "bone-wrist", "--scaling", "z-score"), "takes --mean and --std"),
        (("--as", "bone-wrist", "--mean", "1", "--std", "2"), "takes --mean and --std"),
        (("--as", "bone-wrist", "--scaling", "caffe"), "known are"),
        (("--as", "bone-wrist", "--threshold", "2"), "not between 0 and 1"),
    ],
)
def test_wrong_requests_are_answered_in_a_sentence(weights, tmp_path, options, message):
    done = run(weights, "--to", tmp_path / "own", *SMALL, *options)
    assert done.exit_code == 2, done.output
    assert message in done.output
    assert isinstance(done.exception, SystemExit)
    assert not list(tmp_path.rglob("*.json")) and not list(tmp_path.rglob("*.safetensors"))


def test_an_import_needs_a_folder(weights, monkeypatch):
    monkeypatch.delenv("RADLENS_MODELS", raising=False)
    done = run(weights, "--as", "bone-wrist")
    assert done.exit_code == 2 and "--to FOLDER" in done.output


def refused(path: Path) -> str:
    with pytest.raises(ImportRefused) as caught, keras_file.opened(path) as file:
        file.copy_into(networks.build("efficientnetb0", (SIZE, SIZE), file.outputs))
    return str(caught.value)


def test_files_that_are_no_keras_weights_are_told(tmp_path):
    assert "no such file" in refused(tmp_path / "nowhere.h5")
    assert "a folder, not a file. RadLens" in refused(tmp_path)
    (tmp_path / "text.h5").write_text("not a file of Keras")
    assert "not a Keras file" in refused(tmp_path / "text.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    assert "holds no weights" in refused(tmp_path / "empty.h5")
    (tmp_path / "cut.keras").write_bytes(b"PK\x05\x06" + bytes(18))  # an empty archive
    assert "not a Keras file" in refused(tmp_path / "cut.keras")


def test_a_wrong_shape_is_told_by_layer(efficientnet, tmp_path):
    save_as_keras_2(efficientnet, tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "a") as file:
        path = next(name for name in _datasets(file) if "stem_conv/kernel" in name)
        del file[path]
        file[path] = np.zeros((3, 3, 1, 32), np.float32)
    message = refused(tmp_path / "w.h5")
    assert "stem_conv/kernel has shape (3, 3, 1, 32), needed is (3, 3, 3, 32)" in message


def test_weights_that_are_not_finite_are_told(efficientnet, tmp_path):
    save_as_keras_2(efficientnet, tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "a") as file:
        file[next(name for name in _datasets(file) if "top_bn/gamma" in name)][3] = np.nan
    assert "no finite numbers" in refused(tmp_path / "w.h5")


def test_names_of_another_kind_of_network_are_told(efficientnet, tmp_path):
    save_as_keras_2(efficientnet, tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "a") as file:
        path = next(name for name in _datasets(file) if "stem_conv/kernel" in name)
        file.move(path, path.replace("stem_conv", "entry"))
    assert "entry" in refused(tmp_path / "w.h5")


def _datasets(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if hasattr(item, "shape") else None)
    return found


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(1)], "pools by maximum"),
        ([keras.layers.Flatten(), keras.layers.Dense(1)], "flattens"),
        ([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "relu")], "'relu'"),
    ],
)
def test_what_our_networks_compute_differently_is_refused(layers, message, tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), *layers])
    model.save(tmp_path / "m.keras")
    assert message in refused(tmp_path / "m.keras")


def test_code_in_a_file_is_never_run(tmp_path):
    marker = str(tmp_path / "run")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Lambda(
                lambda x: (__import__("pathlib").Path(marker).touch(), x)[1], output_shape=(8, 8, 3)
            ),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    Path(marker).unlink(missing_ok=True)
    for name in ("m.keras", "m.h5"):
        assert "runs code of its own" in refused(tmp_path / name)
    assert not Path(marker).exists()


def test_links_to_other_files_are_not_followed(efficientnet, tmp_path):
    save_as_keras_2(efficientnet, tmp_path / "whole.h5")
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["model_weights"] = h5py.ExternalLink("whole.h5", "/")
    assert "holds no weights" in refused(tmp_path / "linked.h5")
    stored = tmp_path / "raw.bin"
    stored.write_bytes(bytes(64))
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset(
            "dense/dense/kernel:0", (4, 4), np.float32, external=[(str(stored), 0, 64)]
        )
    assert "lies in another file" in refused(tmp_path / "external.h5")


def test_weights_that_claim_gigabytes_are_refused_before_they_are_read(tmp_path):
    with h5py.File(tmp_path / "claims.h5", "w") as file:
        # nothing of it is stored: the claim alone must be enough
        file.create_dataset(
            "dense/dense/kernel:0", (2**20, 2**12), np.float32, chunks=(2**10, 2**10)
        )
    assert (tmp_path / "claims.h5").stat().st_size < 10**6
    assert "claim more than 2 GB" in refused(tmp_path / "claims.h5")
