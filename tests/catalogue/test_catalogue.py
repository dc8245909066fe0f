"""Cards and weights: every shipped model, and what is said of broken ones."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from xray_models import BONE_PARTS, catalogue, explain, networks
from xray_models.catalogue import CatalogueError, get, segmenters
from xray_models.evaluate.explanations import results_table, sanity_table
from xray_models.inference import weights
from xray_models.inference.weights import WeightsError
from xray_models.report import model_text

MODELS = sorted(catalogue.catalogue())
README = Path(__file__).parents[2] / "README.md"


def test_the_first_three_models_are_there():
    assert {"body-part", "bone-general", "chest-pneumonia"} <= set(MODELS)


@pytest.mark.network
@pytest.mark.parametrize("model", MODELS)
def test_every_model_loads_and_answers(model):
    card = get(model)
    network = weights.network(card)
    assert weights.network(card) is network, "loaded once"
    logits = network.predict_on_batch(np.zeros((2, *card.input_size, 3), np.float32))
    assert logits.shape == (2, len(card.labels)) and np.isfinite(logits).all()
    layer = network.get_layer(networks.last_activation(network))
    assert len(layer.output.shape) == 4
    assert all(not hasattr(inner, "layers") for inner in network.layers), "flat, so explainable"
    own = card.explanation
    method_supports = {
        support.method.id: support for support in explain.method_supports(card, own.layer or None)
    }
    assert method_supports[own.method].fits and not method_supports[own.method].slow


@pytest.mark.parametrize("model", MODELS)
def test_every_card_tells_where_its_weights_come_from(model):
    card = get(model)
    content = catalogue.weights_path(card).read_bytes()
    assert card.weights.sha256 == hashlib.sha256(content).hexdigest()
    assert card.weights.bytes == len(content) < 60_000_000
    assert card.limits and card.training.data and card.held_out.figures
    assert "not for diagnosis" in card.intended_use


def test_all_weights_together_stay_small_enough_to_clone():
    files = list((catalogue.assets() / "weights").iterdir())
    cards = [*catalogue.catalogue().values(), *segmenters.segmenters().values()]
    assert {file.name for file in files} == {card.weights.file for card in cards}
    assert sum(file.stat().st_size for file in files) < 220_000_000


@pytest.mark.parametrize(
    ("films", "crops", "words"),
    [
        (1522, 1195, "1,195 crops and 327 whole films"),
        (824, 824, "824 crops"),
        (1509, 0, "1,509 films"),
    ],
)
def test_crops_are_told_apart_from_whole_films(films, crops, words):
    assert catalogue.count_films(films, crops) == words


def quoted(card, name: str) -> str:
    one = card.held_out.figures[name]
    return f"{name} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


@pytest.mark.parametrize("model", MODELS)
def test_the_readme_quotes_the_main_figure_of_the_card(model):
    card = get(model)
    lines = README.read_text(encoding="utf-8").splitlines()
    (row,) = (line for line in lines if line.startswith(f"| `{model}` |"))
    assert quoted(card, model_text.headlines(card, card.held_out.figures)[0]) in row
    assert f"{card.held_out.counted} |" in row


@pytest.mark.parametrize("model", MODELS)
def test_the_table_of_models_quotes_the_card(model):
    card = get(model)
    lines = (README.parent / "docs" / "models.md").read_text(encoding="utf-8").splitlines()
    (row,) = (line for line in lines if line.startswith(f"| `{model}`<br>"))
    for name in model_text.headlines(card, card.held_out.figures):
        assert quoted(card, name) in row
    assert f"{card.held_out.counted} of {card.held_out.groups:,} groups" in row
    assert card.weights.license in row


def test_a_part_goes_to_its_own_model_where_that_is_the_better_one():
    assert [card.id for card in catalogue.for_part("chest")] == [
        name for name in MODELS if name.startswith("chest-")
    ]
    kinds = set()
    for part in BONE_PARTS:
        own = get(f"bone-{part}")
        assert own.rival is not None
        better = own.rival.difference.value >= 0
        assert catalogue.for_part(part) == [own if better else get("bone-general")]
        kinds.add(better)
    assert kinds == {True, False}, "both ways are tried"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the assets of one model, to break."""
    source = catalogue.assets()
    for name in ("models/bone-general.json", "weights/bone-general.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(source / name, tmp_path / name)
    monkeypatch.setenv("RADLENS_ASSETS", str(tmp_path))
    return tmp_path


def change(folder: Path, **fields: object) -> None:
    path = folder / "models" / "bone-general.json"
    card = json.loads(path.read_text())
    for name, value in fields.items():
        if value is None:
            del card[name]
        else:
            card[name] = value
    path.write_text(json.dumps(card))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"colour": 1}, "unknown field 'colour'"),
        ({"labels": None}, "'labels' is missing"),
        ({"labels": "fracture"}, "labels: must be a list"),
        ({"input_size": [320]}, "input_size: must be a list of 2"),
        ({"thresholds": {"break": 0.5}}, "neither a label nor combined"),
        ({"thresholds": {"fracture": 1.5}}, "not between 0 and 1"),
        ({"thresholds": {"fracture": "high"}}, "must be float"),
        ({"thresholds": {}}, "nothing would be a finding"),
        ({"architecture": "resnet"}, "known are"),
        ({"parts": ["knee"]}, "'knee'"),
        ({"calibration": {"temperature": 0, "bias": [0.0]}}, "temperature above 0"),
        ({"combined": {"any": ["x"]}}, "does not have"),
        ({"id": "other"}, "the file is named"),
    ],
)
def test_a_wrong_card_is_refused_with_file_and_field(folder, fields, message):
    change(folder, **fields)
    with pytest.raises(CatalogueError, match=r"bone-general\.json") as caught:
        catalogue.catalogue()
    assert message in str(caught.value)


