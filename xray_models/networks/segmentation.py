"""Segmentation: EfficientNet-Lite0 with a feature pyramid, a class for each pixel.

EfficientNet-Lite0 (Tan & Le 2019, arXiv:1905.11946; its lite form by Liu 2020) has neither the
gates nor the swish of EfficientNetB0: it is quicker on processors. The pyramid (Lin et al. 2017,
arXiv:1612.03144; for segmentation Kirillov et al. 2019, arXiv:1901.02446) adds the coarse
levels, which know what is where, to the fine ones, which know where it ends.

The network is written down once, in terms of a few operations: Keras makes them to train it,
`xray_models.inference.pyramid` to read films without TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import keras

__all__ = ["ARCHITECTURES", "STEP", "Operations", "build", "lite0_pyramid"]

ARCHITECTURES = ("lite0-pyramid",)

STEP = 32
"""Heights and widths of inputs are multiples of this many pixels."""

# kernel, repeats, filters, expansion, stride; as EfficientNetB0
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
_STEM = 32  # filters
_LEVELS = {2: 4, 3: 8, 5: 16, 7: 32}
"""Stage -> pixels to a cell of what it gives to the pyramid."""

_WIDTH = 64  # channels of the pyramid


class Operations(Protocol):
    """Operations that a network is made of; what they take and give are tensors of some library.

    Padding is such that a stride of 1 keeps the size, as TensorFlow's "same".
    """

    def convolution(
        self, seen: Any, filters: int, kernel: int, stride: int, name: str, bias: bool = False
    ) -> Any:
        """Convolution of all channels."""
        ...

    def depthwise(self, seen: Any, kernel: int, stride: int, name: str) -> Any:
        """Convolution of each channel by itself, without a bias."""
        ...

    def normalized(self, seen: Any, name: str) -> Any:
        """Batch normalization, with an epsilon of 0.001."""
        ...

    def relu6(self, seen: Any, name: str) -> Any:
        """Rectified linear unit that ends at 6."""
        ...

    def sum(self, one: Any, other: Any, name: str) -> Any:
        """Sum of two tensors of one shape."""
        ...

    def larger(self, seen: Any, times: int, name: str) -> Any:
        """Bilinear enlargement of rows and columns."""
        ...

    def channels(self, seen: Any) -> int:
        """How many channels a tensor has."""
        ...


def build(
    architecture: str, input_size: tuple[int | None, int | None], classes: int
) -> keras.Model:
    """Build an untrained segmentation network.

    Args:
        architecture: one of `ARCHITECTURES`.
        input_size: (height, width) in pixels, multiples of `STEP`; None for any.
        classes: of pixels.

    Returns:
        A flat functional model, (batch, height, width, 3) -> (batch, height, width, classes) logits
        in float32.

    Raises:
        ValueError: for an unknown architecture.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"Unknown architecture {architecture!r}. Known: {', '.join(ARCHITECTURES)}."
        )
    import tensorflow  # noqa: F401 - before keras: see pyproject.toml
    import keras

    film = keras.Input((*input_size, 3), name="film")
    return keras.Model(film, lite0_pyramid(_Layers(), film, classes), name=architecture)


def lite0_pyramid(make: Operations, film: Any, classes: int) -> Any:
    """Network of an encoder and a pyramid, with a logit per class of each pixel.

    Args:
        make: the operations.
        film: tensor of the input, three channels.
        classes: of pixels.

    Returns:
        Tensor of the logits, with the rows and columns of the input.
    """
    seen = None
    for cell, stage in reversed(_encoded(make, film).items()):
        level = make.convolution(stage, _WIDTH, 1, 1, f"side{cell}_conv")
        level = make.normalized(level, f"side{cell}_bn")
        if seen is not None:
            coarse = make.larger(seen, 2, f"side{cell}_up")
            level = make.sum(level, coarse, f"side{cell}_add")
        seen = _mixed(make, make.relu6(level, f"side{cell}_relu"), 3, f"level{cell}")
    cells = make.convolution(_mixed(make, seen, 5, "last"), classes, 1, 1, "cells", bias=True)
    return make.larger(cells, 4, "logits")


def _encoded(make: Operations, film: Any) -> dict[int, Any]:
    """What the encoder gives to the pyramid, by pixels to a cell.

    Its layers are named as those of EfficientNetB0 in the package `efficientnet`.
    """
    seen = make.convolution(film, _STEM, 3, 2, "stem_conv")
    seen = make.relu6(make.normalized(seen, "stem_bn"), "stem_activation")
    found = {}
    for number, (kernel, repeats, filters, expansion, stride) in enumerate(_STAGES, 1):
        for repeat in range(repeats):
            step = 1 if repeat else stride
            prefix = f"block{number}{'abcd'[repeat]}_"
            seen = _block(make, seen, kernel, filters, expansion, step, prefix)
        if number in _LEVELS:
            found[_LEVELS[number]] = seen
    return found


def _block(
    make: Operations,
    seen: Any,
    kernel: int,
    filters: int,
    expansion: int,
    stride: int,
    prefix: str,
) -> Any:
    """Inverted residual block without a gate."""
    before = seen
    if expansion > 1:
        wide = expansion * make.channels(seen)
        seen = make.convolution(seen, wide, 1, 1, f"{prefix}expand_conv")
        seen = make.normalized(seen, f"{prefix}expand_bn")
        seen = make.relu6(seen, f"{prefix}expand_activation")
    seen = make.depthwise(seen, kernel, stride, f"{prefix}dwconv")
    seen = make.relu6(make.normalized(seen, f"{prefix}bn"), f"{prefix}activation")
    seen = make.convolution(seen, filters, 1, 1, f"{prefix}project_conv")
    seen = make.normalized(seen, f"{prefix}project_bn")
    if stride == 1 and make.channels(before) == filters:
        seen = make.sum(seen, before, f"{prefix}add")
    return seen


def _mixed(make: Operations, seen: Any, kernel: int, name: str) -> Any:
    """Depthwise and pointwise convolution, normalized."""
    seen = make.depthwise(seen, kernel, 1, f"{name}_dwconv")
    seen = make.convolution(seen, _WIDTH, 1, 1, f"{name}_conv")
    return make.relu6(make.normalized(seen, f"{name}_bn"), f"{name}_relu")


class _Layers:
    """The operations as layers of Keras."""

    def __init__(self) -> None:
        import keras

        self._layers = keras.layers

    def convolution(
        self, seen: Any, filters: int, kernel: int, stride: int, name: str, bias: bool = False
    ) -> Any:
        dtype = "float32" if bias else None  # the logits, also where activations are halves
        return self._layers.Conv2D(
            filters, kernel, stride, "same", use_bias=bias, name=name, dtype=dtype
        )(seen)

    def depthwise(self, seen: Any, kernel: int, stride: int, name: str) -> Any:
        return self._layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=name)(seen)

    def normalized(self, seen: Any, name: str) -> Any:
        return self._layers.BatchNormalization(name=name)(seen)

    def relu6(self, seen: Any, name: str) -> Any:
        return self._layers.ReLU(6.0, name=name)(seen)

    def sum(self, one: Any, other: Any, name: str) -> Any:
        return self._layers.Add(name=name)([one, other])

    def larger(self, seen: Any, times: int, name: str) -> Any:
        dtype = "float32" if name == "logits" else None
        return self._layers.UpSampling2D(times, interpolation="bilinear", name=name, dtype=dtype)(
            seen
        )

    def channels(self, seen: Any) -> int:
        return int(seen.shape[-1])
