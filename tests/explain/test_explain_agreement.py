"""The same maps as the packages that others use, on the same weights."""

import functools
import importlib
from importlib.util import find_spec

import keras
import numpy as np
import pytest
import toy_networks as toys

from xray_models import catalogue, explain, networks
from xray_models.explain import targets
from xray_models.explain.methods.eigen_cam import eigen_cam
from xray_models.explain.methods.masks import enlarged
from xray_models.inference import weights

pytestmark = pytest.mark.network

with_pytorch = pytest.mark.skipif(
    not all(find_spec(name) for name in ("torch", "torchvision", "cv2", "pytorch_grad_cam")),
    reason="needs the package grad-cam to compare with (requirements-bench.txt)",
)
with_keras_vis = pytest.mark.skipif(
    not find_spec("tf_keras_vis"),
    reason="needs the package tf-keras-vis to compare with (requirements-bench.txt)",
)

LABELS = 3
ALMOST_ONE = 0.999

STRONGER = 500
"""Times a head's kernel, so that gradients are large enough for the small numbers that grad-cam
adds to its divisors."""

LEARNED = "densenet121, trained"
INNER = {"densenet121": "pool4_relu", LEARNED: "pool4_relu", "chest-pneumonia": "block4_conv3"}
"""A layer whose gradient differs from cell to cell; behind a ReLU, as grad-cam expects.

DenseNet121 with random weights and after some training, and VGG16 as it ships.
"""


@functools.cache
def built(name):
    """An architecture with random weights, or a shipped network with its own, for small images."""
    if name == LEARNED:
        network = learned("densenet121")
    else:
        network = trained(name) if name in catalogue.catalogue() else untrained(name)
    kernel, bias = network.get_layer("logits").get_weights()
    network.get_layer("logits").set_weights([kernel * STRONGER, bias])
    return network


def trained(model):
    card = catalogue.get(model)
    shipped = weights.load(card)
    made = networks.build(card.architecture, (96, 96), len(card.labels))
    made.set_weights(shipped.get_weights())
    return made


def learned(architecture):
    """Trained on drawn films that are bright at the left, in the middle or at the right."""
    keras.utils.set_random_seed(0)
    made = networks.build(architecture, (96, 96), LABELS)
    random = np.random.default_rng(0)
    truth = np.arange(96) % LABELS
    films = random.uniform(0, 0.3, (96, 96, 96, 3)).astype(np.float32)
    for film, label in zip(films, truth, strict=True):
        film[:, 32 * label : 32 * label + 32] += 0.6
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    message = made.fit(films, truth, batch_size=16, epochs=4, verbose=0, shuffle=False)
    assert message.history["accuracy"][-1] > 0.9, "it did not learn"
    return made


def untrained(architecture):
    """Random weights, made so that every layer's activation and gradient has a fair size."""
    keras.utils.set_random_seed(3)
    made = networks.build(architecture, (96, 96), LABELS)
    random = np.random.default_rng(1)
    for layer in made.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, size),
                    random.normal(0, 0.2, size),
                    random.normal(0, 0.1, size),
                    random.uniform(0.5, 1.5, size),
                ]
            )
    return made


@pytest.fixture(
    scope="module",
    params=[pytest.param(one, marks=pytest.mark.slow if one == LEARNED else ()) for one in INNER],
)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    return built(name)


@pytest.fixture(scope="module")
def image():
    """A smooth picture, (1, 96, 96, 3), gray."""
    grid = np.random.default_rng(0).normal(size=(1, 8, 8)).astype(np.float32)
    return np.repeat(enlarged(grid, (96, 96))[..., None], 3, axis=-1)


@pytest.fixture(scope="module")
def pass_cache(network, image):
    return explain.PassCache(network, image)


@pytest.fixture(scope="module")
def twin(network):
    from benchmarks import torch_twins

    torch_twins.torchvision()
    return torch_twins.twin(network)


def correlation(ours, theirs):
    ours, theirs = np.ravel(ours), np.ravel(theirs)
    if not ours.any():
        return float(not theirs.any())  # nothing speaks for the target: both must say so
    return np.corrcoef(ours, theirs)[0, 1]


def target(label, sign=1):
    return targets.Target(tuple(sign * float(k == label) for k in range(LABELS)))


