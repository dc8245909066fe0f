"""Networks as files for other programs: ONNX, OpenVINO, TensorFlow's SavedModel, TFLite.

Every file takes images as the card scales them and gives logits and calibrated probabilities. Its
answers are compared with those of the network before it is handed over.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xray_models.catalogue import Card
from xray_models.inference import openvino, weights
from xray_models.inference.predict import calibrated

if TYPE_CHECKING:
    import keras

__all__ = ["CLOSE", "FORMATS", "ExportRefused", "Exported", "export"]

FORMATS = ("onnx", "openvino", "savedmodel", "tflite")
CLOSE = 1e-4
"""Largest difference of a probability that a file in float32 may have."""

_ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "savedmodel": "", "tflite": ".tflite"}
_OPSET = 17
_IMAGES, _LOGITS, _PROBABILITIES = "images", "logits", "probabilities"


class ExportRefused(RuntimeError):
    """A network cannot be exported; the message says why and what to do."""


@dataclass(frozen=True)
class Exported:
    """File that was written, and how it answers.

    Attributes:
        path: of the file or, of a SavedModel, the folder.
        bytes: size of all that was written, without the description.
        difference: largest difference of a probability from the network's own.
        pictures: how many were compared.
    """

    path: Path
    bytes: int
    difference: float
    pictures: int


def export(card: Card, form: str, folder: Path, images: np.ndarray, int8: bool = False) -> Exported:
    """Write a model in another form, with a description (labels, thresholds, scaling) beside it.

    Nothing is left where it fails.

    Args:
        card: of the model.
        form: one of `FORMATS`.
        folder: made if absent; what it holds of this name is replaced.
        images: pictures to compare the answers on, scaled as the card says, float32
            (batch, height, width, 3).
        int8: store the weights in eight bits, TFLite only.

    Raises:
        ExportRefused: unknown form, a package is missing, or the file answers otherwise.
        WeightsError: the model's weights cannot be used.
        OSError: the folder cannot be written.
    """
    if form not in FORMATS:
        raise ExportRefused(f"There is no form {form!r}. Forms: {', '.join(FORMATS)}.")
    if int8 and form != "tflite":
        raise ExportRefused("Eight-bit weights are for TFLite: give --to tflite with --int8.")
    if form == "onnx" and importlib.util.find_spec("tf2onnx") is None:
        raise ExportRefused(
            "ONNX needs the packages onnx and tf2onnx, which are not installed: "
            "pip install 'radlens[export]'."
        )
    network = weights.load(card)
    expected = calibrated(_run(network, images), card.calibration, card.activation)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{card.id}{'-int8' if int8 else ''}{_ENDINGS[form]}"
    with tempfile.TemporaryDirectory(dir=folder) as unchecked:
        draft = Path(unchecked) / name
        _WRITERS[form](_function(network, card, form), draft, int8)
        answers = _READERS[form](draft, images)
        difference = float(np.abs(answers - expected).max())
        if not int8 and not difference <= CLOSE:
            raise ExportRefused(
                f"The file would answer otherwise than {card.id}: a probability differs by "
                f"{difference:.4f}. It was not kept."
            )
        size = sum(one.stat().st_size for one in Path(unchecked).rglob("*") if one.is_file())
        for one in Path(unchecked).iterdir():
            _replace(one, folder / one.name)
    described = (folder / name).with_name(f"{name}.json")
    described.write_text(json.dumps(_description(card), indent=2) + "\n", encoding="utf-8")
    return Exported(folder / name, size, difference, len(images))


def _replace(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    source.replace(target)


def _description(card: Card) -> dict[str, Any]:
    """What a program needs to ask the file and to read its answers."""
    return {
        "model": card.id,
        "input": {
            "name": _IMAGES,
            "shape": ["batch", *card.input_size, 3],
            "geometry": card.geometry,
            "scaling": card.scaling,
            "mean_std": card.mean_std,
        },
        "outputs": [_LOGITS, _PROBABILITIES],
        "labels": card.labels,
        "thresholds": card.thresholds,
        "license": card.weights.license,
        "intended_use": card.intended_use,
    }


def _run(network: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [network(images[index : index + 1], training=False) for index in range(len(images))]
    )


def _function(network: keras.Model, card: Card, form: str) -> Any:
    """Function of TensorFlow from images to logits and calibrated probabilities."""
    import tensorflow as tf

    bias = np.array(card.calibration.bias, np.float32)  # a tensor would become an input
    activation = tf.sigmoid if card.activation == "sigmoid" else tf.nn.softmax
    batch = 1 if form == "tflite" else None
    signature = [tf.TensorSpec((batch, *card.input_size, 3), tf.float32, name=_IMAGES)]

    def run(images: Any) -> dict[str, Any]:
        logits = network(images, training=False)
        probabilities = activation(logits / card.calibration.temperature + bias)
        return {_LOGITS: logits, _PROBABILITIES: probabilities}

    return tf.function(run, signature, autograph=False)


def _write_onnx(function: Any, path: Path, _: bool) -> None:
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    tf2onnx.convert.from_function(
        function, input_signature=function.input_signature, opset=_OPSET, output_path=str(path)
    )


def _write_openvino(function: Any, path: Path, _: bool) -> None:
    openvino.write(_frozen(function), [_IMAGES], [_LOGITS, _PROBABILITIES], path)


def _write_saved_model(function: Any, path: Path, _: bool) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.run = function
    concrete = function.get_concrete_function()
    module.kept = list(concrete.variables)
    tf.saved_model.save(module, str(path), signatures={"serving_default": concrete})


def _write_tflite(function: Any, path: Path, int8: bool) -> None:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = tf.Module()
        concrete = function.get_concrete_function()
        module.kept = list(concrete.variables)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        if int8:  # weights in eight bits; activations stay as they are
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        path.write_bytes(converter.convert())


def _frozen(function: Any) -> Any:
    """Concrete function whose variables are constants."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function.get_concrete_function())


def _by_openvino(path: Path, images: np.ndarray) -> np.ndarray:
    """Probabilities of an ONNX or OpenVINO file."""
    return openvino.answers(path, images, _PROBABILITIES)


def _by_tensorflow(path: Path, images: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    run = tf.saved_model.load(str(path)).signatures["serving_default"]
    return run(images=tf.constant(images))[_PROBABILITIES].numpy()


def _by_tflite(path: Path, images: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow speaks of another package for the same
        interpreter = tf.lite.Interpreter(model_path=str(path))
        run = interpreter.get_signature_runner()
    return np.concatenate([run(**{_IMAGES: image[None]})[_PROBABILITIES] for image in images])


_WRITERS: dict[str, Callable[[Any, Path, bool], None]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "savedmodel": _write_saved_model,
    "tflite": _write_tflite,
}
_READERS: dict[str, Callable[[Path, np.ndarray], np.ndarray]] = {
    "onnx": _by_openvino,
    "openvino": _by_openvino,
    "savedmodel": _by_tensorflow,
    "tflite": _by_tflite,
}