def test_missing_weights_are_named(folder):
    (folder / "weights" / "bone-general.safetensors").unlink()
    with pytest.raises(CatalogueError, match=r"bone-general\.safetensors is missing"):
        catalogue.catalogue()


def test_damaged_weights_are_named_not_loaded(folder):
    path = folder / "weights" / "bone-general.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bone-general\.safetensors.*sha256"):
        weights.load(get("bone-general"))


@pytest.mark.network
def test_weights_of_another_network_do_not_fit():
    content = catalogue.weights_path(get("bone-general")).read_bytes()
    with pytest.raises(WeightsError, match="does not fit"):
        weights.fill(networks.build("efficientnetb0", (32, 32), 2), content, "x")
    with pytest.raises(WeightsError, match="damaged"):
        weights.fill(networks.build("efficientnetb0", (32, 32), 1), content[:1000], "x")


@pytest.mark.network
def test_the_least_recently_used_network_is_released_when_memory_is_short(monkeypatch):
    first, second, *_ = (get(model) for model in MODELS)
    monkeypatch.setattr(weights, "kept", weights.Held(weights._budget))
    weights.network(first)
    weights.network(second)
    assert weights.held() == [first.id, second.id]
    monkeypatch.setenv("RADLENS_MEMORY_MB", "1")
    weights.network(first)
    assert weights.held() == [first.id]
    monkeypatch.setenv("RADLENS_MEMORY_MB", "much")
    with pytest.raises(WeightsError, match="RADLENS_MEMORY_MB"):
        weights.network(first)


@pytest.mark.network
@pytest.mark.parametrize(
    "architecture",  # pooling has no weights but r: one unified network stands for its kin
    [
        one
        for one in networks.ARCHITECTURES
        if "unified" not in one or one == "efficientnetb0-unified"
    ],
)
def test_every_architecture_is_flat_and_keeps_its_weights(architecture, tmp_path):
    network = networks.build(architecture, (64, 64), 3)
    path = tmp_path / "w.safetensors"
    weights.save(network, path)
    twin = networks.build(architecture, (64, 64), 3)
    weights.fill(twin, path.read_bytes(), path.name)
    batch = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype(np.float32)
    ours, theirs = network(batch).numpy(), twin(batch).numpy()
    np.testing.assert_allclose(ours, theirs, atol=0.02 * max(1, np.abs(ours).max()))
    assert len(network.get_layer(networks.last_activation(network)).output.shape) == 4


def test_an_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="densenet121"):
        networks.build("resnet50", (64, 64), 1)


def test_what_was_measured_of_a_shipped_model_is_not_said_of_one_in_its_place(
    tmp_path, monkeypatch
):
    card = catalogue.get("chest-14")
    assert len(results_table.load(card.id, "localization"))
    for name, file in (
        ("models", catalogue.assets() / "models" / "chest-14.json"),
        ("weights", catalogue.weights_path(card)),
    ):
        (tmp_path / name).mkdir()
        shutil.copy(file, tmp_path / name)
    monkeypatch.setenv("RADLENS_MODELS", str(tmp_path))
    catalogue.refresh()
    assert catalogue.folder_of("chest-14") == tmp_path
    assert results_table.load("chest-14", "localization").empty
    assert sanity_table.load("chest-14").empty
    assert len(results_table.load("bone-wrist", "localization"))
    catalogue.refresh()


def test_downloaded_models_lie_in_the_cache_folder_unless_another_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("RADLENS_MODELS", raising=False)
    monkeypatch.setenv("RADLENS_CACHE", str(tmp_path))
    assert catalogue.own_models() == tmp_path / "own" and catalogue.user_folder() is None
    (tmp_path / "own" / "models").mkdir(parents=True)
    assert catalogue.user_folder() == tmp_path / "own"
    monkeypatch.setenv("RADLENS_MODELS", str(tmp_path))
    assert catalogue.own_models() == catalogue.user_folder() == tmp_path
    monkeypatch.setenv("RADLENS_MODELS", "")
    monkeypatch.setenv("RADLENS_CACHE", "off")
    assert catalogue.own_models() is None and catalogue.user_folder() is None