@with_pytorch
def test_the_twin_gives_the_same_logits(pass_cache, image, twin):
    from benchmarks.torch_twins import as_torch

    theirs = twin(as_torch(image)).detach().numpy()[0]
    np.testing.assert_allclose(pass_cache.logits, theirs, rtol=1e-3, atol=1e-3 * abs(theirs).max())


PYTORCH = {
    "grad-cam": "GradCAM",
    "grad-cam++": "GradCAMPlusPlus",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "xgrad-cam": "XGradCAM",
}


def by_pytorch(name, model, image, label, layer=None):
    """A map of the package grad-cam at the size of the image, (height, width)."""
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    from benchmarks.torch_twins import as_torch

    with getattr(pytorch_grad_cam, name)(model, [layer or model.last]) as made:
        return made(as_torch(image), [ClassifierOutputTarget(label)])[0]


def at_size(heat, shape):
    """A map enlarged as the package grad-cam does it."""
    import cv2

    return cv2.resize(heat, shape[::-1])


@with_pytorch
@pytest.mark.parametrize("inner", [False, True], ids=["last", "inner"])
@pytest.mark.parametrize("method", PYTORCH)
def test_maps_agree_with_grad_cam_for_pytorch(method, inner, name, pass_cache, image, twin):
    features = twin.features
    theirs_inner = features.transition3.relu if "densenet" in name else features[22]
    for label in (0, 2):
        theirs = by_pytorch(PYTORCH[method], twin, image, label, theirs_inner if inner else None)
        ours = explain.maps(
            pass_cache, [target(label)], toys.spec(method, INNER[name] if inner else None)
        )[0]
        assert correlation(at_size(ours, theirs.shape), theirs) >= ALMOST_ONE


@with_pytorch
@pytest.mark.parametrize(
    ("method", "theirs_name", "stride", "least"),
    [
        ("ablation-cam", "AblationCAM", 4, ALMOST_ONE),
        # a grid as fine as the image is a mask as it is
        ("score-cam", "ScoreCAM", 1, ALMOST_ONE),
        # masks are enlarged a little differently: cell centers here, corners there
        ("score-cam", "ScoreCAM", 4, 0.99),
    ],
)
def test_methods_with_a_pass_per_channel_agree_on_a_small_network(
    method, theirs_name, stride, least
):
    """Thousands of passes through DenseNet121 would show no more."""
    import torch

    from benchmarks import torch_twins

    torch_twins.torchvision()
    network, image = small(stride)
    features = torch.nn.Conv2d(3, 12, 5, stride=stride, padding=2 * (stride == 1))
    model = torch_twins.Twin(features, torch.nn.ReLU(), 12, LABELS)
    torch_twins.copy_convolution(features, network.get_layer("grid"))
    torch_twins.copy_head(model, network.get_layer("logits"))
    pass_cache = explain.PassCache(network, image)
    for label in range(LABELS):
        assert pass_cache.logits[label] > 0
        with torch.no_grad():
            theirs = by_pytorch(theirs_name, model.eval(), image, label)
        ours = explain.maps(pass_cache, [target(label)], method)[0]
        assert correlation(at_size(ours, theirs.shape), theirs) >= least


def small(stride):
    """A network of one convolution with scores above zero, and a smooth picture for it."""
    keras.utils.set_random_seed(5)
    film = keras.Input((40, 40, 3))
    grid = keras.layers.Conv2D(
        12,
        5,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        activation="relu",
        name="grid",
    )(film)
    pooled = keras.layers.GlobalAveragePooling2D()(grid)
    network = keras.Model(film, keras.layers.Dense(LABELS, name="logits")(pooled))
    head = network.get_layer("logits")
    head.set_weights([head.kernel.numpy() * 3, np.full(LABELS, 5.0)])
    image = np.random.default_rng(2).normal(size=(1, 10, 10)).astype(np.float32)
    return network, np.repeat(enlarged(image, (40, 40))[..., None], 3, axis=-1)


@with_pytorch
@pytest.mark.usefixtures("twin")
def test_eigen_cam_agrees_with_grad_cam_for_pytorch_up_to_its_sign(pass_cache):
    from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection

    activation = pass_cache.activation()
    theirs = get_2d_projection(activation.transpose(2, 0, 1)[None])[0]
    assert abs(correlation(eigen_cam(activation), theirs)) >= ALMOST_ONE


