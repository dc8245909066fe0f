"""Import of a file that Keras saved as a model of the user's own, with a card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from xray_models import networks
from xray_models.catalogue import Card
from xray_models.datasets.mura import LABEL
from xray_models.evaluate.card_thresholds import NORMAL
from xray_models.importers import keras_file, user_models
from xray_models.importers.keras_file import ImportRefused, KerasFile
from xray_models.importers.user_models import NOT_MEASURED

__all__ = ["ARCHITECTURES", "Wanted", "import_file"]

ARCHITECTURES = (
    "densenet121",
    "densenet169",
    "efficientnetb0",
    "mobilenet",
    "mobilenetv2",
    "vgg16",
)
"""What can be imported: our graph computes what keras.applications' does, with the mean of its last
activation and one dense layer. VGG16 may also have its own head (flatten, two dense layers of 4,096
with ReLU, one of the outputs) or one dense layer on all that its fifth pooling gives."""

_USUAL_SIZE = (224, 224)


@dataclass(frozen=True)
class Wanted:
    """Wishes of the user about a file, which itself tells no scaling, labels or geometry.

    Attributes:
        model: id to import as: "bone-wrist", "bone-general", "chest-NAME".
        architecture: one of `ARCHITECTURES`.
        scaling: one of `xray_models.preparing.SCALINGS`.
        mean_std: for the scaling "z-score", of 0..255 pixels.
        geometry: "stretch" as Keras loads pictures, or "fit".
        labels: one per output; by default "abnormal" for one output.
        input_size: (height, width) in pixels; by default the file's own, else 224 x 224.
        threshold: operating point of every label but "normal", in 0..1.
        activation: "sigmoid" or "softmax"; by default the file's own, else sigmoid for one output.
        inverted: the one output is the probability of "normal"; its sign is turned.
        name: for pages; by default made from the id.
        license: of the weights, as the user states it.
    """

    model: str
    architecture: str
    scaling: str = "unit"
    mean_std: tuple[float, ...] = ()
    geometry: str = "stretch"
    labels: tuple[str, ...] = ()
    input_size: tuple[int, int] | None = None
    threshold: float = 0.5
    activation: str | None = None
    inverted: bool = False
    name: str | None = None
    license: str = "not stated; whoever imported the weights answers for their use"


def import_file(path: Path, wanted: Wanted, folder: Path, replace: bool = False) -> Card:
    """Import weights into the folder of the user's own models.

    Args:
        path: `.h5`, `.weights.h5` or `.keras`.
        wanted: what the user says of it.
        folder: made if absent.
        replace: overwrite a model of the same id.

    Raises:
        ImportRefused: the file cannot be read or does not fit what was said of it.
        UserModelError: the id tells no part, or is taken.
        CatalogueError: what was said makes no valid card.
        OSError: the folder cannot be written.
    """
    task, parts = user_models.parts_of(wanted.model)
    known = tuple(one for one in ARCHITECTURES if one in networks.ARCHITECTURES)
    if wanted.architecture not in known:
        raise ImportRefused(
            f"Weights of {wanted.architecture!r} cannot be imported. Known: {', '.join(known)}."
        )
    with keras_file.opened(path) as file:
        labels = _labels(wanted, file)
        size = wanted.input_size or file.input_size or _USUAL_SIZE
        network = networks.build(_built_as(wanted.architecture, file), size, len(labels))
        file.copy_into(network)
        card = _card(wanted, file, labels, size, network.name)
        card |= {"task": task, "parts": list(parts)}
    if wanted.inverted:
        _turn(network, len(labels))
    return user_models.add(folder, network, card, replace)


def _built_as(architecture: str, file: KerasFile) -> str:
    """Architecture of `networks` that computes what the file's network does."""
    if architecture != "vgg16":
        return architecture
    if file.hidden:
        return "vgg16-fc"
    return "vgg16-flat" if file.flattens else "vgg16-pool5"


def _labels(wanted: Wanted, file: KerasFile) -> tuple[str, ...]:
    labels = wanted.labels or ((LABEL,) if file.outputs == 1 else ())
    if len(labels) != file.outputs:
        raise ImportRefused(
            f"{file.name} has {file.outputs} output(s), but {len(labels)} label(s) were given. "
            "Name one per output, in order, with --labels."
        )
    return labels


def _turn(network: keras.Model, outputs: int) -> None:
    if outputs != 1:
        raise ImportRefused("Only a single output can be inverted; with several, order --labels.")
    head = network.get_layer("logits")
    head.set_weights([-values for values in head.get_weights()])


def _card(
    wanted: Wanted,
    file: KerasFile,
    labels: tuple[str, ...],
    size: tuple[int, int],
    architecture: str,
) -> dict[str, Any]:
    activation = wanted.activation or file.activation
    if activation in (None, "linear"):
        activation = "sigmoid" if len(labels) == 1 else "softmax"
    what = wanted.model.replace("-", " ")
    limits = [
        f"This model was {NOT_MEASURED}: how often it is right is not known.",
        f"Its threshold of {wanted.threshold:g} was not chosen on any film, and its probabilities "
        "are not calibrated.",
        f"Input size, geometry ({wanted.geometry}), scaling ({wanted.scaling}) and labels are as "
        "the person who imported it stated them.",
    ]
    if file.preparing:
        limits.append(
            f"The file scaled its own input ({', '.join(file.preparing)}); that was left out, the "
            "stated scaling stands for it."
        )
    return {
        "id": wanted.model,
        "name": wanted.name or f"{what.capitalize()} ({NOT_MEASURED})",
        "architecture": architecture,
        "input_size": list(size),
        "geometry": wanted.geometry,
        "scaling": wanted.scaling,
        "mean_std": list(wanted.mean_std),
        "activation": activation,
        "labels": list(labels),
        "thresholds": {label: wanted.threshold for label in labels if label != NORMAL},
        "calibration": {"temperature": 1.0, "bias": [0.0] * len(labels)},
        "weights": {"origin": f"imported from {file.name}", "license": wanted.license},
        "training": {
            "data": ["not known: the weights came without a record"],
            "films": 0,
            "groups": 0,
            "start": "not known",
            "note": f"{NOT_MEASURED.capitalize()}.",
        },
        "intended_use": f"A user's own model, {NOT_MEASURED}. For teaching and research, not for "
        "diagnosis.",
        "limits": limits,
        "references": [],
    }
