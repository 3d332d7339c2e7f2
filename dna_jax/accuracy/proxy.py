"""Accuracy of networks by short trainings, each from scratch: what strategies that try designs are told.

Networks of a family differ in shape, and to compile a training of each would take longer than to train it. So each is
trained as the super-kernel network, masked to its choices and started as if it had been drawn by itself: step by step the
derived network, at the price of a step of the largest one, by one compiled program for all. Trainings run side by side in
threads, one on each core: batched by `vmap` they take no less time on CPUs, and more once they no longer fit its caches.
"""

import concurrent.futures
import dataclasses
import functools
import os
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.accuracy.augmentation import AugmentationConfig
from dna_jax.accuracy.training import Trainer, TrainingConfig, TrainingState, evaluate_accuracy, recalibrate
from dna_jax.data import Source, batches
from dna_jax.networks import Specification, Variables, rescale_initial, supernet
from dna_jax.search.multi_trial_config import ProxyTrainingConfig
from dna_jax.spaces import Point


@dataclasses.dataclass(frozen=True)
class ProxyTraining:
    """Trainings of networks of a family, each a function of its choices and its seed alone.

    Attributes:
      specification: the family.
      config: the recipe.
      augmentation: random crops and flips.
      train, held_out: images to train on, and to measure accuracy on.
      batch_size, evaluation_batch_size: images at a time.
    """

    specification: Specification
    config: ProxyTrainingConfig
    augmentation: AugmentationConfig
    train: Source
    held_out: Source
    batch_size: int
    evaluation_batch_size: int

    @functools.cached_property
    def trainer(self) -> Trainer:
        """Of the super-kernel network, by the recipe with its epochs as steps. The weights of the last step count."""
        recipe = TrainingConfig(
            steps=self.config.steps(len(self.train), self.batch_size),
            optimizer=self.config.optimizer(len(self.train), self.batch_size),
            label_smoothing=self.config.label_smoothing,
            ema_decay=0.0,
            calibration_batches=self.config.calibration_batches,
        )
        return Trainer(recipe, self.augmentation, supernet(self.specification))

    @functools.cached_property
    def _rescale(self) -> Any:
        return jax.jit(functools.partial(rescale_initial, self.specification))

    def start(self, point: Point, seed: int) -> TrainingState:
        """Before the first step, with first weights of the seed."""
        return self.trainer.init(seed, self._rescale(self.trainer.model.init(seed)[0], point))

    @functools.cached_property
    def step(self) -> Any:
        """`Trainer.step`, compiled for the batches of the run: threads that call a `jit` first would each compile it."""
        abstract = jax.eval_shape(lambda point: self.start(point, 0), self._any_point)
        height, width, channels = self.train[0]["image"].shape
        images = jax.ShapeDtypeStruct((self.batch_size, height, width, channels), jnp.uint8)
        labels = jax.ShapeDtypeStruct((self.batch_size,), jnp.int32)
        return jax.jit(self.trainer.step, donate_argnums=0).lower(abstract, images, labels, self._any_point).compile()

    @property
    def _any_point(self) -> Point:
        options = self.specification.options
        width = max(map(len, options.values()))
        return Point(jnp.zeros((len(options), width)), tuple((name, len(values)) for name, values in options.items()))

    def trained(self, point: Point, seed: int) -> tuple[Variables, float]:
        """Weights after a training, and the task loss of its last step.

        Args:
          point: one-hot choices of the family's decisions, in its order.
          seed: of first weights, order of images and augmentation.
        """
        state = self.start(point, seed)
        stream = batches(self.train, self.batch_size, seed, "proxy")
        metrics = {"loss": np.nan}
        for _ in range(self.trainer.config.steps):
            entry = next(stream)
            state, metrics = self.step(state, entry["image"], np.asarray(entry["label"], np.int32), point)
        return state.parameters, float(metrics["loss"])

    def evaluate(self, parameters: Variables, point: Point, seed: int) -> float:
        """Share of the held-out images that weights get right, with batch statistics measured anew."""
        stream = batches(self.train, self.batch_size, seed, "calibration")
        model = self.trainer.model
        measured = (next(stream) for _ in range(self.config.calibration_batches))
        statistics = recalibrate(model, parameters, measured, point)
        return evaluate_accuracy(model, parameters, statistics, self.held_out, self.evaluation_batch_size, point)

    def accuracies(self, points: Point, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Accuracy on the held-out images, 0 to 1, and last task loss of several trainings, float64[trainings] each.

        Args:
          points: one-hot choices, [trainings, decisions, widest].
          seeds: one for each.
        """
        each = [dataclasses.replace(points, rows=rows) for rows in points.rows]
        # Compiled before threads ask for it, each for itself.
        _ = self.step
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            trained = list(pool.map(self.trained, each, seeds))
        losses = np.array([loss for _, loss in trained])
        found = [self.evaluate(trained[i][0], point, seed) for i, (point, seed) in enumerate(zip(each, seeds, strict=True))]
        return np.array(found), losses
