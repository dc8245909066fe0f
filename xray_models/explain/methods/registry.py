"""Registry of the methods: what each is, what it needs, what it costs, and how to run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from xray_models.explain.methods.ablation_cam import ablation_cam
from xray_models.explain.methods.cam import cam
from xray_models.explain.methods.cost import (
    Cost,
    _activation,
    _backward,
    _channels,
    _each,
    _masks,
    _once,
    _once_and_backward,
    _patches,
    _score,
)
from xray_models.explain.methods.eigen_cam import eigen_cam
from xray_models.explain.methods.grad_cam import grad_cam
from xray_models.explain.methods.grad_cam_plus_plus import grad_cam_plus_plus
from xray_models.explain.methods.guided_backprop import guided_backprop, guided_grad_cam
from xray_models.explain.methods.hirescam import hirescam
from xray_models.explain.methods.integrated_gradients import integrated_gradients
from xray_models.explain.methods.layercam import layercam
from xray_models.explain.methods.method import Method, Option, Request
from xray_models.explain.methods.occlusion import occlusion
from xray_models.explain.methods.rise import rise
from xray_models.explain.methods.score_cam import score_cam
from xray_models.explain.methods.smoothgrad import smoothgrad
from xray_models.explain.methods.spec import MethodSpec
from xray_models.explain.methods.xgrad_cam import xgrad_cam
from xray_models.explain.progress import BATCH

if TYPE_CHECKING:
    from xray_models.inference.network import Network

__all__ = ["DEFAULT", "METHODS", "get", "objection", "passes"]

DEFAULT = "grad-cam"


def _gradient(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
    def run(asked: Request) -> np.ndarray:
        cache, layer = asked.cache, asked.layer
        activation = cache.activation(layer)
        # gradients of an early layer are large: of many targets, only some are there at a time
        found = [
            function(activation, cache.gradients(some, layer, asked.work, asked.every_label))
            for some in np.split(asked.vectors, range(BATCH, len(asked.vectors), BATCH))
        ]
        return np.concatenate(found)

    return run


def _cam(asked: Request) -> np.ndarray:
    head = asked.cache.head(asked.layer)
    assert head is not None, "methods.objection was not asked"
    return cam(asked.cache.activation(asked.layer), head, asked.vectors)


def _eigen_cam(asked: Request) -> np.ndarray:
    heat = eigen_cam(asked.cache.activation(asked.layer))
    return np.repeat(heat[None], len(asked.vectors), axis=0)


_ALL = (
    Method(
        "cam",
        "CAM",
        "Adds up the last channels by their weight in the head.",
        "Zhou et al. 2016, arXiv:1512.04150",
        "activation",
        _cam,
        _activation,
        needs_linear_head=True,
    ),
    Method(
        "grad-cam",
        "Grad-CAM",
        "Adds up a layer's channels by their mean gradient.",
        "Selvaraju et al. 2017, arXiv:1610.02391",
        "gradient",
        _gradient(grad_cam),
        _backward,
        needs_gradient=True,
    ),
    Method(
        "grad-cam++",
        "Grad-CAM++",
        "Grad-CAM that counts every place where a finding shows, not only the strongest.",
        "Chattopadhyay et al. 2018, arXiv:1710.11063",
        "gradient",
        _gradient(grad_cam_plus_plus),
        _backward,
        needs_gradient=True,
    ),
    Method(
        "hirescam",
        "HiResCAM",
        "Gradient times activation in each cell: what was used, where the rest is linear.",
        "Draelos & Carin 2020, arXiv:2011.08891",
        "gradient",
        _gradient(hirescam),
        _backward,
        needs_gradient=True,
    ),
    Method(
        "layercam",
        "LayerCAM",
        "Activation times positive gradient in each cell: finer on earlier layers.",
        "Jiang et al. 2021, doi 10.1109/TIP.2021.3089943",
        "gradient",
        _gradient(layercam),
        _backward,
        needs_gradient=True,
    ),
    Method(
        "xgrad-cam",
        "XGrad-CAM",
        "Grad-CAM with each channel's gradient averaged where the channel is active.",
        "Fu et al. 2020, arXiv:2008.02312",
        "gradient",
        _gradient(xgrad_cam),
        _backward,
        needs_gradient=True,
    ),
    Method(
        "eigen-cam",
        "Eigen-CAM",
        "Where the layer is most active overall: the same map for every label.",
        "Muhammad & Yeasin 2020, arXiv:2008.00299",
        "activation",
        _eigen_cam,
        _activation,
        depends_on_target=False,
        signed=False,
    ),
    Method(
        "ablation-cam",
        "Ablation-CAM",
        "Adds up a layer's channels by what the score loses without each.",
        "Desai & Ramaswamy 2020, doi 10.1109/WACV45572.2020.9093360",
        "perturbation",
        lambda asked: ablation_cam(asked.cache, asked.vectors, asked.layer, asked.work),
        _channels,
    ),
    Method(
        "score-cam",
        "Score-CAM",
        "Adds up a layer's channels by the score of the film seen through each.",
        "Wang et al. 2020, arXiv:1910.01279",
        "perturbation",
        lambda asked: score_cam(
            asked.cache, asked.vectors, asked.layer, asked.work, **asked.options
        ),
        _score,
        options=(Option("top", 0, 0, 4096, "Only the channels that vary most; 0 for all."),),
    ),
    Method(
        "smoothgrad",
        "SmoothGrad",
        "The pixels to which the score is most sensitive, averaged over noise.",
        "Smilkov et al. 2017, arXiv:1706.03825",
        "pixel",
        lambda asked: smoothgrad(
            asked.cache, asked.vectors, asked.work, **asked.options, seed=asked.seed
        ),
        _each("samples"),
        needs_gradient=True,
        signed=False,
        many_labels=False,
        layered=False,
        random=True,
        options=(
            Option("samples", 16, 1, 256, "Noisy copies of the film."),
            Option("noise", 0.15, 0.0, 1.0, "Noise as a share of the input's range."),
        ),
    ),
    Method(
        "integrated-gradients",
        "Integrated Gradients",
        "Each pixel's part in the difference between this film and no film.",
        "Sundararajan et al. 2017, arXiv:1703.01365",
        "pixel",
        lambda asked: integrated_gradients(asked.cache, asked.vectors, asked.work, **asked.options),
        _each("steps"),
        needs_gradient=True,
        many_labels=False,
        layered=False,
        options=(Option("steps", 32, 1, 512, "Points on the path from no film to the film."),),
    ),
    Method(
        "guided-backprop",
        "Guided backpropagation",
        "Fine lines that raise the score; they show the film's edges more than the reasons.",
        "Springenberg et al. 2015, arXiv:1412.6806",
        "pixel",
        lambda asked: guided_backprop(asked.cache, asked.vectors, asked.work),
        _once,
        needs_gradient=True,
        needs_relu=True,
        many_labels=False,
        layered=False,
    ),
    Method(
        "guided-grad-cam",
        "Guided Grad-CAM",
        "Guided backpropagation where Grad-CAM is hot.",
        "Selvaraju et al. 2017, arXiv:1610.02391",
        "pixel",
        lambda asked: guided_grad_cam(asked.cache, asked.vectors, asked.layer, asked.work),
        _once_and_backward,
        needs_gradient=True,
        needs_relu=True,
        many_labels=False,
    ),
    Method(
        "occlusion",
        "Occlusion",
        "What the score loses while a patch is covered.",
        "Zeiler & Fergus 2014, arXiv:1311.2901",
        "perturbation",
        lambda asked: occlusion(asked.cache, asked.vectors, asked.work, **asked.options),
        _patches,
        layered=False,
        options=(
            Option("patch", 32, 4, 256, "Side of the patch in input pixels."),
            Option("stride", 16, 1, 256, "Step of the patch in input pixels."),
        ),
    ),
    Method(
        "rise",
        "RISE",
        "The mean score where a pixel was seen, over random masks.",
        "Petsiuk et al. 2018, arXiv:1806.07421",
        "perturbation",
        lambda asked: rise(
            asked.cache, asked.vectors, asked.work, **asked.options, seed=asked.seed
        ),
        _masks,
        layered=False,
        random=True,
        options=(
            Option("masks", 1000, 16, 20000, "Random masks."),
            Option("cells", 7, 2, 32, "Cells along each side of a mask."),
            Option("keep", 0.5, 0.05, 0.95, "Share of the film that a mask lets through."),
        ),
    ),
)

METHODS: dict[str, Method] = {method.id: method for method in _ALL}
"""Every method by id, in the order in which pages list them."""


def get(method: str) -> Method:
    """A method by id.

    Raises:
        ValueError: no such method; the message lists those there are.
    """
    if method not in METHODS:
        raise ValueError(f"There is no method {method!r}. Methods: {', '.join(METHODS)}.")
    return METHODS[method]


def objection(network: Network, spec: MethodSpec) -> str:
    """Reason why a method at its layers does not fit a network, a sentence; empty where it does.

    Raises:
        ValueError: no such method.
    """
    method = get(spec.method)
    return next(filter(None, (method.objection(network, name) for name in spec.places)), "")


def passes(network: Network, spec: MethodSpec, targets: int = 1) -> Cost:
    """Cost of the maps of some targets at all layers of a specification, at most.

    Raises:
        ValueError: no such method, option or layer.
    """
    method, options = get(spec.method), dict(spec.options)
    return sum(
        (method.passes(network, targets, name, options) for name in spec.places), start=Cost()
    )
