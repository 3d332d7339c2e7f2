"""Training one network from scratch, with the recipe that published and found networks share."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from dna_jax.accuracy.augmentation import AugmentationConfig, augment, standardize
from dna_jax.checks import require_at_least
from dna_jax.data import Source, read
from dna_jax.networks import Model, Variables
from dna_jax.search.optimizers import OptimizerConfig, make_optimizer


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """A recipe: augmentation, label smoothing, weight decay, cosine schedule, moving average of weights.

    Attributes:
      steps: optimiser steps.
      optimizer: with its schedule and weight decay.
      label_smoothing: share of the target spread over all classes.
      ema_decay: of the average of weights that is evaluated; shorter at first, (1 + step) / (10 + step).
      calibration_batches: training batches over which batch statistics are measured for evaluation.
    """

    steps: int = 2000
    optimizer: OptimizerConfig = OptimizerConfig(weight_decay=5e-4)
    label_smoothing: float = 0.1
    ema_decay: float = 0.998
    calibration_batches: int = 20

    def __post_init__(self) -> None:
        require_at_least(self, steps=0, calibration_batches=1)
        if not (0 <= self.label_smoothing < 1 and 0 <= self.ema_decay < 1):
            raise ValueError(f"label_smoothing {self.label_smoothing} and ema_decay {self.ema_decay} must lie in [0, 1).")


@struct.dataclass
class TrainingState:
    """Everything that changes.

    Attributes:
      step: steps taken, int32.
      key: of augmentation, as `jax.random.key_data`. Trainings that differ in it and in their first weights are independent,
        and may be stacked for `vmap`.
      parameters, average: weights, and their moving average.
      optimizer: Optax state.
    """

    step: jax.Array
    key: jax.Array
    parameters: Variables
    average: Variables
    optimizer: optax.OptState


@dataclasses.dataclass(frozen=True)
class Trainer:
    """Pure functions that train one network.

    Attributes:
      config: the recipe.
      augmentation: random crops and flips.
      model: a single network, or one that holds all of a family, of which every step is given the choices.
    """

    config: TrainingConfig
    augmentation: AugmentationConfig
    model: Model

    @functools.cached_property
    def _optimizer(self) -> optax.GradientTransformation:
        return make_optimizer(self.config.optimizer, self.config.steps)

    @functools.cached_property
    def _initial_statistics(self) -> Variables:
        # The same for every seed, and replaced by those of the batch: they only fill their place.
        return self.model.init(0)[1]

    def init(self, seed: int, start_from: Variables | None = None) -> TrainingState:
        """State before the first step; the seed is that of weights, unless `start_from` gives some, and of augmentation."""
        parameters = self.model.init(seed)[0] if start_from is None else start_from
        return TrainingState(
            step=jnp.zeros((), jnp.int32),
            key=jax.random.key_data(jax.random.key(seed)),
            parameters=parameters,
            average=jax.tree.map(jnp.copy, parameters),
            optimizer=self._optimizer.init(parameters),
        )

    def step(
        self, state: TrainingState, images: jax.Array, labels: jax.Array, point: Mapping[str, jax.Array] | None = None
    ) -> tuple[TrainingState, dict[str, jax.Array]]:
        """One optimiser step on raw images uint8 [batch, height, width, channels] and labels int[batch].

        Args:
          state: before the step.
          images, labels: of the batch.
          point: the choices of a model that holds all networks of a family.
        """
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)
        inputs = augment(key, standardize(images), self.augmentation)

        def loss(parameters: Variables) -> tuple[jax.Array, jax.Array]:
            predictions, _ = self.model.apply(parameters, self._initial_statistics, inputs, training=True, point=point)
            targets = optax.smooth_labels(jax.nn.one_hot(labels, predictions.shape[-1]), self.config.label_smoothing)
            return jnp.mean(optax.softmax_cross_entropy(predictions, targets)), predictions

        (value, predictions), gradient = jax.value_and_grad(loss, has_aux=True)(state.parameters)
        updates, optimizer = self._optimizer.update(gradient, state.optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        decay = jnp.minimum(self.config.ema_decay, (1 + state.step) / (10 + state.step))
        average = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.average, parameters)
        accuracy = jnp.mean(jnp.argmax(predictions, axis=-1) == labels)
        new = dataclasses.replace(state, step=state.step + 1, parameters=parameters, average=average, optimizer=optimizer)
        return new, {"loss": value, "accuracy": accuracy}


@functools.partial(jax.jit, static_argnames="model")
def _batch_statistics(
    model: Model, parameters: Variables, statistics: Variables, images: jax.Array, point: Mapping[str, jax.Array] | None
) -> Variables:
    inputs = standardize(images)
    return model.apply(parameters, statistics, inputs, training=True, point=point)[1]


@functools.partial(jax.jit, static_argnames="model")
def _correct(
    model: Model,
    parameters: Variables,
    statistics: Variables,
    images: jax.Array,
    labels: jax.Array,
    point: Mapping[str, jax.Array] | None,
):
    inputs = standardize(images)
    predictions, _ = model.apply(parameters, statistics, inputs, training=False, point=point)
    return jnp.argmax(predictions, axis=-1) == labels


def recalibrate(
    model: Model,
    parameters: Variables,
    batches: Iterable[dict[str, Any]],
    point: Mapping[str, jax.Array] | None = None,
) -> Variables:
    """Batch statistics of a network measured over batches of raw images.

    Needed wherever running statistics belong to other weights or other choices than those at hand: a network derived from
    a supernet, or averaged weights.

    Args:
      model: the network.
      parameters: its weights.
      batches: at least one.
      point: the choices of a model that holds all networks of a family.
    """
    _, statistics = model.init(0)
    total, count = None, 0
    for batch in batches:
        measured = _batch_statistics(model, parameters, statistics, batch["image"], point)
        total = measured if total is None else jax.tree.map(jnp.add, total, measured)
        count += 1
    if total is None:
        raise ValueError("recalibrate needs at least one batch.")
    return jax.tree.map(lambda value: value / count, total)


def evaluate_accuracy(
    model: Model,
    parameters: Variables,
    statistics: Variables,
    source: Source,
    batch_size: int,
    point: Mapping[str, jax.Array] | None = None,
) -> float:
    """Share of a source's images classified correctly; the last batch is padded, so that one shape is compiled.

    Args:
      model: the network.
      parameters, statistics: its weights and batch statistics.
      source: of the images.
      batch_size: images at a time.
      point: the choices of a model that holds all networks of a family.
    """
    correct = 0
    for start in range(0, len(source), batch_size):
        images, labels = read(source, start, start + batch_size)
        padding = batch_size - len(labels)
        padded = np.concatenate([images, np.zeros((padding, *images.shape[1:]), images.dtype)])
        # No class is -1, so what pads is never correct.
        targets = np.concatenate([labels, np.full(padding, -1, labels.dtype)]).astype(np.int32)
        correct += int(np.sum(np.asarray(_correct(model, parameters, statistics, padded, targets, point))))
    return correct / len(source)
