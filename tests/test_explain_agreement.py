"""The same maps as the packages that others use, on the same weights."""

import keras
import numpy as np
import pytest

from xray_models import explain, networks
from xray_models.explain import targets
from xray_models.explain.eigen_cam import eigen_cam
from xray_models.explain.masks import enlarged

LABELS = 5
ALMOST_ONE = 0.999


@pytest.fixture(scope="module", params=["densenet121", "vgg16"])
def network(request):
    """Random weights, made so that every layer's activation and gradient has a fair size."""
    keras.utils.set_random_seed(3)
    made = networks.build(request.param, (96, 96), LABELS)
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
    kernel, bias = made.get_layer("logits").get_weights()
    # gradients large enough for the small numbers that grad-cam adds to its divisors
    made.get_layer("logits").set_weights([kernel * 500, bias])
    return made


@pytest.fixture(scope="module")
def image():
    """A smooth picture, (1, 96, 96, 3), gray."""
    grid = np.random.default_rng(0).normal(size=(1, 8, 8)).astype(np.float32)
    return np.repeat(enlarged(grid, (96, 96))[..., None], 3, axis=-1)


@pytest.fixture(scope="module")
def subject(network, image):
    return explain.Subject(network, image)


@pytest.fixture(scope="module")
def twin(network):
    pytest.importorskip("torch", reason="needs torch, to compare with the package grad-cam")
    pytest.importorskip("cv2", reason="needs the package grad-cam to compare with")
    from benchmarks import torch_twins

    torch_twins.torchvision()
    pytest.importorskip("pytorch_grad_cam", reason="needs the package grad-cam to compare with")
    return torch_twins.twin(network)


def correlation(ours, theirs):
    ours, theirs = np.ravel(ours), np.ravel(theirs)
    if not ours.any():
        return float(not theirs.any())  # nothing speaks for the target: both must say so
    return np.corrcoef(ours, theirs)[0, 1]


def target(label, sign=1):
    return targets.Target(tuple(sign * float(k == label) for k in range(LABELS)))


def test_the_twin_gives_the_same_logits(subject, image, twin):
    from benchmarks.torch_twins import as_torch

    theirs = twin(as_torch(image)).detach().numpy()[0]
    np.testing.assert_allclose(subject.logits, theirs, rtol=1e-3, atol=1e-3 * abs(theirs).max())


PYTORCH = {
    "grad-cam": "GradCAM",
    "grad-cam++": "GradCAMPlusPlus",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "xgrad-cam": "XGradCAM",
}


def by_pytorch(name, model, image, label):
    """A map of the package grad-cam at the size of the image, (height, width)."""
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    from benchmarks.torch_twins import as_torch

    with getattr(pytorch_grad_cam, name)(model, [model.last]) as made:
        return made(as_torch(image), [ClassifierOutputTarget(label)])[0]


def at_size(heat, shape):
    """A map enlarged as the package grad-cam does it."""
    import cv2

    return cv2.resize(heat, shape[::-1])


@pytest.mark.parametrize("method", PYTORCH)
def test_maps_agree_with_grad_cam_for_pytorch(method, subject, image, twin):
    for label in (0, 3):
        theirs = by_pytorch(PYTORCH[method], twin, image, label)
        ours = explain.maps(subject, [target(label)], method)[0]
        assert correlation(at_size(ours, theirs.shape), theirs) >= ALMOST_ONE


@pytest.mark.parametrize(
    ("method", "name"), [("ablation-cam", "AblationCAM"), ("score-cam", "ScoreCAM")]
)
def test_methods_with_a_pass_per_channel_agree_on_a_small_network(method, name):
    """Thousands of passes through DenseNet121 would show no more."""
    torch = pytest.importorskip("torch", reason="needs torch, to compare with grad-cam")
    pytest.importorskip("cv2", reason="needs the package grad-cam to compare with")
    from benchmarks import torch_twins

    torch_twins.torchvision()
    pytest.importorskip("pytorch_grad_cam", reason="needs the package grad-cam to compare with")
    keras.utils.set_random_seed(5)
    film = keras.Input((40, 40, 3))
    grid = keras.layers.Conv2D(12, 5, strides=4, activation="relu", name="grid")(film)
    pooled = keras.layers.GlobalAveragePooling2D()(grid)
    network = keras.Model(film, keras.layers.Dense(LABELS, name="logits")(pooled))
    head = network.get_layer("logits")
    head.set_weights([head.kernel.numpy() * 3, np.full(LABELS, 5.0)])  # scores above zero
    features = torch.nn.Conv2d(3, 12, 5, stride=4)
    model = torch_twins.Twin(features, torch.nn.ReLU(), 12, LABELS)
    torch_twins.copy_convolution(features, network.get_layer("grid"))
    torch_twins.copy_head(model, head)
    image = np.random.default_rng(2).normal(size=(1, 10, 10)).astype(np.float32)
    image = np.repeat(enlarged(image, (40, 40))[..., None], 3, axis=-1)
    subject = explain.Subject(network, image)
    for label in range(LABELS):
        assert subject.logits[label] > 0
        with torch.no_grad():
            theirs = by_pytorch(name, model.eval(), image, label)
        ours = explain.maps(subject, [target(label)], method)[0]
        # masks are enlarged a little differently: cell centers here, corners there
        least = 0.99 if method == "score-cam" else ALMOST_ONE
        assert correlation(at_size(ours, theirs.shape), theirs) >= least


@pytest.mark.usefixtures("twin")
def test_eigen_cam_agrees_with_grad_cam_for_pytorch_up_to_its_sign(subject):
    from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection

    activation = subject.activation()
    theirs = get_2d_projection(activation.transpose(2, 0, 1)[None])[0]
    assert abs(correlation(eigen_cam(activation), theirs)) >= ALMOST_ONE


KERAS = {"grad-cam": ("gradcam", "Gradcam"), "layercam": ("layercam", "Layercam")}


@pytest.mark.parametrize("method", KERAS)
@pytest.mark.parametrize("sign", [1, -1])
def test_maps_agree_with_tf_keras_vis(method, sign, subject, network, image):
    pytest.importorskip("tf_keras_vis", reason="needs the package tf-keras-vis to compare with")
    import importlib

    module, name = KERAS[method]
    maker = getattr(importlib.import_module(f"tf_keras_vis.{module}"), name)
    for label in (0, 3):
        theirs = maker(network, clone=False)(
            lambda output, label=label: sign * output[:, label],
            image,
            penultimate_layer=subject.default_layer,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
        )
        theirs = np.asarray(theirs[0] if isinstance(theirs, list) else theirs).squeeze()
        ours = explain.maps(subject, [target(label, sign)], method)[0]
        assert correlation(ours, theirs) >= ALMOST_ONE


def test_the_plain_gradient_agrees_with_tf_keras_vis(subject, network, image):
    saliency = pytest.importorskip("tf_keras_vis.saliency", reason="needs tf-keras-vis")
    theirs = saliency.Saliency(network, clone=False)(
        lambda output: output[:, 2],
        image,
        gradient_modifier=None,
        keepdims=True,
        normalize_map=False,
    )
    theirs = np.abs(np.asarray(theirs).reshape(image.shape)[0].sum(axis=-1))
    ours = explain.maps(subject, [target(2)], "smoothgrad", samples=1, noise=0.0)[0]
    assert correlation(ours, theirs) >= ALMOST_ONE
