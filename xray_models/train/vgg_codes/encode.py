"""Encoding: the VGG16 codes of images that have none yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np
from tqdm import tqdm

from xray_models.datasets import DataSetError
from xray_models.networks.vgg_codes import vgg16_pool5
from xray_models.radiograph import UnreadableRadiograph, read
from xray_models.radiograph.preprocess import resize, scale
from xray_models.train import pretrained
from xray_models.train.vgg_codes.store import Settings, Store

__all__ = ["SHARD", "convolutions", "encode", "versions"]

SHARD = 64
"""Images per file: what a killed run may lose."""

_BATCH = 4
_SMALLEST_CROP = 0.8


def encode(
    images: Mapping[str, Path], store: Store, stop: bool = False, name: str = "codes"
) -> dict[str, str]:
    """Compute codes of the images that the store does not have.

    Args:
        images: sha256 of each file -> its path. PNG, JPEG, TIFF, BMP, WebP or DICOM.
        store: where codes go.
        stop: raise at the first file that cannot be read rather than pass over it.
        name: for the progress bar.

    Returns:
        sha256 of each file that cannot be read -> a sentence why.

    Raises:
        DataSetError: with `stop`, for a file that cannot be read.
        ValueError: the start of the settings is unknown.
        ModuleNotFoundError: the package that carries the start is not installed.
    """
    missing = {image: path for image, path in images.items() if image not in store}
    if not missing:
        return {}
    network, _ = convolutions(store.settings)
    compute = tf.function(
        lambda batch: network(batch, training=False),
        [tf.TensorSpec((None, *store.settings.input_size, 3), tf.float32)],
    )
    problems: dict[str, str] = {}

    def readable() -> Iterator[tuple[str, np.ndarray]]:
        for image, path in tqdm(missing.items(), name, unit="image"):
            try:
                gray = read(path).pixels
            except UnreadableRadiograph as error:
                if stop:
                    raise DataSetError(f"{path}: {error}") from error
                problems[image] = str(error)
                continue
            yield image, versions(gray, image, store.settings)

    stream = readable()
    done: list[str] = []
    codes: list[np.ndarray] = []
    while batch := list(islice(stream, _BATCH)):
        inputs = scale(np.concatenate([seen for _, seen in batch]), store.settings.scaling)
        found = compute(inputs).numpy()
        codes.append(found.reshape(len(batch), store.settings.versions, *found.shape[1:]))
        done += [image for image, _ in batch]
        if len(done) >= SHARD:
            store.add(done, np.concatenate(codes))
            done, codes = [], []
    if done:
        store.add(done, np.concatenate(codes))
    return problems


def convolutions(settings: Settings) -> tuple[keras.Model, str]:
    """VGG16 up to its fifth pooling with its pretrained start, and where that comes from.

    Raises:
        ValueError: the start is unknown.
        ModuleNotFoundError: the package that carries it is not installed.
    """
    network = vgg16_pool5(settings.input_size)
    return network, pretrained.start(network, settings.start)


def versions(gray: np.ndarray, image: str, settings: Settings) -> np.ndarray:
    """Versions of an image: itself at input size, mirrored, then random crops.

    Args:
        gray: float32 in 0..1, shape (height, width).
        image: sha256 of the file: seeds the crops, so that they are the same each time.
        settings: number of versions, size and geometry.

    Returns:
        float32 in 0..1 of shape (versions, *input_size).
    """
    found = []
    for version in range(settings.versions):
        seen = gray[:, ::-1] if version % 2 else gray
        if version > 1:
            random = np.random.default_rng([int(image[:16], 16), version])
            height, width = (
                max(1, round(side * random.uniform(_SMALLEST_CROP, 1))) for side in gray.shape
            )
            top = random.integers(gray.shape[0] - height + 1)
            left = random.integers(gray.shape[1] - width + 1)
            seen = seen[top : top + height, left : left + width]
        found.append(resize(seen, settings.input_size, settings.geometry)[0])
    return np.stack(found)
