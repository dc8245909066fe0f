"""The registry: every method with what it is, what it needs, what it costs, and how to run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xray_models.explain.ablation_cam import ablation_cam
from xray_models.explain.cam import cam
from xray_models.explain.eigen_cam import eigen_cam
from xray_models.explain.grad_cam import grad_cam
from xray_models.explain.grad_cam_plus_plus import grad_cam_plus_plus
from xray_models.explain.guided import guided_backprop, guided_grad_cam
from xray_models.explain.hirescam import hirescam
from xray_models.explain.integrated_gradients import integrated_gradients
from xray_models.explain.layercam import layercam
from xray_models.explain.occlusion import occlusion, patches
from xray_models.explain.rise import rise
from xray_models.explain.score_cam import score_cam
from xray_models.explain.smoothgrad import smoothgrad
from xray_models.explain.subject import Subject
from xray_models.explain.work import BATCH, Work
from xray_models.explain.xgrad_cam import xgrad_cam
from xray_models.tracing import Traced

DEFAULT = "grad-cam"
_SLOW = 8.0


@dataclass(frozen=True)
class Cost:
    """What a map costs beyond the pass that read the film, at most.

    Attributes:
        forward: forward passes of the whole network.
        backward: backward passes of the whole network.
        steps: what progress is told in: inputs and targets that go in batches through the network
            or the part of it above a layer.
    """

    forward: float = 0.0
    backward: float = 0.0
    steps: int = field(default=0, compare=False)

    @property
    def total(self) -> float:
        """In forward passes; a backward pass takes about as long as two."""
        return self.forward + 2 * self.backward

    @property
    def slow(self) -> bool:
        """Whether to ask before it is spent."""
        return self.total > _SLOW


@dataclass(frozen=True)
class Option:
    """A number that a method can be told.

    Attributes:
        default: of the same kind (int or float) as what is given.
        low: least value that makes sense.
        high: greatest value that makes sense.
    """

    name: str
    default: int | float
    low: int | float
    high: int | float
    help: str


@dataclass(frozen=True, eq=False)
class Request:
    """What a method is asked.

    Attributes:
        vectors: float32, (targets, labels): weights of the logits.
        options: every option of the method, checked.
        every_label: others will be asked about next; see `Subject.gradients`.
    """

    subject: Subject
    vectors: np.ndarray
    layer: str
    work: Work
    seed: int
    options: dict[str, Any]
    every_label: bool = False


@dataclass(frozen=True)
class Method:
    """A way to draw a heatmap.

    Attributes:
        id: name in links and commands.
        summary: a sentence for people.
        reference: the paper.
        family: "activation", "gradient", "perturbation" or "pixel".
        run: request -> float32, (targets, rows, columns), positive for the target.
        plan: (network, targets, layer, options) -> cost.
        needs_gradient: reads gradients (none is computed under a pooled linear head).
        needs_linear_head: only for a layer that is pooled and read by a linear head.
        needs_relu: only for networks with ReLU and no other curve.
        depends_on_target: whether different targets give different maps.
        signed: whether the negated target gives another map.
        many_labels: all labels come from the same passes; see `others` for what those cost.
        layered: a layer can be chosen.
        random: reads the seed.
    """

    id: str
    name: str
    summary: str
    reference: str
    family: str
    run: Callable[[Request], np.ndarray]
    plan: Callable[[Traced, int, str, dict[str, Any]], Cost]
    needs_gradient: bool = False
    needs_linear_head: bool = False
    needs_relu: bool = False
    depends_on_target: bool = True
    signed: bool = True
    many_labels: bool = True
    layered: bool = True
    random: bool = False
    options: tuple[Option, ...] = field(default=())

    def passes(
        self, network: Traced, targets: int = 1, layer: str | None = None, **options: int | float
    ) -> Cost:
        """What maps of some targets cost at most.

        Raises:
            ValueError: unknown option or layer.
        """
        return self.plan(network, targets, layer or network.default_layer, self.checked(options))

    def others(self, network: Traced, layer: str | None = None, **options: int | float) -> Cost:
        """What the other labels of a film cost together at most, once one of them was explained.

        Where `many_labels` says that all come from the same passes, these are made for the first
        other label, and those after it are free.

        Raises:
            ValueError: unknown option or layer.
        """
        one, every = (
            self.passes(network, targets, layer, **options) for targets in (1, network.labels)
        )
        return Cost(
            every.forward - one.forward, every.backward - one.backward, every.steps - one.steps
        )

    def checked(self, options: dict[str, Any]) -> dict[str, Any]:
        """All options, the given ones over the defaults.

        Raises:
            ValueError: the method has no such option, or its value makes no sense.
        """
        known = {option.name: option for option in self.options}
        for name, value in options.items():
            if name not in known:
                has = f"has {', '.join(known)}" if known else "has none"
                raise ValueError(f"{self.name} has no option {name!r}; it {has}.")
            option = known[name]
            if not option.low <= value <= option.high:
                raise ValueError(
                    f"{name} of {self.name} is {value}; it must lie between {option.low} and "
                    f"{option.high}."
                )
        return {
            name: type(option.default)(options.get(name, option.default))
            for name, option in known.items()
        }

    def objection(self, network: Traced, layer: str | None = None) -> str:
        """Why the method does not fit, as a sentence; empty where it does."""
        pooled = network.graph.pooled
        if self.needs_linear_head and pooled is None:
            return f"{self.name} needs a linear head on pooled channels, which this model lacks."
        if self.needs_linear_head and layer not in (None, pooled):
            return f"{self.name} only reads {pooled}, the layer in front of the pooling."
        if self.needs_relu and not network.guided:
            return f"{self.name} is for networks whose only curve is ReLU; this one has others."
        if layer is not None and not self.layered:
            return f"{self.name} draws on the film's pixels: no layer can be chosen for it."
        return ""


def _gradient(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
    def run(asked: Request) -> np.ndarray:
        subject, layer = asked.subject, asked.layer
        activation = subject.activation(layer)
        # gradients of an early layer are large: of many targets, only some are there at a time
        found = [
            function(activation, subject.gradients(some, layer, asked.work, asked.every_label))
            for some in np.split(asked.vectors, range(BATCH, len(asked.vectors), BATCH))
        ]
        return np.concatenate(found)

    return run


def _cam(asked: Request) -> np.ndarray:
    head = asked.subject.head(asked.layer)
    assert head is not None, "methods.objection was not asked"
    return cam(asked.subject.activation(asked.layer), head, asked.vectors)


def _eigen_cam(asked: Request) -> np.ndarray:
    heat = eigen_cam(asked.subject.activation(asked.layer))
    return np.repeat(heat[None], len(asked.vectors), axis=0)


def _inner(network: Traced, layer: str) -> float:
    """1 for a layer that the pass that read the film did not keep, else 0."""
    network.graph.grid(layer)
    return float(layer != network.default_layer)


def _read(network: Traced, layer: str) -> float:
    """Passes until the part above a layer can be run: its activation, and what goes around it."""
    around = network.graph.head is None and bool(network.graph.crossing(layer))
    return max(_inner(network, layer), float(around))


def _pooled(network: Traced, layer: str) -> bool:
    """Whether a linear head reads the mean of the layer, so that nothing need be run above it."""
    return layer == network.graph.pooled


def _activation(network: Traced, _targets: int, layer: str, _options: dict[str, Any]) -> Cost:
    return Cost(_inner(network, layer))


def _backward(network: Traced, targets: int, layer: str, _options: dict[str, Any]) -> Cost:
    # at most: only the part above the layer is run; above the last activation that is next to none
    inner = _inner(network, layer)
    steps = targets * (not _pooled(network, layer))
    return Cost(_read(network, layer) + inner * targets, inner * targets, steps)


def _channels(network: Traced, _targets: int, layer: str, _options: dict[str, Any]) -> Cost:
    inner, channels = _inner(network, layer), network.grids[layer][2]
    steps = channels * (not _pooled(network, layer))
    # with all, and without each
    return Cost(_read(network, layer) + inner * (1 + channels), steps=steps)


def _score(network: Traced, _targets: int, layer: str, options: dict[str, Any]) -> Cost:
    inner, channels = _inner(network, layer), network.grids[layer][2]
    steps = min(options["top"] or channels, channels)
    return Cost(inner + steps, steps=steps)


def _masks(_network: Traced, _targets: int, _layer: str, options: dict[str, Any]) -> Cost:
    return Cost(options["masks"], steps=options["masks"])


def _patches(network: Traced, _targets: int, _layer: str, options: dict[str, Any]) -> Cost:
    height, width = network.graph.inputs.shape[1:3]
    steps = len(patches((height, width), options["patch"], options["stride"]))
    return Cost(steps, steps=steps)


def _each(name: str) -> Any:
    def plan(_network: Traced, targets: int, _layer: str, options: dict[str, Any]) -> Cost:
        steps = targets * options[name]
        return Cost(steps, steps, steps)

    return plan


def _once(_network: Traced, targets: int, _layer: str, _options: dict[str, Any]) -> Cost:
    return Cost(targets, targets, targets)


def _once_and_backward(network: Traced, targets: int, layer: str, options: dict[str, Any]) -> Cost:
    above = _backward(network, targets, layer, options)
    # the gradient is taken at one go, the guided ones in batches
    return Cost(above.forward + targets, above.backward + targets, targets)


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
        lambda asked: ablation_cam(asked.subject, asked.vectors, asked.layer, asked.work),
        _channels,
    ),
    Method(
        "score-cam",
        "Score-CAM",
        "Adds up a layer's channels by the score of the film seen through each.",
        "Wang et al. 2020, arXiv:1910.01279",
        "perturbation",
        lambda asked: score_cam(
            asked.subject, asked.vectors, asked.layer, asked.work, **asked.options
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
            asked.subject, asked.vectors, asked.work, **asked.options, seed=asked.seed
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
        lambda asked: integrated_gradients(
            asked.subject, asked.vectors, asked.work, **asked.options
        ),
        _each("steps"),
        needs_gradient=True,
        many_labels=False,
        layered=False,
        options=(Option("steps", 32, 1, 512, "Points on the way from no film to the film."),),
    ),
    Method(
        "guided-backprop",
        "Guided backpropagation",
        "Fine lines that raise the score; they show the film's edges more than the reasons.",
        "Springenberg et al. 2015, arXiv:1412.6806",
        "pixel",
        lambda asked: guided_backprop(asked.subject, asked.vectors, asked.work),
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
        lambda asked: guided_grad_cam(asked.subject, asked.vectors, asked.layer, asked.work),
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
        lambda asked: occlusion(asked.subject, asked.vectors, asked.work, **asked.options),
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
            asked.subject, asked.vectors, asked.work, **asked.options, seed=asked.seed
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


def at_layer(text: str) -> tuple[str, str | None]:
    """Method and layer of "METHOD@LAYER"; None for the layer of a method alone."""
    name, _, layer = text.partition("@")
    return name, layer or None


def get(method: str) -> Method:
    """A method by id.

    Raises:
        ValueError: no such method; the message lists those there are.
    """
    if method not in METHODS:
        raise ValueError(f"There is no method {method!r}. Methods: {', '.join(METHODS)}.")
    return METHODS[method]