KERAS = {"grad-cam": ("gradcam", "Gradcam"), "layercam": ("layercam", "Layercam")}


@with_keras_vis
@pytest.mark.parametrize(
    ("sign", "inner"), [(1, False), (-1, False), (1, True)], ids=["for", "against", "inner"]
)
@pytest.mark.parametrize("method", KERAS)
def test_maps_agree_with_tf_keras_vis(method, sign, inner, name, pass_cache, network, image):
    layer = INNER[name] if inner else pass_cache.default_layer
    for label in (0, 2):
        theirs = by_keras(
            *KERAS[method], network, image, layer, lambda output, k=label: sign * output[:, k]
        )
        ours = explain.maps(pass_cache, [target(label, sign)], toys.spec(method, layer))[0]
        assert correlation(ours, theirs) >= ALMOST_ONE


def by_keras(module, maker, network, image, layer, score, **more):
    """A map of the package tf-keras-vis on the layer's own grid, or as its method makes it."""
    made = getattr(importlib.import_module(f"tf_keras_vis.{module}"), maker)(network, clone=False)
    found = made(
        score,
        image,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        **more,
    )
    return np.asarray(found[0] if isinstance(found, list) else found).squeeze()


@with_keras_vis
@pytest.mark.parametrize("method", KERAS)
def test_maps_of_a_shipped_network_at_its_own_layer_agree_with_tf_keras_vis(method, image):
    """EfficientNet, trained: curves other than ReLU, and the layer that the card names."""
    card = catalogue.get("chest-14")
    network = built("chest-14")
    pass_cache = explain.PassCache(network, image)
    for label in (2, 13):
        one = targets.logit(card.labels, card.labels[label])
        for layer in (card.explanation.layer, pass_cache.default_layer):
            theirs = by_keras(
                *KERAS[method], network, image, layer, lambda output, k=label: output[:, k]
            )
            ours = explain.maps(pass_cache, [one], toys.spec(method, layer))[0]
            assert correlation(ours, theirs) >= ALMOST_ONE


@with_keras_vis
def test_score_cam_agrees_with_tf_keras_vis_on_the_same_masks():
    """There a channel weighs what the score makes of the softmax, here e to the target.

    For one label over another both are the same: p(a) / p(b) is e to the difference of logits.
    """
    network, image = small(stride=1)
    pass_cache = explain.PassCache(network, image)
    theirs = by_keras(
        "scorecam", "Scorecam", network, image, "grid", lambda output: output[:, 2] / output[:, 0]
    )
    ours = explain.maps(pass_cache, [targets.difference("abc", "c", "a")], "score-cam")[0]
    assert correlation(ours, theirs) >= ALMOST_ONE


@with_keras_vis
def test_grad_cam_plus_plus_of_tf_keras_vis_is_another_method(pass_cache, network, image):
    """It divides each channel's alpha by its sum over the cells, which equation 19 does not.

    Under a pooled linear head all cells have one alpha: what is left of it is LayerCAM. Ours is
    compared with grad-cam above, which follows the equation.
    """
    small_score = 1.0 / max(np.abs(pass_cache.logits).max(), 1.0)  # it raises e to the score
    for label in (0, 2):
        theirs = by_keras(
            "gradcam_plus_plus",
            "GradcamPlusPlus",
            network,
            image,
            pass_cache.default_layer,
            lambda output, k=label: small_score * output[:, k],
        )
        ours = explain.maps(pass_cache, [target(label)], "layercam")[0]
        assert correlation(ours, theirs) >= ALMOST_ONE


@with_keras_vis
def test_the_plain_gradient_agrees_with_tf_keras_vis(pass_cache, network, image):
    from tf_keras_vis import saliency

    theirs = saliency.Saliency(network, clone=False)(
        lambda output: output[:, 2],
        image,
        gradient_modifier=None,
        keepdims=True,
        normalize_map=False,
    )
    theirs = np.abs(np.asarray(theirs).reshape(image.shape)[0].sum(axis=-1))
    ours = explain.maps(pass_cache, [target(2)], "smoothgrad, samples=1, noise=0.0")[0]
    assert correlation(ours, theirs) >= ALMOST_ONE
