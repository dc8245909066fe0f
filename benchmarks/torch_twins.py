"""PyTorch twins of our networks, with the weights copied over: for comparisons, not for use.

The package `grad-cam` and its torchvision are needed: pip install grad-cam==1.5.7
torchvision==0.28.0 torch==2.13.0. Where torchvision's compiled operators do not load beside a
processor-only PyTorch, two of them are declared before the import; none is called here.
"""

from __future__ import annotations

import contextlib
import sys
from types import ModuleType

import keras
import numpy as np

# PyTorch looks for this compiler of GPU code, and loading it beside TensorFlow ends the process;
# nothing here is compiled, and PyTorch does without where it is not there
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]

import torch  # noqa: E402

_DECLARED: list[torch.library.Library] = []  # a library is gone when nobody holds it


def torchvision() -> ModuleType:
    """Import torchvision, with or without its compiled operators."""
    if not _DECLARED:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            with contextlib.suppress(RuntimeError):  # already there: the compiled ones did load
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _DECLARED.append(library)
    import torchvision

    return torchvision


class Twin(torch.nn.Module):
    """Features, the last activation as a layer of its own, global average pooling, linear head."""

    def __init__(
        self, features: torch.nn.Module, last: torch.nn.Module, channels: int, labels: int
    ):
        super().__init__()
        self.features, self.last = features, last
        self.logits = torch.nn.Linear(channels, labels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (batch, 3, height, width) -> logits (batch, labels)."""
        return self.logits(self.last(self.features(images)).mean(dim=(2, 3)))


def twin(network: keras.Model) -> Twin:
    """PyTorch twin of a network of `xray_models.networks`.

    DenseNet121 and VGG16 carry the same weights and give the same logits. EfficientNetB0 is the
    same architecture with weights of its own: TensorFlow pads strided convolutions on one side,
    torchvision on both, so that copied weights would not give the same logits either.

    Raises:
        ValueError: there is no twin of this architecture.
    """
    makers = {"densenet121": _densenet121, "vgg16": _vgg16, "efficientnetb0": _efficientnet_b0}
    if network.name not in makers:
        raise ValueError(f"There is no twin of {network.name}. Known: {', '.join(makers)}.")
    made = makers[network.name](network)
    copy_head(made, network.get_layer("logits"))
    return made.eval()


def _densenet121(network: keras.Model) -> Twin:
    features = torchvision().models.densenet121(weights=None).features
    labels = network.output_shape[-1]
    made = Twin(features, torch.nn.ReLU(), 1024, labels)
    copy_convolution(features.conv0, network.get_layer("conv1_conv"))
    copy_normalization(features.norm0, network.get_layer("conv1_bn"))
    for block, layers in enumerate((6, 12, 24, 16), 1):
        theirs = getattr(features, f"denseblock{block}")
        for index in range(1, layers + 1):
            ours = f"conv{block + 1}_block{index}"
            one = getattr(theirs, f"denselayer{index}")
            copy_normalization(one.norm1, network.get_layer(f"{ours}_0_bn"))
            copy_convolution(one.conv1, network.get_layer(f"{ours}_1_conv"))
            copy_normalization(one.norm2, network.get_layer(f"{ours}_1_bn"))
            copy_convolution(one.conv2, network.get_layer(f"{ours}_2_conv"))
        if block < 4:
            between = getattr(features, f"transition{block}")
            copy_normalization(between.norm, network.get_layer(f"pool{block + 1}_bn"))
            copy_convolution(between.conv, network.get_layer(f"pool{block + 1}_conv"))
    copy_normalization(features.norm5, network.get_layer("bn"))
    return made


def _vgg16(network: keras.Model) -> Twin:
    layers = torchvision().models.vgg16(weights=None).features[:29]  # up to block5_conv3
    for layer in layers:
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False
    ours = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    theirs = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    for one, other in zip(theirs, ours, strict=True):
        copy_convolution(one, other)
    return Twin(layers, torch.nn.ReLU(), 512, network.output_shape[-1])


def _efficientnet_b0(network: keras.Model) -> Twin:
    features = torchvision().models.efficientnet_b0(weights=None).features
    return Twin(features, torch.nn.Identity(), 1280, network.output_shape[-1])


def copy_head(theirs: Twin, ours: keras.layers.Dense) -> None:
    """Copy the linear head."""
    _fill(theirs.logits.weight, ours.kernel.numpy().T)
    _fill(theirs.logits.bias, ours.bias.numpy())


def copy_convolution(theirs: torch.nn.Conv2d, ours: keras.layers.Conv2D) -> None:
    """Copy a convolution with its bias, if it has one."""
    _fill(theirs.weight, ours.kernel.numpy().transpose(3, 2, 0, 1))
    if ours.use_bias:
        assert theirs.bias is not None
        _fill(theirs.bias, ours.bias.numpy())


def copy_normalization(theirs: torch.nn.BatchNorm2d, ours: keras.layers.BatchNormalization) -> None:
    """Copy a batch normalization with its statistics."""
    theirs.eps = ours.epsilon
    assert theirs.running_mean is not None and theirs.running_var is not None
    _fill(theirs.weight, ours.gamma.numpy())
    _fill(theirs.bias, ours.beta.numpy())
    _fill(theirs.running_mean, ours.moving_mean.numpy())
    _fill(theirs.running_var, ours.moving_variance.numpy())


def _fill(parameter: torch.Tensor, values: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def as_torch(images: np.ndarray) -> torch.Tensor:
    """Images (batch, height, width, channels) as PyTorch wants them."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
