"""Training of the 512-512 network on codes, as Xvision did: plain SGD 0.01, batches of 20."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf
import keras
import numpy as np
from scipy.special import expit, softmax

from xray_models.networks.vgg_codes import head_network
from xray_models.train.run_folder.checkpoint import State, save_weights
from xray_models.train.run_folder.run import RunFolder
from xray_models.train.run_folder.seeding import reseed

__all__ = ["Fit", "Progress", "Run", "balanced", "classes", "fit", "logits", "probabilities"]


@dataclass(frozen=True)
class Fit:
    """Settings of the training on codes.

    Attributes:
        momentum: 0, plain SGD, as Xvision's GradientDescentOptimizer.
        dropout: share of each hidden layer's units dropped; Xvision had none.
        balance: 0 draws films as they come, 1 draws every class equally often.
        smoothing: label smoothing.
    """

    epochs: int = 20
    batch: int = 20
    learning_rate: float = 0.01
    momentum: float = 0.0
    weight_decay: float = 0.0
    dropout: float = 0.5
    balance: float = 1.0
    smoothing: float = 0.0
    seed: int = 7


@dataclass(frozen=True)
class Run:
    """Run folder that a training on codes is kept in.

    Attributes:
        folder: made if absent.
        made_of: what config.json tells, beside what the training itself knows.
        keep: how many of the last checkpoints stay; all by default.
        resume: go on after the last finished epoch of an earlier call; without it that is deleted.
    """

    folder: Path
    made_of: Mapping[str, object] = field(default_factory=dict)
    keep: int | None = None
    resume: bool = False


@dataclass(frozen=True, eq=False)
class _Standard:
    """Mean and spread of the training codes: SGD needs codes of one size, the network does not."""

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray) -> _Standard:
        spread = codes.std(axis=(0, 1))
        # a code that never varies says nothing, now or later
        return cls(codes.mean(axis=(0, 1)), np.where(spread > 1e-3 * spread.max(), spread, np.inf))

    def standardized(self, codes: np.ndarray) -> np.ndarray:
        return (codes - self.mean) / self.spread

    def taken_in(self, network: keras.Model) -> keras.Model:
        """The network that says of codes what `network` says of standardized ones: exactly so."""
        found = head_network(network.input_shape[1], network.output_shape[1])
        for layer in found.layers:
            if layer.weights:
                layer.set_weights(network.get_layer(layer.name).get_weights())
        (kernel,) = found.get_layer("dense1").get_weights()
        kernel = kernel / self.spread[:, None]
        found.get_layer("dense1").set_weights([kernel])
        normalization = found.get_layer("dense1_bn")
        normalization.moving_mean.assign(normalization.moving_mean + self.mean @ kernel)
        return found


Progress = Callable[[dict[str, float]], None]
"""Called after every epoch with its figures."""


def fit(
    codes: np.ndarray,
    targets: np.ndarray,
    how: Fit,
    chances: np.ndarray | None = None,
    held_out: tuple[np.ndarray, np.ndarray] | None = None,
    run: Run | None = None,
    progress: Progress | None = None,
) -> keras.Model:
    """Train a network on codes; the last epoch counts.

    Args:
        codes: (films, versions, features); each time a film is drawn, one of its versions is.
        targets: one column of 0..1 for two classes (sigmoid), else one per class (softmax);
            float of shape (films, logits).
        how: epochs, batch size, optimizer, dropout, seed.
        chances: how often each film is drawn, relative to the others; by default as `how.balance`
            says.
        held_out: codes (films, versions, features) and targets to follow the training with; they
            have no say in it.
        run: where a checkpoint per epoch, config.json, history.csv, metrics.json, curves.png and
            TensorBoard logs go; nowhere by default.
        progress: called after every epoch.

    Returns:
        The trained network, (batch, features) -> (batch, logits).

    Raises:
        ValueError: fewer films than fill a batch.
        ResumeError: what an earlier call left in the run folder cannot be read.
    """
    films, versions, features = codes.shape
    if films < how.batch:
        raise ValueError(f"{films} films do not fill a batch of {how.batch}. Take a smaller batch.")
    keras.utils.set_random_seed(how.seed)
    network = _compiled(features, targets.shape[1], how)
    standard = _Standard.of(codes)
    codes = standard.standardized(codes)
    weight = balanced(targets, how.balance) if chances is None else chances
    folder = RunFolder(run.folder, run.resume) if run else None
    if run and folder:
        folder.load(network)
        folder.begin(run.made_of, tf.distribute.get_strategy())
    for epoch in range(folder.state.epoch + 1 if folder else 1, how.epochs + 1):
        reseed(network, how.seed, epoch)
        drawn, version = _drawn(weight, versions, how, epoch)
        history = network.fit(
            codes[drawn, version], targets[drawn], batch_size=how.batch, shuffle=False, verbose=0
        )
        line: dict[str, float] = {"epoch": epoch, "loss": float(history.history["loss"][0])}
        if held_out is not None:
            line |= _followed(network, standard.standardized(held_out[0]), held_out[1])
        if run and folder:
            # a checkpoint is the network as it reads codes; the training goes on from the one that
            # reads standardized codes, with its optimizer
            save_weights(standard.taken_in(network), folder.checkpoints.of(epoch))
            save_weights(network, folder.checkpoints.last(epoch))
            folder.finish(line, State(epoch=epoch))
            if run.keep is not None:
                folder.checkpoints.forget(up_to=epoch - run.keep)
        if progress is not None:
            progress(line)
    if folder:
        folder.end(folder.last())
    return standard.taken_in(network)


def _compiled(features: int, outputs: int, how: Fit) -> keras.Model:
    network = head_network(features, outputs, how.dropout)
    loss = (
        keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=how.smoothing)
        if outputs == 1
        else keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=how.smoothing)
    )
    decay = how.weight_decay or None
    network.compile(
        keras.optimizers.SGD(how.learning_rate, momentum=how.momentum, weight_decay=decay), loss
    )
    return network


def _drawn(
    weight: np.ndarray, versions: int, how: Fit, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """Films of an epoch that fill its batches, and the version of each; int, (films,)."""
    films = len(weight)
    whole = films - films % how.batch
    random = np.random.default_rng((how.seed, epoch))
    chance = weight / weight.sum()
    # evenly: every film once; otherwise by chance, with replacement
    even = bool(np.allclose(chance, chance[0]))
    order = np.arange(films)
    order = random.permutation(order) if even else random.choice(order, films, p=chance)
    return order[:whole], random.integers(versions, size=whole)


def balanced(targets: np.ndarray, balance: float) -> np.ndarray:
    """Weights to draw films by: a class that makes up a share s is drawn with weight s**-b."""
    kind = classes(targets)
    share = np.bincount(kind) / len(kind)
    return np.asarray(share[kind] ** -balance)


def classes(values: np.ndarray) -> np.ndarray:
    """Class of each film: the largest of several columns; of one column, whether above a half."""
    return (values[:, 0] > 0.5).astype(int) if values.shape[1] == 1 else values.argmax(axis=1)


def logits(network: keras.Model, codes: np.ndarray) -> np.ndarray:
    """Raw logits, mean over the versions of each film; float64 of shape (films, logits)."""
    films, versions, features = codes.shape
    flat = codes.reshape(films * versions, features)
    raw = network.predict(flat, batch_size=256, verbose=0)
    return np.asarray(raw, np.float64).reshape(films, versions, -1).mean(axis=1)


def probabilities(network: keras.Model, codes: np.ndarray) -> np.ndarray:
    """Uncalibrated probabilities of `logits`: sigmoid of one column, softmax of several."""
    raw = logits(network, codes)
    return np.asarray(expit(raw) if raw.shape[1] == 1 else softmax(raw, axis=1))


def _followed(network: keras.Model, codes: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    # the first version is the film itself
    found = probabilities(network, codes[:, :1])
    truth, called = classes(targets), classes(found)
    right = found if found.shape[1] > 1 else np.hstack([1 - found, found])
    likelihood = np.log(np.clip(right[np.arange(len(truth)), truth], 1e-7, 1))
    return {
        "validation_loss": float(-likelihood.mean()),
        "validation_accuracy": float((called == truth).mean()),
    }
